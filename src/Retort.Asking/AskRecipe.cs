using YamlDotNet.RepresentationModel;

namespace Retort.Asking;

/// <summary>What a recipe says of asking: <c>teacher</c> as an endpoint, <c>data.prompts</c>, <c>ask</c>, <c>money</c> and <c>pace</c>.</summary>
/// <param name="Key">The environment variable that holds the key; null where none is sent.</param>
/// <param name="Terms">The entry of the terms register that is said to apply; null where the endpoint's own is meant.</param>
/// <param name="Permissions">Files in which a provider allows what its terms do not.</param>
/// <param name="Scan">What is done with prompts that hold personal data or secrets: exclude, report or off.</param>
/// <param name="Timeout">How long one answer may take.</param>
public sealed record AskRecipe(
    string Name, Endpoint Teacher, string Prompts, string Scan, string? SystemTurn, AskParameters Parameters, string? Key, string? Terms, IReadOnlyList<string> Permissions, TimeSpan Timeout, Usd? Ceiling, string? Prices, Price? Price, double? RequestsPerMinute,
    double? TokensPerMinute, int InFlight, int Attempts)
{
    const int Longest = 1 << 20, MostFaults = 20;

    /// <summary>How the files of prompts are read.</summary>
    public PromptOptions Reading { get; init; } = new();

    /// <summary>How new prompts are grown; null where none are.</summary>
    public GrowOptions? Grow { get; init; }

    /// <summary>Whether questions are asked in batches.</summary>
    public bool Batch { get; init; }

    /// <summary>The share that a batch takes off the price.</summary>
    public double BatchDiscount { get; init; }

    /// <summary>Sections that others read.</summary>
    static readonly string[] s_others = ["student", "loss", "signal", "train", "twin", "evaluate", "export", "admit"];

    /// <exception cref="UserError">The recipe cannot be read, or is none for asking; every fault with its line.</exception>
    public static AskRecipe Read(string path)
    {
        YamlNode? node = YamlText.Parse(TextFile.Read(path, Longest), path, lines: true);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string Absolute(string file) => Path.GetFullPath(Path.Combine(folder, file));
        List<string> faults = [];
        YamlFields root = new(node, "", new(faults, new HashSet<YamlNode>())), data = root.Map("data"), ask = root.Map("ask"), money = root.Map("money"), pace = root.Map("pace");
        foreach (string other in s_others)
        {
            root.Has(other);
        }

        root.Require("teacher");
        data.Require("prompts");
        string? teacher = root.Text("teacher");
        if (teacher is not null && !Endpoint.Is(teacher))
        {
            root.Fault("teacher", "must be an endpoint, as https://host/v1#model: a model on disk is not asked but read, by retort distill");
        }

        double? ceiling = money.Has("ceiling") ? money.Number("ceiling", 0, 0, 1e6) : null;
        string? prices = money.Text("prices");
        Price? price = money.Has("prompt") || money.Has("completion")
            ? new((decimal)money.Number("prompt", 0, 0, 1e6), (decimal)money.Number("completion", 0, 0, 1e6), money.Date("since") ?? DateOnly.MinValue, money.Text("source"))
            : null;
        if (ceiling is not null && prices is null && price is null)
        {
            money.Fault("ceiling", "needs prices: give money.prompt and money.completion in dollars for a million tokens, or money.prices, a file");
        }

        AskParameters parameters = Drawn(ask, Absolute);
        if (ceiling is not null && parameters.MaxTokens is null)
        {
            ask.Fault("max_tokens", "is needed under a ceiling: without it an answer may cost anything");
        }

        AskRecipe recipe = new(
            root.Text("name") ?? Path.GetFileNameWithoutExtension(path), new("", ""), data.Text("prompts") is { } file ? Absolute(file) : "", data.Choice("scan", "exclude", "exclude", "report", "off"), ask.Text("system"), parameters, ask.Text("key"), ask.Text("terms"), [.. (ask.Texts("permissions") ?? []).Select(Absolute)],
            TimeSpan.FromSeconds(ask.Number("timeout", 120, 0.1, 3600)), ceiling is { } most ? Usd.Of((decimal)most) : null, prices is null ? null : Absolute(prices), price,
            pace.Has("requests_per_minute") ? pace.Number("requests_per_minute", 0, 0.1, 1e7) : null, pace.Has("tokens_per_minute") ? pace.Number("tokens_per_minute", 0, 1, 1e10) : null,
            pace.Whole("in_flight", 32, 1, 4096), pace.Whole("attempts", 8, 1, 100));
        recipe = recipe with { Reading = PromptOptions.Read(data, recipe.SystemTurn), Grow = GrowOptions.Read(data, Absolute), Batch = ask.Flag("batch", false), BatchDiscount = money.Number("batch_discount", 0, 0, 1) };
        foreach (YamlFields part in (YamlFields[])[ask, money, pace, root])
        {
            part.Close();
        }

        return faults.Count == 0
            ? recipe with { Teacher = Endpoint.Parse(teacher!) }
            : throw new UserError(string.Join("; ", faults.Take(MostFaults)), path, "Mend these and try again; retort collect --help shows a recipe.");
    }

    static AskParameters Drawn(YamlFields ask, Func<string, string> absolute) => new(
        ask.Has("max_tokens") ? ask.Whole("max_tokens", 0, 1, 1 << 24) : null, ask.Has("temperature") ? ask.Number("temperature", 0, 0, 2) : null, ask.Has("top_p") ? ask.Number("top_p", 0, 0, 1) : null,
        ask.Whole("n", 1, 1, 128), ask.Has("seed") ? ask.Whole("seed", 0L, long.MinValue, long.MaxValue) : null, ask.Texts("stop"), ask.Text("schema") is { } schema ? TextFile.Read(absolute(schema), Longest) : null,
        ask.Has("top_logprobs") ? ask.Whole("top_logprobs", 0, 0, 20) : null);
}
