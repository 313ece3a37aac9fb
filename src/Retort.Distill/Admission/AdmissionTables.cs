using System.Text.Json;
using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>A report's section on which answers were trained on.</summary>
static class AdmissionTables
{
    public static Markup Section(AdmissionFacts f)
    {
        Markup reasons = Markup.Join(f.ByReason.Select(r => Markup.Of($"<tr><th scope=\"row\">{Name(r.Key)}</th><td>{Whole(r.Value)}</td><td>{Percent((double)r.Value / Math.Max(1, f.Asked))}</td></tr>")));
        return Markup.Of(
            $"""
            <section><h2>Answers trained on</h2><p class="note">{Whole(f.Admitted)} of {Whole(f.Asked)} answers. Each of the others is left out for the first reason that holds for it, in this order.</p><div class="scroll" tabindex="0" role="region" aria-label="Answers by reason"><table><thead><tr><th scope="col">Answers</th><th scope="col">number</th><th scope="col">share</th></tr></thead>
            <tbody><tr><th scope="row">admitted</th><td>{Whole(f.Admitted)}</td><td>{Percent((double)f.Admitted / Math.Max(1, f.Asked))}</td></tr>{reasons}</tbody></table></div>{Contamination(f)}</section>
            """);
    }

    /// <summary>A reason in words.</summary>
    public static string Name(Exclusion why) => JsonNamingPolicy.KebabCaseLower.ConvertName(why.ToString()).Replace('-', ' ');

    static Markup Contamination(AdmissionFacts f)
    {
        if (f.Contamination.Count == 0)
        {
            return Markup.None;
        }

        Markup heads = Markup.Join(f.Contamination[0].Grams.Select(g => Markup.Of($"<th scope=\"col\">{g.Gram} words<small>question, answer</small></th><th scope=\"col\">rows<small>share</small></th>")));
        Markup rows = Markup.Join(f.Contamination.Select(c => Markup.Of(
            $"<tr><th scope=\"row\">{c.Set}</th><td>{Whole(c.Items)}</td>{Markup.Join(c.Grams.Select(g => Markup.Of($"<td>{Whole(g.Questions)}, {Whole(g.Answers)}</td><td>{Whole(g.Rows)}<small>{Percent(g.Share)}</small></td>")))}<td>{Whole(c.SharedWording)}</td></tr>")));
        return Markup.Of(
            $"""
            <h3>Overlap with evaluation sets</h3><p class="note">{Compared(f)} {Excluded(f.ExcludedFrom)} Runs of words that are a set’s or the whole run’s wording are passed over.</p><div class="scroll" tabindex="0" role="region" aria-label="Overlap with evaluation sets"><table><thead><tr><th scope="col">Set</th><th scope="col">items</th>{heads}<th scope="col">shared wording<small>runs passed over</small></th></tr></thead>
            <tbody>{rows}</tbody></table></div>
            """);
    }

    static string Compared(AdmissionFacts f) => string.Join(' ', (IEnumerable<string>)
    [
        .. f.Contamination.Any(c => c.Set != HeldOutCheck.SetName) ? [$"{Whole(f.Compared)} rows that the filters before left are compared with every evaluation set the recipe names: rows that share a run of so many words with it."] : (string[])[],
        .. f.Contamination.Any(c => c.Set == HeldOutCheck.SetName) ? [$"Rows to train on are compared with the {HeldOutCheck.SetName} of this run and their answers."] : (string[])[],
    ]);

    static string Excluded(int? from) => from is { } words ? $"Rows that share {words} words or more are left out." : "They are shown and trained on all the same.";
}
