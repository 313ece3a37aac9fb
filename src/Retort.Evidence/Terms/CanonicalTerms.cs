using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Evidence.Terms;

/// <summary>
/// The one form in which an entry is hashed and compared: a JSON object of texts and lists of texts as RFC 8785 writes it, absent fields left out,
/// nested names joined by a dot. Its hash is SHA-256 of those UTF-8 bytes; a register's is SHA-256 of a line "id hash\n" an entry, ids in ordinal order.
/// </summary>
public static class CanonicalTerms
{
    /// <summary>Name and values of every field that says something, names in ordinal order.</summary>
    public static IReadOnlyList<(string Name, IReadOnlyList<string> Values, bool IsList)> Fields(TermsEntry entry)
    {
        List<(string, IReadOnlyList<string>, bool)> fields = [];
        void One(string name, string? value)
        {
            if (value is not null)
            {
                fields.Add((name, [value], false));
            }
        }

        void Many(string name, IEnumerable<string> values)
        {
            string[] all = [.. values];
            if (all.Length > 0)
            {
                fields.Add((name, all, true));
            }
        }

        One("id", entry.Id);
        One("provider", entry.Provider);
        One("teacher", entry.Teacher);
        One("path", KebabName.Of(entry.Path));
        Many("hosts", entry.Covers.Hosts);
        Many("models", entry.Covers.Models);
        Many("files", entry.Covers.Files.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Sha256} {f.Bytes}")));
        One("document", entry.Document);
        One("version", entry.Version);
        One("effective", Day(entry.Effective));
        One("read", Day(entry.Read));
        One("fixed", entry.IsFixed ? "true" : null);
        One("link", entry.Link);
        One("clause", entry.Clause);
        One("licence", entry.Licence);
        One("text_sha256", entry.TextSha256);
        One("region", entry.Region);
        One("evidence", KebabName.Of(entry.Evidence));
        One("says.training", entry.Says.Training);
        One("says.collection", entry.Says.Collection);
        One("says.benchmarking", entry.Says.Benchmarking);
        One("says.synthetic_data", entry.Says.SyntheticData);
        One("says.indemnity", entry.Says.Indemnity);
        One("class", KebabName.Of(entry.Class));
        One("obligations.name_prefix", entry.Obligations.NamePrefix);
        Many("obligations.notices", entry.Obligations.Notices);
        Many("obligations.flows_down", entry.Obligations.FlowsDown);
        Many("obligations.with_weights", entry.Obligations.WithWeights);
        Many("obligations.conditions", entry.Obligations.Conditions);
        One("note", entry.Note);
        fields.Sort((a, b) => string.CompareOrdinal(a.Item1, b.Item1));
        return fields;
    }

    /// <summary>The entry's JSON object.</summary>
    public static string Json(TermsEntry entry) => Encoding.UTF8.GetString(CanonicalJson.Write(new JsonObject(
        Fields(entry).Select(f => KeyValuePair.Create(f.Name, f.IsList ? (JsonNode?)new JsonArray([.. f.Values.Select(v => JsonValue.Create(v))]) : JsonValue.Create(f.Values[0]))))));

    /// <summary>64 small hexadecimal digits.</summary>
    public static string Sha256(TermsEntry entry) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json(entry))));

    /// <summary>64 small hexadecimal digits.</summary>
    public static string Sha256(TermsRegister register) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(register.Entries.Select(e => $"{e.Id} {Sha256(e)}\n")))));

    static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
