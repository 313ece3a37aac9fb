using System.Net;
using Retort.Guard.Accounts;
using Retort.Guard.Answers;
using Retort.Guard.Detector;
using Retort.Guard.Hardening;
using Retort.Guard.Indicators;
using Retort.Guard.Limits;
using Retort.Guard.Records;
using Retort.Guard.Twins;
using Retort.Guard.Watermark;
using YamlDotNet.RepresentationModel;

namespace Retort.Guard;

/// <summary>
/// guard.yaml: who may ask, under which terms, and how much; <see cref="Example"/> is one.
/// </summary>
/// <param name="Store">A folder, beside the file where it is not rooted.</param>
/// <param name="Pepper">The name of an environment variable.</param>
/// <param name="Terms">Null where none are asked for.</param>
/// <param name="Linked">The limits of a group of linked accounts.</param>
/// <param name="Otlp">The collector that gets metrics and traces; null where nothing is sent.</param>
/// <param name="AppealAt">Where an owner appeals against what is done about the account: an address, or what to do in words; null where nothing is said.</param>
/// <param name="TrustedHops">Addresses of proxies whose word on a client's address counts.</param>
/// <param name="Watermark">Null where answers are not marked.</param>
/// <param name="Twins">Null where every request is answered once.</param>
public sealed record GuardPolicy(
    string Path, string Store, string Pepper, TermsPolicy? Terms, IReadOnlyDictionary<string, ScopeLimits> Tiers, string DefaultTier, ScopeLimits Linked, ModelPrices Prices,
    HardeningPolicy Hardening, UpstreamPolicy Upstream, RecordsPolicy Records, Uri? Otlp, string? AppealAt, IReadOnlyList<IPAddress> TrustedHops,
    WatermarkPolicy? Watermark, IndicatorPolicy Indicators, TwinPolicy? Twins, DetectorPolicy Detector)
{
    const int Longest = 1 << 20;

    /// <summary>A whole policy, as help shows it.</summary>
    public const string Example =
        """
        store: guard                       # the folder of accounts, limits and their ledger
        pepper: RETORT_GUARD_PEPPER        # the environment variable that holds the pepper
        terms: {file: terms.md, version: 2026-11, grace_days: 14, accept_at: "https://host/terms"}
        tiers:
          - name: free
            requests_per_minute: 20
            tokens_per_minute: 20_000
            tokens_per_day: 200_000
            usd_per_day: 1
            logprob_tokens_per_day: 0      # no log-probabilities
            streams: 2                     # answers at once
          - {name: pro, requests_per_minute: 600, tokens_per_minute: 400_000, streams: 32}
        default_tier: free
        linked: {requests_per_minute: 900, tokens_per_day: 2_000_000}   # a group together
        prices: [{model: "*", prompt: 0.25, completion: 2}]   # dollars a million tokens
        hardening: {allow: [top_k], max_top_logprobs: 5, max_n: 4, max_bias: 10, logprob_decimals: 3, tier_decimals: {pro: 6}, reasoning: remove, default_tokens: 4096}
        upstream: {key: OPENAI_API_KEY, timeout_s: 600}       # the environment variable that holds the key
        records: {contents: none}          # or encrypted, with keep_days and the secret in RETORT_RECORDS_KEY
        telemetry: {otlp: "http://127.0.0.1:4318"}            # without it nothing is sent
        appeal_at: "https://host/appeal"
        detector: {mode: shadow, assess_s: 60}    # what would be done is only said, until it says enforce
        watermark: {scheme: tournament, by: account}   # or green-list; by account, group or all
        twins: {share: 0.01, suspected_share: 0.25, keep_days: 365}   # second answers that are never served
        indicators: {issuer: example.com, trust: [{issuer: other.org, key: other.pub}]}   # whose bundles are taken
        """;

    /// <summary>Reads a policy.</summary>
    /// <exception cref="UserError">It cannot be read or is none; every fault with its line.</exception>
    public static GuardPolicy Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new UserError("there is no such policy", path, "Write one as retort guard --help shows, or name it with --guard FILE.");
        }

        YamlNode? node = YamlText.Parse(TextFile.Read(path, Longest), path, lines: true);
        List<string> found = [];
        YamlFields root = new(node, "", new(found, new HashSet<YamlNode>()));
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        root.Require("store");
        root.Require("tiers");
        string store = System.IO.Path.Combine(folder, root.Text("store") ?? "");
        string pepper = Variable(root);
        TermsPolicy? terms = TermsSection.Read(root, folder);
        IReadOnlyDictionary<string, ScopeLimits> tiers = LimitsSection.Tiers(root);
        string first = tiers.Keys.FirstOrDefault("");
        string tier = root.Text("default_tier") ?? first;
        if (tiers.Count > 0 && !tiers.ContainsKey(tier))
        {
            root.Fault("default_tier", $"must be one of {string.Join(", ", tiers.Keys)}, not '{tier}'");
        }

        ScopeLimits linked = root.Has("linked") ? LimitsSection.One(root.Map("linked")) : ScopeLimits.Unlimited;
        ModelPrices prices = ModelPrices.Of(root);
        if (!prices.HasAny && tiers.Values.Append(linked).Any(l => l.PicoUsdPerDay is not null))
        {
            root.Fault("prices", "must have an entry for model \"*\" where dollars are limited: a model without a price would pass every limit");
        }

        HardeningPolicy hardening = HardeningPolicy.Of(root, [.. tiers.Keys]);
        UpstreamPolicy upstream = UpstreamPolicy.Of(root);
        RecordsPolicy records = RecordsPolicy.Of(root);
        Uri? otlp = Collector(root.Map("telemetry"));
        string? appeal = root.Text("appeal_at");
        List<IPAddress> hops = [];
        foreach (string hop in root.Texts("trusted_hops") ?? [])
        {
            if (IPAddress.TryParse(hop, out IPAddress? address))
            {
                hops.Add(address);
            }
            else
            {
                root.Fault("trusted_hops", "must be addresses such as 10.0.0.1");
            }
        }

        WatermarkPolicy? watermark = WatermarkSection.Read(root);
        TwinPolicy? twins = TwinsSection.Read(root);
        IndicatorPolicy indicators = IndicatorSection.Read(root, folder);
        DetectorPolicy detector = DetectorPolicy.Of(root, folder);
        root.Close();
        return found.Count == 0
            ? new(path, store, pepper, terms, tiers, tier, linked, prices, hardening, upstream, records, otlp, appeal, hops, watermark, indicators, twins, detector)
            : throw new UserError(string.Join("; ", found), path, "retort guard --help shows a whole policy.");
    }

    /// <summary>The limits of an account and of those it is linked to; a tier that the policy no longer has falls to the default.</summary>
    public int Scopes(Account account, Span<BoundScope> scopes)
    {
        scopes[0] = new(LimitScope.Account(account.Id), Tiers.TryGetValue(account.Tier, out ScopeLimits? tier) ? tier : Tiers[DefaultTier]);
        if (account.Linked is not { } group)
        {
            return 1;
        }

        scopes[1] = new(LimitScope.Group(group), Linked);
        return 2;
    }

    /// <summary>A name and no secret: a pepper that was written here itself is refused without being repeated.</summary>
    static string Variable(YamlFields root)
    {
        const string Default = "RETORT_GUARD_PEPPER";
        string name = root.Text("pepper") ?? Default;
        if (!IsVariable(name))
        {
            root.Fault("pepper", "must be the name of an environment variable, in capitals, digits and underscores; the pepper itself does not belong here");
            return Default;
        }

        return name;
    }

    static Uri? Collector(YamlFields telemetry)
    {
        Uri? collector = null;
        if (telemetry.Text("otlp") is { } text && !(Uri.TryCreate(text, UriKind.Absolute, out collector) && collector.Scheme is "http" or "https"))
        {
            telemetry.Fault("otlp", "must be the address of a collector, such as http://127.0.0.1:4318");
        }

        telemetry.Close();
        return collector;
    }

    internal static bool IsVariable(string name) => name.Length <= 64 && name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_') && !char.IsAsciiDigit(name[0]);
}
