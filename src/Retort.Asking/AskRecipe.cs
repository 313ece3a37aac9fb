using Retort.Evidence.Terms;
using YamlDotNet.RepresentationModel;

namespace Retort.Asking;

/// <summary>What a recipe says of asking: <c>teacher</c> as an endpoint, <c>data.prompts</c>, <c>terms</c>, <c>ask</c>, <c>money</c> and <c>pace</c>.</summary>
/// <param name="Prompts">Files of prompts.</param>
/// <param name="Scan">What is done with prompts that hold personal data or secrets: exclude, report or off.</param>
/// <param name="SchemaFile">Where the schema of the parameters came from; null without one.</param>
/// <param name="Key">The environment variable that holds the key; null where none is sent.</param>
/// <param name="Reuse">The folder of another run, whose answers this one begins with; null for none.</param>
/// <param name="Timeout">How long one answer may take.</param>
public sealed record AskRecipe(
    string Name, Endpoint Teacher, DeclaredTerms Terms, IReadOnlyList<string> Prompts, string Scan, string? SystemTurn, AskParameters Parameters, string? SchemaFile, string? Key, string? Reuse, TimeSpan Timeout, Usd? Ceiling, string? Prices, Price? Price,
    double? RequestsPerMinute, double? TokensPerMinute, int InFlight, int Attempts)
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
    static readonly string[] s_others = ["task", "teacher_tokenizer", "student", "loss", "signal", "train", "twin", "evaluate", "export", "admit"];

    /// <param name="changes">"key.path=value" each.</param>
    /// <exception cref="UserError">The recipe cannot be read, or is none for asking; every fault with its line.</exception>
    public static AskRecipe Read(string path, params IReadOnlyList<string> changes)
    {
        YamlNode node = YamlText.Parse(TextFile.Read(path, Longest), path, lines: true) ?? new YamlMappingNode();
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        HashSet<YamlNode> typed = new(ReferenceEqualityComparer.Instance);
        foreach (string change in changes)
        {
            YamlChange.Apply(node, change, typed);
        }

        List<string> faults = [];
        YamlFields root = new(node, "", new(faults, typed));
        foreach (string other in s_others)
        {
            root.Has(other);
        }

        root.Require("teacher");
        string? teacher = root.Text("teacher");
        if (teacher is not null && !Endpoint.Is(teacher))
        {
            root.Fault("teacher", "must be an endpoint, as https://host/v1#model: a model on disk is not asked but read, by retort distill");
        }

        AskRecipe recipe = Of(root, root.Map("data"), root.Text("name") ?? Path.GetFileNameWithoutExtension(path), file => Path.GetFullPath(Path.Combine(folder, file)));
        root.Close();
        return faults.Count == 0 ? recipe : throw new UserError(string.Join("; ", faults.Take(MostFaults)), path, "Mend these and try again; retort collect --help shows a recipe.");
    }

    /// <summary>The same from a recipe that others read on; its faults are collected there.</summary>
    /// <param name="data">The mapping <c>data</c>, which the caller closes, as it does the root.</param>
    /// <param name="absolute">Completes a path.</param>
    public static AskRecipe Of(YamlFields root, YamlFields data, string name, Func<string, string> absolute)
    {
        YamlFields ask = root.Map("ask"), money = root.Map("money"), pace = root.Map("pace");
        data.Require("prompts");
        double? ceiling = money.Has("ceiling") ? money.Number("ceiling", 0, 0, 1e6) : null;
        string? prices = money.Text("prices"), schema = ask.Text("schema") is { } file ? absolute(file) : null;
        Price? price = money.Has("prompt") || money.Has("completion")
            ? new((decimal)money.Number("prompt", 0, 0, 1e6), (decimal)money.Number("completion", 0, 0, 1e6), money.Date("since") ?? DateOnly.MinValue, money.Text("source"))
            : null;
        if (ceiling is not null && prices is null && price is null)
        {
            money.Fault("ceiling", "needs prices: give money.prompt and money.completion in dollars for a million tokens, or money.prices, a file");
        }

        AskParameters parameters = Drawn(ask, schema);
        if (ceiling is not null && parameters.MaxTokens is null)
        {
            ask.Fault("max_tokens", "is needed under a ceiling: without it an answer may cost anything");
        }

        AskRecipe recipe = new(
            name, Asked(root), DeclaredTerms.Read(root.Map("terms"), absolute), [.. (data.Texts("prompts") ?? []).Select(absolute)], data.Choice("scan", "exclude", "exclude", "report", "off"), ask.Text("system"), parameters, schema, Variable(ask),
            ask.Text("reuse") is { } run ? absolute(run) : null, TimeSpan.FromSeconds(ask.Number("timeout", 120, 0.1, 3600)), ceiling is { } most ? Usd.Of((decimal)most) : null, prices is null ? null : absolute(prices), price,
            pace.Has("requests_per_minute") ? pace.Number("requests_per_minute", 0, 0.1, 1e7) : null, pace.Has("tokens_per_minute") ? pace.Number("tokens_per_minute", 0, 1, 1e10) : null,
            pace.Whole("in_flight", 32, 1, 4096), pace.Whole("attempts", 8, 1, 100));
        recipe = recipe with { Reading = PromptOptions.Read(data, recipe.SystemTurn), Grow = GrowOptions.Read(data, absolute), Batch = ask.Flag("batch", false), BatchDiscount = money.Number("batch_discount", 0, 0, 1) };
        foreach (YamlFields part in (YamlFields[])[ask, money, pace])
        {
            part.Close();
        }

        return recipe;
    }

    static Endpoint Asked(YamlFields root)
    {
        try
        {
            return root.Text("teacher") is { } teacher && Endpoint.Is(teacher) ? Endpoint.Parse(teacher) : new("", "");
        }
        catch (UserError fault)
        {
            root.Fault("teacher", $"is at fault: {fault.What}");
            return new("", "");
        }
    }

    /// <summary>The name of a variable; what may be a key itself is refused and not repeated.</summary>
    static string? Variable(YamlFields ask)
    {
        string? name = ask.Text("key");
        if (name is null || (name.Length <= 64 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') && !SensitiveText.In(name).Contains(Sensitive.ServiceKey)))
        {
            return name;
        }

        ask.Fault("key", "must be the name of an environment variable, such as EXAMPLE_API_KEY, never a key itself");
        return null;
    }

    static AskParameters Drawn(YamlFields ask, string? schema) => new(
        ask.Has("max_tokens") ? ask.Whole("max_tokens", 0, 1, 1 << 24) : null, ask.Has("temperature") ? ask.Number("temperature", 0, 0, 2) : null, ask.Has("top_p") ? ask.Number("top_p", 0, 0, 1) : null,
        ask.Whole("n", 1, 1, 128), ask.Has("seed") ? ask.Whole("seed", 0L, long.MinValue, long.MaxValue) : null, ask.Texts("stop"), schema is null ? null : TextFile.Read(schema, Longest),
        ask.Has("top_logprobs") ? ask.Whole("top_logprobs", 0, 0, 20) : null);
}
