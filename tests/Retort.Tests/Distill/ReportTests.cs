using System.Text.Json;
using System.Text.RegularExpressions;
using Retort.Distill;
using Retort.Evidence.Statistics;

namespace Retort.Tests.Distill;

public partial class ReportTests
{
    const string Hostile = "</title></style><script>alert(1)</script><img onerror='x' \"\0\u001b[31m\ud800 &amp; улыбка";

    static readonly (string, string)[] Files = [("report", "out/report.html"), ("numbers", "out/report.json"), ("student", "out/student")];

    public static TheoryData<string> Reports => ["beats", "close", "one seed", "teacher's text", "no teacher", "task"];

    static RunReport Named(string name) => name switch
    {
        "beats" => SampleReport.Create(),
        "close" => SampleReport.Create(advantage: 0.001),
        "one seed" => SampleReport.Create(seeds: 1),
        "teacher's text" => SampleReport.Create(teacherText: true),
        "task" => SampleReport.OfTask(),
        _ => SampleReport.WithoutTeacher(),
    };

    [Theory]
    [MemberData(nameof(Reports))]
    public void JsonRoundTrips(string name)
    {
        RunReport report = Named(name);
        string json = ReportJson.Write(report);
        Assert.Equal(json, ReportJson.Write(ReportJson.Read(json, "report.json")));
    }

    [Fact]
    public void JsonHasSnakeCaseNamesInTheOrderOfTheRecord()
    {
        using JsonDocument json = JsonDocument.Parse(ReportJson.Write(SampleReport.Create()));
        string[] names = [.. json.RootElement.EnumerateObject().Select(p => p.Name)];
        Assert.Equal(
            ["run", "verdict", "teacher", "student", "data", "signal", "results", "comparisons", "curves", "validation", "rate_search", "compute", "speed", "cost", "samples", "steps", "warnings", "format", "formats", "asked", "admission", "teacher_answers", "task"],
            names);
        Assert.Equal("BEATS", json.RootElement.GetProperty("verdict").GetProperty("outcome").GetString());
        Assert.Equal("held_out_text", json.RootElement.GetProperty("comparisons")[0].GetProperty("source").GetString());
        Assert.True(json.RootElement.GetProperty("results").GetProperty("student").GetProperty("mean").GetProperty("perplexity").GetDouble() > 1);
    }

    [Fact]
    public void JsonKeepsADivergedLoss()
    {
        RunReport report = SampleReport.Create();
        report = report with { Curves = [new SeedCurves(1, [new CurvePoint(0, double.NaN, double.PositiveInfinity)], [], [])] };
        Assert.True(double.IsNaN(ReportJson.Read(ReportJson.Write(report), "report.json").Curves[0].Student[0].TrainLoss));
        Assert.DoesNotContain("NaN", ReportPage.Write(report));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"run\": {}}")]
    [InlineData("[1, 2")]
    public void WhatIsNoReportIsAUserError(string json) =>
        Assert.Equal("x/report.json", Assert.Throws<UserError>(() => ReportJson.Read(json, "x/report.json")).Where);

    [Theory]
    [MemberData(nameof(Reports))]
    public void PageFetchesNothingAndRunsNothing(string name)
    {
        string page = ReportPage.Write(Named(name));
        Assert.DoesNotMatch(Fetches(), page);
        Assert.Contains("default-src 'none'", page);
    }

    [Theory]
    [MemberData(nameof(Reports))]
    public void PageIsWellFormedAndItsDrawingsAreNamed(string name)
    {
        string page = ReportPage.Write(Named(name));
        Stack<string> open = new();
        foreach (Match tag in Tags().Matches(page))
        {
            string element = tag.Groups["name"].Value;
            if (tag.Value.StartsWith("</", StringComparison.Ordinal))
            {
                Assert.Equal(element, open.Pop());
            }
            else if (!tag.Value.EndsWith("/>", StringComparison.Ordinal) && element is not ("meta" or "!doctype"))
            {
                open.Push(element);
            }
        }

        Assert.Empty(open);
        string[] ids = [.. Ids().Matches(page).Select(m => m.Groups[1].Value)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        int drawings = Regex.Count(page, "<svg ");
        Assert.Equal(drawings, Regex.Count(page, "<svg [^>]*role=\"img\" aria-labelledby=\"[a-z-]+ [a-z-]+\">\\s*<title id="));
        Assert.DoesNotContain("NaN", page);
        Assert.DoesNotContain("not finite", page);
    }

    /// <summary>The twin that trains for what the teacher cost has a curve of its own, its mean alone; without such a twin nothing speaks of it.</summary>
    [Fact]
    public void TheLongerTwinIsDrawn()
    {
        RunReport report = SampleReport.Create();
        string with = ReportPage.Write(report), without = ReportPage.Write(report with { Curves = [.. report.Curves.Select(c => c with { TwinEqualCompute = [] })] });
        Assert.Single(Regex.Matches(with, "<path class=\"line twin longer\""));
        Assert.Contains("<i class=\"twin longer\"></i>twin, equal compute", with, StringComparison.Ordinal);
        Assert.DoesNotContain("twin longer", without, StringComparison.Ordinal);
    }

    /// <summary>Each seed sees its tokens in another order: the same step stands at another count.</summary>
    [Fact]
    public void CurvesOfSeedsAreAveragedThoughTheirTokensDiffer()
    {
        CurvePoint[] Curve(long shift, double loss) => [.. Enumerable.Range(1, 4).Select(i => new CurvePoint((i * 1000) + shift, loss, i % 2 == 0 ? loss : null))];
        RunReport report = SampleReport.Create() with { Curves = [new SeedCurves(1, Curve(0, 2), Curve(0, 2.2), []), new SeedCurves(2, Curve(7, 3), Curve(7, 3.2), [])] };
        string page = ReportPage.Write(report);
        Assert.Contains("the student ends at 2.5000 nats per token, the twin at 2.7000; the teacher is at 1.1904", page);
        Assert.Equal(2 + 1 + 2, Regex.Count(page[page.IndexOf("<h2>Learning", StringComparison.Ordinal)..page.IndexOf("Learning-rate", StringComparison.Ordinal)], "<path class=\"line (student|twin)\""));
    }

    [Fact]
    public void HostileTextStaysText()
    {
        RunReport report = SampleReport.Create();
        report = report with
        {
            Run = report.Run with { Name = Hostile, Cpu = Hostile, RecipeHash = Hostile, Versions = new Dictionary<string, string> { [Hostile] = Hostile } },
            Teacher = report.Teacher! with { Reference = Hostile, Shape = Hostile },
            Data = report.Data with { Source = Hostile },
            Signal = report.Signal! with { Kind = Hostile, Tail = Hostile },
            Samples = [new AnswerSample(Hostile, Hostile, Hostile, Hostile, Hostile)],
            Steps = [new StepTime(Hostile, 1)],
            Warnings = [Hostile],
        };
        string page = ReportPage.Write(report);
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotContain("<img", page);
        Assert.DoesNotContain('\0', page);
        Assert.DoesNotContain('\u001b', page);
        Assert.Equal(1, Regex.Count(page, "</style>"));
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", page);
        Assert.DoesNotContain(ReportSummary.Lines(report, Files), l => l.Any(char.IsControl));
        Assert.Equal(Hostile.Replace("\ud800", "\ufffd"), ReportJson.Read(ReportJson.Write(report), "r").Warnings[0]);
    }

    [Fact]
    public void EveryMetricOnThePageIsInTheJson()
    {
        RunReport report = SampleReport.Create();
        string page = ReportPage.Write(report);
        using JsonDocument json = JsonDocument.Parse(ReportJson.Write(report));
        JsonElement results = json.RootElement.GetProperty("results");
        foreach (JsonElement scores in new[] { results.GetProperty("teacher"), results.GetProperty("student").GetProperty("mean"), results.GetProperty("twin").GetProperty("mean") })
        {
            Assert.Contains($"<td>{scores.GetProperty("cross_entropy").GetDouble():N4}</td>", page);
            Assert.Contains($"<td>{scores.GetProperty("perplexity").GetDouble():N2}</td>", page);
            Assert.Contains($"<td>{scores.GetProperty("calibration").GetProperty("error").GetDouble() * 100:N1} %</td>", page);
            foreach (JsonElement gold in scores.GetProperty("gold").EnumerateArray())
            {
                Assert.Contains($"<td>{gold.GetProperty("score").GetDouble() * 100:N1} %</td>", page);
            }
        }

        foreach (JsonElement comparison in json.RootElement.GetProperty("comparisons").EnumerateArray())
        {
            bool points = comparison.GetProperty("unit").GetString() == "points";
            JsonElement interval = comparison.GetProperty("interval");
            string Signed(string end) => "+" + (interval.GetProperty(end).GetDouble() * (points ? 100 : 1)).ToString(points ? "N1" : "N4");
            Assert.Contains($"<td class=\"difference\">{Signed("mean")}<small>{Signed("low")} to {Signed("high")}", page);
        }

        foreach (JsonElement model in new[] { json.RootElement.GetProperty("teacher"), json.RootElement.GetProperty("student") })
        {
            Assert.Contains(model.GetProperty("parameters").GetInt64().ToString("N0") + " parameters", page);
        }

        Assert.Contains(report.Verdict!.Reason, page);
        Assert.Contains(report.Verdict.Measurement!.Replace("'", "&#39;").Replace("+", "&#43;"), page.Replace("+", "&#43;"));
    }

    [Fact]
    public void NoOutputClaimsImprovementWithoutBeats()
    {
        RunReport[] reports =
        [
            SampleReport.Create(advantage: 0.001), SampleReport.Create(advantage: -0.05), SampleReport.Create(seeds: 1), SampleReport.Create(seeds: 4),
            SampleReport.Create(teacherText: true), SampleReport.WithoutTeacher(),
        ];
        foreach (RunReport report in reports)
        {
            Assert.NotEqual(VerdictOutcome.Beats, report.Verdict?.Outcome);
            string all = ReportPage.Write(report) + ReportJson.Write(report) + string.Join('\n', ReportSummary.Lines(report, Files));
            Assert.DoesNotContain("improve", all, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("better", all, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotMatch("(?<!NO )BEATS", all);
        }
    }

    [Fact]
    public void SummaryFitsATerminal()
    {
        foreach (string name in Reports.Select(r => r.Data))
        {
            RunReport report = Named(name);
            IReadOnlyList<string> lines = ReportSummary.Lines(report, Files);
            Assert.True(lines.Count <= 30, $"{name}: {lines.Count} lines");
            Assert.All(lines, l => Assert.True(l.Length <= ReportSummary.Columns, l));
            Assert.Contains(lines, l => l.EndsWith("out/report.html", StringComparison.Ordinal));
            if (report.Verdict is { } verdict)
            {
                Assert.Contains($"{verdict.Label}. {verdict.Reason} {verdict.Measurement}".TrimEnd(), string.Join(' ', lines));
                Assert.Contains(verdict.EqualCompute!, string.Join(' ', lines));
            }
        }
    }

    [Theory]
    [InlineData(0.05, 0.03, 0.01, 0.05, "It stays ahead at equal compute, where the twin saw 1.50 times the tokens: twin minus student +0.0300 nats per token (95 % interval +0.0100 to +0.0500).")]
    [InlineData(0.05, 0.01, -0.01, 0.03, "This holds at equal tokens but not at equal compute: given 1.50 times the tokens for the teacher’s arithmetic, the twin cannot be told from the student: twin minus student +0.0100")]
    [InlineData(0.05, -0.02, -0.03, -0.01, "This holds at equal tokens but not at equal compute: given 1.50 times the tokens for the teacher’s arithmetic, the twin is ahead: twin minus student −0.0200")]
    [InlineData(0.05, double.NaN, double.NaN, double.NaN, "the difference is not a finite number")]
    [InlineData(-0.05, 0.03, 0.01, 0.05, "At equal compute, where the twin saw 1.50 times the tokens: twin minus student +0.0300")]
    public void EqualComputeIsSaidBesideTheVerdict(double advantage, double mean, double low, double high, string said)
    {
        Verdict verdict = Verdict.Of(PairedComparison.OfText(new BootstrapInterval(advantage, advantage - 0.01, advantage + 0.01, 5, 200, 1000, 0.95), 2, false));
        SeededScores scores = SeededScores.Of([new(1, new Scores(1.9, null, null, null, []))]);
        EqualCompute equal = new(150, 150, scores, [PairedComparison.OfText(new BootstrapInterval(mean, low, high, 5, 200, 1000, 0.95), 1.9, false)]);
        Assert.Contains(said, EqualComputeFinding.Of(verdict, new ComputeFacts(100, 100, 100, 50, equal), 1.8), StringComparison.Ordinal);
    }

    [Fact]
    public void EqualComputeThatWasNotRunIsExplained()
    {
        Verdict verdict = Verdict.OfOneSeed();
        SeededScores scores = SeededScores.Of([new(1, new Scores(1.9, null, null, null, []))]);
        Assert.Null(EqualComputeFinding.Of(verdict, new ComputeFacts(100, 100, null, 50, null), 1.8));
        Assert.Equal("Equal tokens and equal compute are the same within 2 %: the teacher’s arithmetic was 1.0 % of the student’s.", EqualComputeFinding.Of(verdict, new ComputeFacts(100, 100, 100, 1, null), 1.8));
        Assert.Contains("was not measured", EqualComputeFinding.Of(verdict, new ComputeFacts(100, 100, 100, 50, null), 1.8), StringComparison.Ordinal);
        Assert.Contains("ends at a held-out cross entropy of 1.9000 nats per token, the student at 1.8000", EqualComputeFinding.Of(verdict, new ComputeFacts(100, 100, 100, 50, new(150, 150, scores, [])), 1.8), StringComparison.Ordinal);
    }

    [Fact]
    public void SeedsAreAveragedAndTheirBinsPooled()
    {
        Scores One(double loss, double kl, double gold) => new(loss, kl, null, null, [new GoldScore("answer", gold, 10)]);
        SeededScores scores = SeededScores.Of([new(1, One(1, 0.2, 0.5)), new(2, One(3, 0.4, 0.7))]);
        Assert.Equal(2, scores.Mean.CrossEntropy, 1e-12);
        Assert.Equal(Math.Exp(2), scores.Mean.Perplexity, 1e-12);
        Assert.Equal(0.3, scores.Mean.ForwardKl!.Value, 1e-12);
        Assert.Null(scores.Mean.TopAgreement);
        Assert.Equal(0.6, scores.Mean.GoldMean!.Value, 1e-12);
    }

    [Fact]
    public void CostFollowsFromSpeedAndPrice()
    {
        SpeedFacts speed = new(100, 50, new ModelSpeed(10_000, 1_000), new ModelSpeed(1_000, 100));
        CostFacts cost = CostFacts.Of(speed, "USD", 0.036, 2, 10);
        Assert.Equal(0.02, cost.StudentPerMillion, 1e-12);
        Assert.Equal(0.2, cost.TeacherPerMillion!.Value, 1e-12);
        Assert.Equal(2e-5 * (0.01 + 0.05), cost.StudentPerCall, 1e-15);
        Assert.Equal(Math.Ceiling(0.36 / (2e-5 * (0.6 - 0.06))), cost.CallsToBreakEven!.Value);
        Assert.Null(CostFacts.Of(speed with { Teacher = speed.Student }, "USD", 0.036, 2, 10).CallsToBreakEven);
    }

    [GeneratedRegex("https?://|src=|href=|url\\([^#]|@import|<script|<link|<iframe|javascript:", RegexOptions.IgnoreCase)]
    private static partial Regex Fetches();

    [GeneratedRegex("</?(?<name>!?[a-zA-Z][a-zA-Z0-9]*)(\"[^\"]*\"|[^\">])*>")]
    private static partial Regex Tags();

    [GeneratedRegex("(?<![a-z-])id=\"([^\"]+)\"")]
    private static partial Regex Ids();
}
