using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Indicators;

/// <summary>A bundle as JSON in a signed envelope (DSSE, ECDSA P-256). Reading is strict: every field known, every number a coarse step, nothing twice.</summary>
static partial class BundleFile
{
    public const string PayloadType = "application/vnd.retort.indicators+json";

    /// <summary>Most bytes of an envelope that is read.</summary>
    public const int MostBytes = 2 << 20;

    const int Version = 1;

    const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'", Hint = "Ask its issuer for the bundle again.";

    static readonly string[] s_lights = ["clear", "green", "amber", "amber+strict", "red"], s_fields = ["version", "issuer", "sequence", "issued", "expires", "tlp", "salt", "templates", "revokes"], s_template = ["hash", "accounts", "requests", "days"];

    public static string Light(TrafficLight light) => s_lights[(int)light];

    /// <exception cref="UserError">It is none of the protocol's.</exception>
    public static TrafficLight Light(string text, string where) =>
        Array.IndexOf(s_lights, text) is >= 0 and int at ? (TrafficLight)at : throw new UserError($"'{JsonFields.Short(text)}' is no mark of the Traffic Light Protocol", where, $"It is one of {string.Join(", ", s_lights)}.");

    public static DsseEnvelope Sign(IndicatorBundle bundle, LedgerKey key) => DsseEnvelope.Sign(PayloadType, Payload(bundle), key);

    public static byte[] Payload(IndicatorBundle b) => CanonicalJson.Write(new JsonObject
    {
        ["version"] = Version,
        ["issuer"] = b.Issuer,
        ["sequence"] = b.Sequence,
        ["issued"] = Time(b.Issued),
        ["expires"] = Time(b.Expires),
        ["tlp"] = Light(b.Light),
        ["salt"] = Convert.ToHexStringLower(b.Salt.Span),
        ["templates"] = new JsonArray([.. b.Templates.Select(t => new JsonObject { ["hash"] = t.Hash, ["accounts"] = t.Accounts, ["requests"] = t.Requests, ["days"] = t.Days })]),
        ["revokes"] = new JsonArray([.. b.Revokes.Select(r => (JsonNode)r)]),
    });

    /// <summary>Reads a payload whose signature holds.</summary>
    /// <exception cref="UserError">A fault, with its field.</exception>
    public static IndicatorBundle Parse(ReadOnlySpan<byte> payload, string where)
    {
        JsonFields fields = JsonFields.Parse(payload, where);
        Known(fields, s_fields);
        if (fields.Int("version") != Version)
        {
            throw fields.Wrong("version", $"This program reads version {Version}.");
        }

        string issuer = fields.Text("issuer");
        if (!LedgerPublicKey.IsName(issuer) || issuer.Length > 200)
        {
            throw fields.Wrong("issuer", "It must be a name without spaces and plus signs.");
        }

        int sequence = fields.Int("sequence");
        if (sequence < 1)
        {
            throw fields.Wrong("sequence", "It must be a positive number.");
        }

        (DateTimeOffset issued, DateTimeOffset expires) = (Time(fields, "issued"), Time(fields, "expires"));
        if (expires <= issued || expires - issued > IndicatorBundle.Longest)
        {
            throw fields.Wrong("expires", $"It must be after it was issued, by at most {IndicatorBundle.Longest.TotalDays} days.");
        }

        int[] revokes = [.. fields.Ints("revokes") ?? throw fields.Missing("revokes")];
        if (revokes.Distinct().Count() != revokes.Length || revokes.Any(r => r < 1 || r >= sequence))
        {
            throw fields.Wrong("revokes", "It must list earlier bundles, each once.");
        }

        return new(issuer, sequence, issued, expires, Light(fields.Text("tlp"), $"{where}, tlp"), Convert.FromHexString(Hex(fields, "salt")), Templates(fields), revokes);
    }

    static TemplateIndicator[] Templates(JsonFields fields)
    {
        IReadOnlyList<JsonElement> list = fields.Array("templates") ?? throw fields.Missing("templates");
        if (list.Count > IndicatorBundle.MostTemplates)
        {
            throw new UserError($"The bundle has more than {IndicatorBundle.MostTemplates} templates", fields.Where, Hint);
        }

        TemplateIndicator[] templates = [.. list.Select((element, i) =>
        {
            JsonFields t = fields.Nested($"templates[{i}]", element);
            Known(t, s_template);
            return new TemplateIndicator(Hex(t, "hash"), Step(t, "accounts", IndicatorBundle.FewestAccounts), Step(t, "requests", 1), Step(t, "days", 1));
        })];
        return templates.Zip(templates.Skip(1)).All(pair => string.CompareOrdinal(pair.First.Hash, pair.Second.Hash) < 0)
            ? templates
            : throw new UserError("The templates are not in order of their hashes, or one is there twice", fields.Where, Hint);
    }

    static int Step(JsonFields fields, string name, int fewest) =>
        fields.Int(name) is var number && number >= fewest && CoarseStep.Is(number) ? number : throw fields.Wrong(name, $"It must be one of 1, 2, 5, 10, 20, 50 and so on, from {fewest} up.");

    static string Hex(JsonFields fields, string name) =>
        fields.Text(name) is var text && Hash().IsMatch(text) ? text : throw fields.Wrong(name, "It must be 64 digits of hexadecimal in small letters.");

    static void Known(JsonFields fields, string[] known)
    {
        if (fields.Names.FirstOrDefault(n => !known.Contains(n, StringComparer.Ordinal)) is { } other)
        {
            throw new UserError($"{JsonFields.Short(other)} is no field of a bundle", fields.Where, Hint);
        }
    }

    static string Time(DateTimeOffset time) => time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture);

    static DateTimeOffset Time(JsonFields fields, string name) =>
        DateTimeOffset.TryParseExact(fields.Text(name), TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : throw fields.Wrong(name, "It must be a time such as 2026-11-28T12:00:00Z.");

    [GeneratedRegex("^[0-9a-f]{64}\\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Hash();
}
