using YamlDotNet.RepresentationModel;

namespace Retort.Asking;

/// <summary>Prices by host and model, each from a day on.</summary>
public sealed record PriceTable(IReadOnlyList<PriceTable.Entry> Entries)
{
    const int Longest = 1 << 20;

    /// <param name="Host">Whose; null for any.</param>
    /// <param name="Model">A model's name; one that ends with a star stands for all that begin so.</param>
    public sealed record Entry(string? Host, string Model, Price Price);

    /// <summary>The latest price that holds for a model on a day; among those of one day the longest name.</summary>
    public Price? For(Endpoint endpoint, DateOnly today) => Entries
        .Where(e => (e.Host is null || e.Host == endpoint.Host) && e.Price.Since <= today
            && (e.Model.EndsWith('*') ? endpoint.Model.StartsWith(e.Model[..^1], StringComparison.Ordinal) : e.Model == endpoint.Model))
        .OrderBy(e => e.Model.TrimEnd('*').Length).ThenBy(e => e.Price.Since).LastOrDefault()?.Price;

    /// <summary>Reads <c>prices: [{host, model, prompt, completion, since, source}]</c>, dollars for a million tokens.</summary>
    /// <exception cref="UserError">It cannot be read or is no such table; every fault with its line.</exception>
    public static PriceTable Read(string path)
    {
        YamlNode? node = YamlText.Parse(TextFile.Read(path, Longest), path, lines: true);
        List<string> found = [];
        YamlFields root = new(node, "", new(found, new HashSet<YamlNode>()));
        PriceTable table = new([.. root.Maps("prices").Select(One)]);
        root.Require("prices");
        root.Close();
        return found.Count == 0 ? table : throw new UserError(string.Join("; ", found), path, "A price is {host: api.example.com, model: name, prompt: 0.25, completion: 2, since: 2026-01-31}, in dollars for a million tokens.");
    }

    static Entry One(YamlFields f)
    {
        f.Require("model");
        f.Require("prompt");
        f.Require("completion");
        f.Require("since");
        Entry entry = new(f.Text("host"), f.Text("model") ?? "", new((decimal)f.Number("prompt", 0, 0, 1e6), (decimal)f.Number("completion", 0, 0, 1e6), f.Date("since") ?? DateOnly.MaxValue, f.Text("source")));
        f.Close();
        return entry;
    }
}
