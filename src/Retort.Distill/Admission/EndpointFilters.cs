namespace Retort.Distill;

/// <summary>What an endpoint did wrong, or said of its answer.</summary>
static class EndpointFilters
{
    public static IEnumerable<Fault?> Faults(IReadOnlyList<AdmissionRow> rows, AdmitRecipe recipe)
    {
        // A name that several questions share says which of them it belongs to of none.
        HashSet<string> shared = [.. rows.Select(r => r.Answer).Where(a => a.Response is { Length: > 0 }).GroupBy(a => a.Response!, StringComparer.Ordinal).Where(g => g.Select(a => a.Request).Distinct().Count() > 1).Select(g => g.Key)];
        return rows.Select(r => Of(r));

        Fault? Of(AdmissionRow row) => row.Answer switch
        {
            { Choice: { Refusal: not null } or { Finish: "content_filter" } } a when !recipe.KeepRefusals => new(Exclusion.Refused, a.Choice.Refusal is { Length: > 0 } said ? JsonFields.Short(said) : a.Choice.Finish),
            { } a when a.Place >= row.Asked.Count => new(Exclusion.Surplus, $"{row.Asked.Count} were asked for"),
            { Response: { } name } when shared.Contains(name) => new(Exclusion.NotItsOwn, JsonFields.Short(name)),
            { Returned: { } model } a when !Same(a.Asked.Model, model) => new(Exclusion.OtherModel, JsonFields.Short(model)),
            _ => null,
        };
    }

    /// <summary>"small" answers as "small", or as "small-2026-01-31"; "small-large" is another.</summary>
    static bool Same(string asked, string returned)
    {
        string own = asked.Split('/')[^1], named = returned.Split('/')[^1];
        return named.Equals(own, StringComparison.OrdinalIgnoreCase)
            || (named.StartsWith(own, StringComparison.OrdinalIgnoreCase) && named[own.Length] is '-' or '@' or ':' && named[(own.Length + 1)..].All(c => char.IsAsciiDigit(c) || c == '-'));
    }
}
