using System.Text.Json;

namespace Retort.Distill;

/// <summary>One token of a served answer with the probabilities the endpoint gave: its own, and those of the likeliest in its place.</summary>
/// <param name="Bytes">UTF-8 bytes it adds to the text; may end within a character.</param>
/// <param name="LogProbability">Natural logarithm.</param>
/// <param name="Top">As listed, most likely first.</param>
public sealed record ServedToken(byte[] Bytes, double LogProbability, IReadOnlyList<(byte[] Bytes, double LogProbability)> Top)
{
    /// <summary>From the "content" list of an answer's log-probabilities, as OpenAI's interface has it; null where it is none, or a token comes without its bytes.</summary>
    public static IReadOnlyList<ServedToken>? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            JsonElement list = JsonElement.Parse(json);
            ServedToken[] tokens = list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(One).TakeWhile(t => t is not null).OfType<ServedToken>()] : [];
            return list.ValueKind == JsonValueKind.Array && tokens.Length == list.GetArrayLength() ? tokens : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    static ServedToken? One(JsonElement token)
    {
        if (Entry(token) is not { } own)
        {
            return null;
        }

        List<(byte[], double)> top = [];
        if (token.TryGetProperty("top_logprobs", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement entry in list.EnumerateArray())
            {
                if (Entry(entry) is not { } read)
                {
                    return null;
                }

                top.Add(read);
            }
        }

        return new(own.Bytes, own.LogProbability, top);
    }

    static (byte[] Bytes, double LogProbability)? Entry(JsonElement entry) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty("bytes", out JsonElement bytes) && bytes.ValueKind == JsonValueKind.Array
        && entry.TryGetProperty("logprob", out JsonElement p) && p.ValueKind == JsonValueKind.Number
            ? ([.. bytes.EnumerateArray().Select(b => b.GetByte())], p.GetDouble())
            : null;
}
