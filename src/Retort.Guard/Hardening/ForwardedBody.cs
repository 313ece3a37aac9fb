using System.Buffers;
using System.Globalization;
using System.Text;

namespace Retort.Guard.Hardening;

/// <summary>The request as the upstream gets it: the client's own bytes, but for what is put in between them.</summary>
static class ForwardedBody
{
    /// <summary>
    /// Writes it. A stream is asked to end with what it used, and where <paramref name="defaultTokens"/> is given, an answer whose request names no number of
    /// tokens gets this one.
    /// </summary>
    public static void Write(ReadOnlySpan<byte> body, RequestFacts facts, RouteKind route, int? defaultTokens, IBufferWriter<byte> to)
    {
        to.Write(body[..facts.Begin]);
        if (facts.MostTokens is null && defaultTokens is { } tokens && route != RouteKind.Embeddings)
        {
            Text(to, string.Create(CultureInfo.InvariantCulture, $"\"{TokensField(route)}\":{tokens},"));
        }

        int at = facts.Begin;
        if (facts.IsStream && !facts.WantsUsage && route is RouteKind.Chat or RouteKind.Completions)
        {
            if (facts.IncludeUsage.End > 0)
            {
                to.Write(body[at..facts.IncludeUsage.Start]);
                to.Write("true"u8);
                at = facts.IncludeUsage.End;
            }
            else if (facts.StreamOptions.End == 0)
            {
                to.Write("\"stream_options\":{\"include_usage\":true},"u8);
            }
            else
            {
                (int start, int end) = facts.StreamOptions;
                to.Write(body[at..start]);
                ReadOnlySpan<byte> given = body[start] == '{' ? body[(start + 1)..end] : "}"u8;
                to.Write("{\"include_usage\":true"u8);
                to.Write(given.TrimStart(" \t\r\n"u8).StartsWith("}"u8) ? default : ","u8);
                to.Write(given);
                at = end;
            }
        }

        to.Write(body[at..]);
    }

    static string TokensField(RouteKind route) => route switch { RouteKind.Chat => "max_completion_tokens", RouteKind.Responses => "max_output_tokens", _ => "max_tokens" };

    static void Text(IBufferWriter<byte> to, string text) => Encoding.UTF8.GetBytes(text, to);
}
