using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>The role a mark belongs to; the style sheet gives each one colour and one dash, so no chart speaks by colour alone.</summary>
/// <param name="Css">Class name.</param>
sealed record ChartRole(string Css, string Name)
{
    public static readonly ChartRole Teacher = new("teacher", "teacher"), Student = new("student", "student"), Twin = new("twin", "twin"), LongerTwin = new("twin longer", "twin, equal compute");
}

/// <summary>One curve.</summary>
sealed record ChartPoints(IReadOnlyList<(double X, double Y)> Points);

/// <param name="Faint">One seed among several.</param>
/// <param name="Markers">Points drawn as discs.</param>
sealed record ChartLine(ChartRole Role, IReadOnlyList<(double X, double Y)> Points, bool Faint = false, bool Markers = false);

/// <param name="Level">A horizontal reference, such as the teacher's loss or zero.</param>
/// <param name="LevelCss">Class of that reference.</param>
/// <param name="AcrossTicks">Values marked on the horizontal axis; null for round ones.</param>
/// <param name="HeightFrom">The vertical axis fits the points from this share of the horizontal axis on; what lies outside is cut off.</param>
/// <param name="AcrossText">Writes the values of the horizontal axis.</param>
sealed record ChartOptions(Func<double, string> AcrossText, double? Level = null, string LevelCss = "teacher", double HeightFrom = 0, bool Logarithmic = false, IReadOnlyList<double>? AcrossTicks = null);

/// <summary>Inline SVG in a coordinate system of 440 by 280, coloured by the page's style sheet.</summary>
static class ReportCharts
{
    const double Width = 440, Height = 280, Left = 66, Right = 14, Top = 14, Bottom = 46;

    /// <param name="title">Names the chart for a screen reader.</param>
    /// <param name="description">Says what the chart shows, in numbers.</param>
    public static Markup Lines(string id, string title, string description, string across, string up, IReadOnlyList<ChartLine> lines, ChartOptions options)
    {
        IEnumerable<(double X, double Y)> points = lines.SelectMany(l => l.Points).Where(p => double.IsFinite(p.Y));
        double? level = options.Level;
        ChartAxis x = options.Logarithmic
            ? ChartAxis.Around(points.Select(p => p.X), Left, Width - Right, true)
            : new ChartAxis(0, Math.Max(points.Select(p => p.X).DefaultIfEmpty(1).Max(), 1), Left, Width - Right);
        ChartAxis y = ChartAxis.Around(points.Where(p => p.X >= options.HeightFrom * x.High).Select(p => p.Y).Concat(level is { } l0 ? [l0] : []), Height - Bottom, Top);
        List<Markup> parts =
        [
            Markup.Of($"<clipPath id=\"{id}-clip\"><rect x=\"{Left - 4}\" y=\"{Top}\" width=\"{Width - Left - Right + 8}\" height=\"{Height - Top - Bottom}\"/></clipPath>"),
            Frame(x, y, across, up, options.AcrossText, options.AcrossTicks),
        ];
        if (level is { } at && double.IsFinite(at))
        {
            parts.Add(Markup.Of($"<line class=\"level {options.LevelCss}\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y.At(at)}\" y2=\"{y.At(at)}\"/>"));
        }

        foreach (ChartLine line in lines.OrderBy(l => l.Faint ? 0 : 1))
        {
            (double X, double Y)[] finite = [.. line.Points.Where(p => double.IsFinite(p.Y))];
            string path = string.Join(' ', finite.Select((p, i) => $"{(i == 0 ? 'M' : 'L')}{x.At(p.X):0.##} {y.At(p.Y):0.##}"));
            parts.Add(Markup.Of($"<path class=\"line {line.Role.Css}{(line.Faint ? " faint" : "")}\" clip-path=\"url(#{id}-clip)\" d=\"{path}\"/>"));
            if (line.Markers)
            {
                parts.AddRange(finite.Select(p => Markup.Of($"<circle class=\"dot {line.Role.Css}\" cx=\"{x.At(p.X)}\" cy=\"{y.At(p.Y)}\" r=\"3.5\"/>")));
            }
        }

        return Svg(id, title, description, Height, Markup.Join(parts));
    }

    /// <summary>A reliability diagram: accuracy over confidence, disc areas by the share of predictions, the diagonal is perfect calibration.</summary>
    public static Markup Reliability(string id, string title, string description, IReadOnlyList<(ChartRole Role, Calibration Calibration)> models)
    {
        ChartAxis x = new(0, 1, Left, Width - Right), y = new(0, 1, Height - Bottom, Top);
        List<Markup> parts = [Frame(x, y, "confidence", "accuracy", v => ReportNumbers.Fixed(v, 1))];
        parts.Add(Markup.Of($"<line class=\"diagonal\" x1=\"{x.At(0)}\" y1=\"{y.At(0)}\" x2=\"{x.At(1)}\" y2=\"{y.At(1)}\"/>"));
        foreach ((ChartRole role, Calibration calibration) in models)
        {
            CalibrationBin[] bins = [.. calibration.Bins.Where(b => b.Count > 0)];
            double most = bins.Select(b => (double)b.Count).DefaultIfEmpty(1).Max();
            string path = string.Join(' ', bins.Select((b, i) => $"{(i == 0 ? 'M' : 'L')}{x.At(b.Confidence):0.##} {y.At(b.Accuracy):0.##}"));
            parts.Add(Markup.Of($"<path class=\"line slim {role.Css}\" d=\"{path}\"/>"));
            parts.AddRange(bins.Select(b => Markup.Of($"<circle class=\"dot {role.Css}\" cx=\"{x.At(b.Confidence)}\" cy=\"{y.At(b.Accuracy)}\" r=\"{1.6 + (4 * Math.Sqrt(b.Count / most))}\"/>")));
        }

        return Svg(id, title, description, Height, Markup.Join(parts));
    }

    /// <summary>Intervals of one metric beside zero and the practical margin; with more than one, each beside its name.</summary>
    public static Markup Interval(string id, string title, string description, IReadOnlyList<(string Name, PairedComparison Comparison)> rows)
    {
        const double Panel = 360, Edge = 10, Names = 122, Above = 24, Row = 36;
        PairedComparison first = rows[0].Comparison;
        bool named = rows.Count > 1;
        double left = named ? Names : Edge, floor = Above + 12 + (rows.Count * Row), scale = first.IsScore ? 100 : 1;
        ChartAxis x = ChartAxis.Around([0, first.Margin, -first.Margin, .. rows.SelectMany(r => new[] { r.Comparison.Interval.Low, r.Comparison.Interval.High })], left, Panel - Edge);
        IReadOnlyList<double> ticks = x.Ticks(named ? 3 : 4);
        int digits = first.IsScore ? 1 : ChartAxis.Digits(ticks);
        Markup labels = Markup.Join(ticks.Select(t => Markup.Of($"<text class=\"tick\" x=\"{x.At(t)}\" y=\"{floor + 17}\" text-anchor=\"middle\">{ReportNumbers.Signed(t * scale, digits)}</text>")));
        Markup marks = Markup.Join(rows.Select((row, n) =>
        {
            BootstrapInterval i = row.Comparison.Interval;
            double low = x.At(i.Low), high = x.At(i.High), line = Above + 24 + (n * Row);
            Markup name = named ? Markup.Of($"<text class=\"group\" x=\"0\" y=\"{line + 4}\">{row.Name}</text>") : Markup.None;
            return Markup.Of($"{name}<path class=\"whisker\" d=\"M{low} {line}H{high}M{low} {line - 7}v14M{high} {line - 7}v14\"/><circle class=\"mean\" cx=\"{x.At(i.Mean)}\" cy=\"{line}\" r=\"6\"/>");
        }));
        return Svg(id, title, description, floor + 36, Markup.Of(
            $"""
            <rect class="margin" x="{x.At(-first.Margin)}" y="{Above}" width="{x.At(first.Margin) - x.At(-first.Margin)}" height="{floor - Above}"/>
            <line class="axis" x1="{left}" x2="{Panel - Edge}" y1="{floor}" y2="{floor}"/>
            <line class="zero" x1="{x.At(0)}" x2="{x.At(0)}" y1="{Above - 4}" y2="{floor}"/>
            <text class="tick" x="{left}" y="11">← {first.Beside} ahead</text>
            <text class="tick" x="{Panel - Edge}" y="11" text-anchor="end">student ahead →</text>
            {marks}{labels}<text class="axis-name" x="{(left + Panel - Edge) / 2}" y="{floor + 34}" text-anchor="middle">{first.Unit}</text>
            """), Panel);
    }

    public static Markup Svg(string id, string title, string description, double height, Markup content, double width = Width) => Markup.Of(
        $"""
        <svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-title {id}-desc">
        <title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>
        {content}
        </svg>
        """);

    public static double Wide => Width;

    static Markup Frame(ChartAxis x, ChartAxis y, string across, string up, Func<double, string> acrossText, IReadOnlyList<double>? acrossTicks = null)
    {
        IReadOnlyList<double> rows = y.Ticks(5), columns = acrossTicks ?? x.Ticks(5);
        int digits = ChartAxis.Digits(rows);
        Markup grid = Markup.Join(rows.Select(v => Markup.Of(
            $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y.At(v)}\" y2=\"{y.At(v)}\"/><text class=\"tick\" x=\"{Left - 7}\" y=\"{y.At(v) + 4}\" text-anchor=\"end\">{ReportNumbers.Fixed(v, digits)}</text>")));
        Markup below = Markup.Join(columns.Select(v => Markup.Of(
            $"<text class=\"tick\" x=\"{x.At(v)}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{acrossText(v)}</text>")));
        return Markup.Of(
            $"""
            {grid}{below}<line class="axis" x1="{Left}" x2="{Width - Right}" y1="{Height - Bottom}" y2="{Height - Bottom}"/>
            <text class="axis-name" x="{(Left + Width - Right) / 2}" y="{Height - 6}" text-anchor="middle">{across}</text>
            <text class="axis-name" transform="translate(12 {(Top + Height - Bottom) / 2}) rotate(-90)" text-anchor="middle">{up}</text>
            """);
    }
}
