namespace Retort.Distill;

/// <param name="Value">Length of the bar; null leaves the row empty.</param>
/// <param name="Text">The value as printed.</param>
sealed record ChartBar(ChartRole Role, double? Value, string Text);

/// <param name="Name">Printed above the bars; empty for a single group.</param>
sealed record ChartBarGroup(string Name, IReadOnlyList<ChartBar> Bars);

/// <summary>Horizontal bars in groups, from zero, each with its value beside it.</summary>
static class ReportBars
{
    const double LabelWidth = 70, ValueWidth = 96, RowHeight = 22, GroupHead = 24, GroupGap = 8;

    /// <param name="full">Value of a full-length bar; null for the greatest of all groups.</param>
    public static Markup Draw(string id, string title, string description, IReadOnlyList<ChartBarGroup> groups, double? full = null)
    {
        double longest = full ?? groups.SelectMany(g => g.Bars).Select(b => b.Value ?? 0).Where(double.IsFinite).DefaultIfEmpty(0).Max();
        double room = ReportCharts.Wide - LabelWidth - ValueWidth, y = 2;
        List<Markup> parts = [];
        foreach (ChartBarGroup group in groups)
        {
            if (group.Name.Length > 0)
            {
                parts.Add(Markup.Of($"<text class=\"group\" x=\"0\" y=\"{y + 15}\">{group.Name}</text>"));
                y += GroupHead;
            }

            foreach (ChartBar bar in group.Bars)
            {
                double length = bar.Value is { } v && double.IsFinite(v) && longest > 0 ? Math.Clamp(v / longest, 0, 1) * room : 0;
                parts.Add(Markup.Of(
                    $"""
                    <text class="tick" x="{LabelWidth - 8}" y="{y + 14}" text-anchor="end">{bar.Role.Name}</text><rect class="track" x="{LabelWidth}" y="{y + 4}" width="{room}" height="12" rx="2"/><rect class="bar {bar.Role.Css}" x="{LabelWidth}" y="{y + 4}" width="{length}" height="12" rx="2"/><text class="value" x="{LabelWidth + room + 8}" y="{y + 14}">{bar.Text}</text>
                    """));
                y += RowHeight;
            }

            y += GroupGap;
        }

        return ReportCharts.Svg(id, title, description, y, Markup.Join(parts));
    }
}
