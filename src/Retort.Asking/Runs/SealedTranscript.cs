using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>
/// One line of transcripts.jsonl, the sealed export of a store: canonical JSON with all that a reader needs of one answer, and the entry of the
/// ledger that commits to it. The question is the body as it was sent, so its parameters are in it.
/// </summary>
/// <param name="Leaf">Index of its entry.</param>
/// <param name="Name">The entry's name: the question's row in the store and which of its answers.</param>
/// <param name="Id">Hash of address and body, and which answer: what export-data names a row by.</param>
/// <param name="Contents">What the entry commits to: question, answer, terms (empty for none) and facts, UTF-8.</param>
public sealed record SealedTranscript(long Leaf, string Name, string Id, IReadOnlyDictionary<string, byte[]> Contents)
{
    const string Question = "question", Answer = "answer", Terms = "terms", Facts = "facts";

    /// <summary>An answer's name in the ledger.</summary>
    public static string NameOf(StoredAnswer answer) => string.Create(CultureInfo.InvariantCulture, $"{answer.Request}/{answer.Place}");

    /// <summary>What an entry commits to of an answer.</summary>
    public static IReadOnlyDictionary<string, byte[]> ContentsOf(StoredAnswer answer) => new Dictionary<string, byte[]>(StringComparer.Ordinal)
    {
        [Question] = answer.Body,
        [Answer] = Encoding.UTF8.GetBytes(answer.Choice.Text),
        [Terms] = Encoding.UTF8.GetBytes(answer.Terms ?? ""),
        [Facts] = CanonicalJson.Write(FactsOf(answer)),
    };

    /// <summary>The line, without its newline.</summary>
    public static byte[] Line(StoredAnswer answer, long leaf) => CanonicalJson.Write(new JsonObject
    {
        ["leaf"] = leaf,
        ["name"] = NameOf(answer),
        ["id"] = IdOf(answer.Key, answer.Place),
        [Question] = Encoding.UTF8.GetString(answer.Body),
        [Answer] = answer.Choice.Text,
        [Terms] = answer.Terms ?? "",
        [Facts] = FactsOf(answer),
    });

    /// <summary>Reads a line. That its contents are those of the entry is for the caller to check.</summary>
    /// <exception cref="UserError">It is no line of such an export, or says something that its contents do not.</exception>
    public static SealedTranscript Parse(ReadOnlySpan<byte> line, string where)
    {
        JsonFields fields = JsonFields.Parse(line, where);
        if (!CanonicalJson.Rewrite(line, where).AsSpan().SequenceEqual(line) || fields.Names.Count() != 7)
        {
            throw new UserError("The line is not canonical JSON with the fields of its format and no others", where, "retort wrote it so.");
        }

        JsonFields facts = fields.Object(Facts) ?? throw fields.Missing(Facts);
        string name = fields.Text("name"), id = fields.Text("id"), address = Endpoint.Parse(facts.Text("asked")).Address;
        byte[] body = Encoding.UTF8.GetBytes(fields.Text(Question));
        if (name.Split('/') is not [_, var place] || !int.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out int at) || id != IdOf(Asking.Question.Key(address, body), at))
        {
            throw new UserError("The id is not that of the question", where, "It is the hash of what is sent, and which answer.");
        }

        return new(fields.Find("leaf") is { ValueKind: JsonValueKind.Number } leaf && leaf.TryGetInt64(out long index) ? index : throw fields.Wrong("leaf", "It must be a whole number."), name, id, new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            [Question] = body,
            [Answer] = Encoding.UTF8.GetBytes(fields.Text(Answer)),
            [Terms] = Encoding.UTF8.GetBytes(fields.Text(Terms)),
            [Facts] = CanonicalJson.Write(JsonNode.Parse(fields.Find(Facts)!.Value.GetRawText())),
        });
    }

    static string IdOf(byte[] key, int place) => string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(key)}/{place}");

    static JsonObject FactsOf(StoredAnswer a)
    {
        AnswerFacts facts = a.Facts ?? throw new ArgumentException("The answer was not read from a store.", nameof(a));
        return new()
        {
            ["asked"] = a.Asked.ToString(),
            ["returned"] = a.Returned,
            ["response"] = a.Response,
            ["fingerprint"] = facts.Fingerprint,
            ["finish"] = a.Choice.Finish,
            ["refusal"] = a.Choice.Refusal,

            // As the endpoint wrote it, so that no digit is lost.
            ["log_probabilities"] = a.Choice.LogProbabilities is { } l ? Encoding.UTF8.GetString(l) : null,
            ["prompt_tokens"] = facts.PromptTokens,
            ["completion_tokens"] = facts.CompletionTokens,
            ["price_usd"] = facts.Price.Dollars.ToString("0.############", CultureInfo.InvariantCulture),
            ["latency_ms"] = (long)facts.Latency.TotalMilliseconds,
            ["attempts"] = facts.Attempts,
            ["account"] = facts.Account is { } account ? Convert.ToHexStringLower(account) : null,
            ["began"] = RunLeaf.Text(facts.Began),
            ["received"] = RunLeaf.Text(facts.Received),
        };
    }
}
