using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>What an entry of a run's ledger is about.</summary>
public enum LeafKind
{
    /// <summary>The first entry: it binds the secret from which all salts follow.</summary>
    Begin,

    /// <summary>One answer of the teacher.</summary>
    Transcript,

    /// <summary>One step of the run, or a part of one with very many files.</summary>
    Step,

    /// <summary>A statement in a signed envelope.</summary>
    Statement,
}

/// <summary>
/// One entry of a run's ledger, canonical JSON: what it is about, and a commitment to each of its contents. Nothing in it lets a content be
/// guessed: each commitment has a salt of its own, which follows from the run's secret, the entry's index and the content's name.
/// </summary>
/// <param name="Name">Of a step its name; of an answer its question's row in the store and its place, such as 17/0.</param>
/// <param name="Part">From 1; a step begins anew with its first part.</param>
/// <param name="Time">Of an answer when it came, of a step when it was recorded.</param>
/// <param name="Commitments">By the names of the contents: question, answer, terms, facts; read/NAME and wrote/PATH of a step.</param>
public sealed record RunLeaf(LeafKind Kind, string Name, int Part, DateTimeOffset Time, IReadOnlyDictionary<string, Commitment> Commitments)
{
    const int Format = 1;

    const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>An entry that commits to contents.</summary>
    /// <param name="index">Its place in the log.</param>
    public static RunLeaf Of(LeafKind kind, string name, int part, DateTimeOffset time, IReadOnlyDictionary<string, byte[]> contents, CommitmentSecret secret, long index) =>
        new(kind, name, part, time, contents.ToDictionary(c => c.Key, c => secret.Commit(Row(index, c.Key), c.Value), StringComparer.Ordinal));

    /// <summary>The salt of one content.</summary>
    public static byte[] Salt(CommitmentSecret secret, long index, string content) => secret.Salt(Row(index, content));

    /// <summary>Whether the entry commits to these contents and to no others.</summary>
    public bool IsOf(IReadOnlyDictionary<string, byte[]> contents, CommitmentSecret secret, long index) =>
        contents.Count == Commitments.Count && contents.All(c => Commits(c.Key, c.Value, secret, index));

    /// <summary>Whether one of its commitments is to this content.</summary>
    public bool Commits(string name, ReadOnlySpan<byte> content, CommitmentSecret secret, long index) =>
        Commitments.TryGetValue(name, out Commitment commitment) && commitment.IsTo(Salt(secret, index, name), content);

    /// <summary>The entry's bytes.</summary>
    public byte[] ToBytes()
    {
        JsonObject commitments = [];
        foreach ((string name, Commitment commitment) in Commitments)
        {
            commitments[name] = commitment.ToString();
        }

        return CanonicalJson.Write(new JsonObject
        {
            ["format"] = Format,
            ["kind"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(Kind.ToString()),
            ["name"] = Name,
            ["part"] = Part,
            ["time"] = Text(Time),
            ["commitments"] = commitments,
        });
    }

    /// <summary>A time as entries and exports write it: UTC, to the millisecond.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture);

    /// <summary>Reads what <see cref="ToBytes"/> writes.</summary>
    /// <exception cref="UserError">It is no entry of a run's ledger, or of a later format.</exception>
    public static RunLeaf Parse(ReadOnlySpan<byte> utf8, string where)
    {
        JsonFields fields = JsonFields.Parse(utf8, where);
        if (fields.Int("format") != Format)
        {
            throw fields.Wrong("format", "A later program wrote it: use that one.");
        }

        LeafKind kind = Enum.GetValues<LeafKind>().Where(k => JsonNamingPolicy.SnakeCaseLower.ConvertName(k.ToString()) == fields.Text("kind")).Select(k => (LeafKind?)k).FirstOrDefault()
            ?? throw fields.Wrong("kind", "It must be begin, transcript, step or statement.");
        if (!DateTimeOffset.TryParseExact(fields.Text("time"), TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
        {
            throw fields.Wrong("time", "It must be a time such as 2026-11-28T09:30:00.000Z.");
        }

        Dictionary<string, Commitment> commitments = new(StringComparer.Ordinal);
        JsonFields all = fields.Object("commitments") ?? throw fields.Missing("commitments");
        foreach (string name in all.Names)
        {
            // One string for the names that every answer has, where a log has millions of them.
            commitments[string.IsInterned(name) ?? name] = all.Text(name) is { Length: 64 } hex && hex.All(char.IsAsciiHexDigitLower) ? new(new(Convert.FromHexString(hex))) : throw all.Wrong(name, "It must be 64 hexadecimal digits.");
        }

        RunLeaf leaf = new(kind, fields.Text("name"), fields.Int("part"), time, commitments);
        return leaf.ToBytes().AsSpan().SequenceEqual(utf8) ? leaf : throw new UserError("The entry is not canonical JSON with the fields of its format and no others", where, "It was not written by retort.");
    }

    /// <summary>What a salt belongs to: once in a log.</summary>
    static string Row(long index, string content) => string.Create(CultureInfo.InvariantCulture, $"{index}/{content}");
}
