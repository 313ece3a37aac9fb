using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Retort.Evidence.Terms;

/// <summary>
/// The one form in which an entry is hashed and compared. An entry is a JSON object of texts and lists of texts, names in ordinal order, without
/// white space, absent fields left out; its hash is SHA-256 of those UTF-8 bytes. A register's hash is SHA-256 of a line "id hash\n" an entry, ids in
/// ordinal order.
/// </summary>
public static class CanonicalTerms
{
    static readonly JsonWriterOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = false };

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
        Many("obligations.conditions", entry.Obligations.Conditions);
        One("note", entry.Note);
        fields.Sort((a, b) => string.CompareOrdinal(a.Item1, b.Item1));
        return fields;
    }

    public static byte[] Bytes(TermsEntry entry)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, s_plain))
        {
            json.WriteStartObject();
            foreach ((string name, IReadOnlyList<string> values, bool isList) in Fields(entry))
            {
                json.WritePropertyName(name);
                if (!isList)
                {
                    json.WriteStringValue(values[0]);
                    continue;
                }

                json.WriteStartArray();
                foreach (string value in values)
                {
                    json.WriteStringValue(value);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    /// <summary>64 small hexadecimal digits.</summary>
    public static string Sha256(TermsEntry entry) => Convert.ToHexStringLower(SHA256.HashData(Bytes(entry)));

    /// <summary>64 small hexadecimal digits.</summary>
    public static string Sha256(TermsRegister register) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(register.Entries.Select(e => $"{e.Id} {Sha256(e)}\n")))));

    static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
