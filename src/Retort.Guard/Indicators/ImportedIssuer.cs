using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Indicators;

/// <summary>What was taken of one issuer, in one file that is written whole: the last sequence, which outlives the bundles, and those that may still hold.</summary>
/// <param name="Last">0 before the first.</param>
/// <param name="Revoked">By the issuer, or here.</param>
/// <param name="Envelopes">As they came; verified again whenever they are read.</param>
sealed record ImportedIssuer(string Issuer, int Last, IReadOnlyList<int> Revoked, IReadOnlyList<byte[]> Envelopes)
{
    /// <summary>Bundles that may hold at once; older ones make room.</summary>
    public const int MostBundles = 32;

    const int MostBytes = 160 << 20;

    public static ImportedIssuer Read(string folder, string issuer)
    {
        string path = PathOf(folder, issuer);
        if (!File.Exists(path))
        {
            return new(issuer, 0, [], []);
        }

        JsonFields fields = JsonFields.Parse(InputFile.ReadAll(path, MostBytes), path);
        List<byte[]> envelopes = [];
        foreach (JsonElement element in fields.Array("bundles") ?? throw fields.Missing("bundles"))
        {
            envelopes.Add(element.ValueKind == JsonValueKind.String && element.TryGetBytesFromBase64(out byte[]? bytes) ? bytes : throw fields.Wrong("bundles", "It must list bundles in base64; put back a copy of the file."));
        }

        return fields.Text("issuer") == issuer
            ? new(issuer, fields.Int("last"), fields.Ints("revoked") ?? [], envelopes)
            : throw fields.Wrong("issuer", "The file is another issuer's; put back a copy.");
    }

    public void Write(string folder) => AtomicFile.WriteAllBytes(PathOf(folder, Issuer), CanonicalJson.Write(new JsonObject
    {
        ["issuer"] = Issuer,
        ["last"] = Last,
        ["revoked"] = new JsonArray([.. Revoked.Select(r => (JsonNode)r)]),
        ["bundles"] = new JsonArray([.. Envelopes.Select(e => (JsonNode)Convert.ToBase64String(e))]),
    }));

    static string PathOf(string folder, string issuer) => Path.Combine(folder, $"from-{Digest.Of(System.Text.Encoding.UTF8.GetBytes(issuer)).ToString()[..16]}.json");
}
