using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Records;

/// <summary>What was decided about one request, without what it said.</summary>
/// <param name="Id">32 hexadecimal digits, once in all logs; the client has it as x-request-id.</param>
/// <param name="Account">0 where the key did not pass.</param>
/// <param name="Status">HTTP's.</param>
/// <param name="Code">Why it was refused or broke off; null where the answer is whole.</param>
/// <param name="Step">What was in force about the account.</param>
/// <param name="PromptTokens">As settled.</param>
/// <param name="Request">The commitment to the body as it was sent; null where none was read.</param>
/// <param name="Response">To the answer's JSON as it was handed out, of a stream each event's with a line feed behind it; null where none was.</param>
sealed record Decision(string Id, DateTimeOffset At, long Account, string Route, int Status, string? Code, string Step, long PromptTokens, long AnswerTokens, Commitment? Request, Commitment? Response)
{
    const int Format = 1;

    /// <summary>The row of a decision's content, which its salt follows from.</summary>
    public static string Row(string id, string content) => $"{id}/{content}";

    /// <summary>Writes its entry: canonical JSON (RFC 8785), the account as a commitment.</summary>
    /// <param name="count">How many alike it stands for.</param>
    public void Write(Utf8JsonWriter json, CommitmentSecret secret, long count)
    {
        json.WriteStartObject();
        json.WriteNumber("answer_tokens"u8, AnswerTokens);
        json.WriteString("code"u8, Code ?? "");
        json.WriteStartObject("commitments"u8);
        if (Account != 0)
        {
            Span<byte> digits = stackalloc byte[20];
            Utf8Formatter.TryFormat(Account, digits, out int length);
            Commit(json, "account"u8, secret.Commit(Row(Id, "account"), digits[..length]));
        }

        Commit(json, "request"u8, Request);
        Commit(json, "response"u8, Response);
        json.WriteEndObject();
        json.WriteNumber("count"u8, count);
        json.WriteNumber("format"u8, Format);
        json.WriteString("id"u8, Id);
        json.WriteString("kind"u8, "decision"u8);
        json.WriteNumber("prompt_tokens"u8, PromptTokens);
        json.WriteString("route"u8, Route);
        json.WriteNumber("status"u8, Status);
        json.WriteString("step"u8, Step);
        json.WriteString("time"u8, At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    static void Commit(Utf8JsonWriter json, ReadOnlySpan<byte> name, Commitment? to)
    {
        if (to is { } commitment)
        {
            json.WriteString(name, commitment.ToString());
        }
    }
}
