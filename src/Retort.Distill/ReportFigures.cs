using Retort.Evidence.Statistics;
using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>The report's figures: which numbers each one draws, and what it says to a reader who cannot see it.</summary>
static class ReportFigures
{
    /// <summary>Held-out cross entropy over training tokens; every seed thin, the mean over seeds thick, the teacher a dotted level.</summary>
    public static Markup? HeldOut(RunReport report)
    {
        List<ChartLine> longer = [.. Lines(report, ChartRole.LongerTwin, c => c.TwinEqualCompute, p => p.HeldOut).Where(l => !l.Faint)], lines = [.. longer, .. Curves(report, p => p.HeldOut)];
        if (lines.Count == 0)
        {
            return null;
        }

        ValidationFacts v = report.Validation;
        string At(ChartRole role) => lines.LastOrDefault(l => l.Role == role && !l.Faint) is { Points: [.., var last] } ? ReportTables.Nats(last.Y) : Absent;
        string twin = report.Results.Twin is null ? "" : $", the twin at {At(ChartRole.Twin)}", teacher = v.Teacher is { } t ? $"; the teacher is at {ReportTables.Nats(t)}" : "";
        string says = $"On {Whole(v.Rows)} validation {(v.Rows == 1 ? "row" : "rows")} ({Count(v.Tokens)} tokens) the student ends at {At(ChartRole.Student)} nats per token{twin}{teacher}.";
        return Figure(
            "Held-out cross entropy",
            [.. Roles(report), .. longer.Select(l => l.Role)],
            ReportCharts.Lines("held-out", "Held-out cross entropy over training tokens", says, "training tokens", "nats per token", lines, new ChartOptions(Tick, v.Teacher, HeightFrom: 0.2)),
            $"{says} {(report.Curves.Count > 1 ? "Thin lines are seeds, thick lines their mean. " : "")}{(longer.Count > 0 ? "The longer twin trains for what the teacher cost besides. " : "")}The verdict rests on other rows. The first fall may lie above the frame.");
    }

    /// <summary>Twin minus student over training tokens, pair by pair: what the two nearly equal curves hide.</summary>
    public static Markup? Advantage(RunReport report)
    {
        ChartPoints[] pairs = [.. report.Curves.Select(c => new ChartPoints([.. c.Student.Join(c.Twin, s => s.Tokens, w => w.Tokens, (s, w) => (s.Tokens, Lead: w.HeldOut - s.HeldOut)).Where(p => p.Lead is not null).Select(p => ((double)p.Tokens, p.Lead!.Value))]))];
        if (!pairs.Any(p => p.Points.Count > 0))
        {
            return null;
        }

        return Figure(
            "Student’s lead over the twin",
            [],
            ReportCharts.Lines("lead", "Twin minus student, held-out cross entropy over training tokens", "Above zero the student is ahead of the twin with its seed.", "training tokens", "nats per token", WithMean(ChartRole.Student, pairs), new ChartOptions(Tick, 0, "zero", 0.1)),
            $"Twin minus student with the same seed, held-out cross entropy. Above zero the student is ahead.{(pairs.Length > 1 ? " Thin lines are seeds, the thick line their mean." : "")}");
    }

    public static Markup Training(RunReport report) => Figure(
        "Training loss",
        Roles(report, teacher: false),
        ReportCharts.Lines("training", "Training loss over training tokens", "Each model's own objective, falling with training.", "training tokens", "own objective", Curves(report, p => p.TrainLoss), new ChartOptions(Tick, HeightFrom: 0.05)),
        report.Results.Twin is null ? "The objective the model was trained on." : "Each model’s own objective. Student and twin minimise different losses, so their heights are not to be compared.");

    /// <summary>How close student and twin come to the teacher.</summary>
    public static Markup? Fidelity(RunReport report)
    {
        RunResults r = report.Results;
        ChartBarGroup[] groups =
        [
            .. new[] { Group("Forward KL, nats per token (less is closer)", s => s.ForwardKl, ReportTables.Nats), Group("Top-1 agreement (more is closer)", s => s.TopAgreement, Percent) }.OfType<ChartBarGroup>(),
        ];
        return groups.Length == 0
            ? null
            : Figure("Fidelity to the teacher", [], Markup.Join(groups.Select((g, i) => ReportBars.Draw($"fidelity-{(char)('a' + i)}", g.Name, Read([g]), [g], g.Name[0] == 'T' ? 1 : null))), "Closeness to the teacher’s distribution on the held-out text. It shows what was copied, not that copying helped.");

        ChartBarGroup? Group(string name, Func<Scores, double?> value, Func<double, string> text)
        {
            List<ChartBar> bars = [];
            if (value(r.Student.Mean) is { } student)
            {
                bars.Add(new ChartBar(ChartRole.Student, student, text(student)));
            }

            if (r.Twin is { } w && value(w.Mean) is { } twin)
            {
                bars.Add(new ChartBar(ChartRole.Twin, twin, text(twin)));
            }

            return bars.Count == 0 ? null : new ChartBarGroup(name, bars);
        }
    }

    public static Markup? Calibration(RunReport report)
    {
        (ChartRole Role, Calibration? Calibration)[] all = [(ChartRole.Teacher, report.Results.Teacher?.Calibration), (ChartRole.Student, report.Results.Student.Mean.Calibration), (ChartRole.Twin, report.Results.Twin?.Mean.Calibration)];
        (ChartRole Role, Calibration Calibration)[] models = [.. all.Where(m => m.Calibration is not null).Select(m => (m.Role, m.Calibration!))];
        if (models.Length == 0)
        {
            return null;
        }

        string errors = string.Join(", ", models.Select(m => $"{m.Role.Name} {Percent(m.Calibration.Error)}"));
        return Figure(
            "Calibration",
            [.. models.Select(m => m.Role)],
            ReportCharts.Reliability("calibration", "Reliability diagram: accuracy over confidence", $"Expected calibration error: {errors}.", models),
            $"How often the most likely token is right, over how sure the model was. On the diagonal a model is as right as it is sure; larger discs hold more tokens. Expected calibration error: {errors}.");
    }

    /// <summary>Of whole answers to a task.</summary>
    public static Markup TaskCalibration(TaskFacts task) => Figure(
        "Confidence in whole answers",
        [ChartRole.Student],
        ReportCharts.Reliability("task-calibration", "Reliability diagram: answers right over confidence", $"Expected calibration error: {Percent(task.Calibration.Error)}.", [(ChartRole.Student, task.Calibration)]),
        $"How often the students’ answers are {(task.JudgedBy == "gold" ? "right" : "the teacher’s")}, over the probability they give to the whole answer; larger discs hold more answers. Expected calibration error: {Percent(task.Calibration.Error)}.");

    public static Markup? Gold(RunReport report)
    {
        RunResults r = report.Results;
        if (r.Student.Mean.Gold.Count == 0)
        {
            return null;
        }

        ChartBarGroup[] groups = [.. r.Student.Mean.Gold.Select(g => new ChartBarGroup(g.Kind, Bars(report, s => s.Gold.FirstOrDefault(x => x.Kind == g.Kind)?.Score)))];
        string says = string.Join("; ", groups.Select(g => $"{g.Name}: {string.Join(", ", g.Bars.Select(b => $"{b.Role.Name} {b.Text}"))}"));
        return Figure("Gold task scores", [], ReportBars.Draw("gold", "Gold task scores by kind", says + ".", groups, 1), $"Share of the full score against gold answers, over {Whole(r.Student.Mean.Gold.Sum(g => g.Items))} items.");

        static ChartBar[] Bars(RunReport report, Func<Scores, double?> score)
        {
            (ChartRole, Scores?)[] all = [(ChartRole.Teacher, report.Results.Teacher), (ChartRole.Student, report.Results.Student.Mean), (ChartRole.Twin, report.Results.Twin?.Mean)];
            return [.. all.Where(m => m.Item2 is not null).Select(m => (Role: m.Item1, Value: score(m.Item2!))).Select(m => new ChartBar(m.Role, m.Value, m.Value is { } v ? Percent(v) : Absent))];
        }
    }

    public static Markup? Speed(RunReport report)
    {
        if (report.Speed is not { } speed)
        {
            return null;
        }

        ChartBarGroup[] groups = [Pair($"Prompt of {Whole(speed.PromptTokens)} tokens", speed.Teacher?.Prompt, speed.Student.Prompt, PerSecond), Pair($"Decoding {Whole(speed.DecodeTokens)} tokens", speed.Teacher?.Decode, speed.Student.Decode, PerSecond)];
        string says = speed.Teacher is { } t ? $"The student reads a prompt at {Times(speed.Student.Prompt / t.Prompt)} and decodes at {Times(speed.Student.Decode / t.Decode)} the teacher’s speed." : "Tokens per second of the student.";
        return Figure("Speed", [], ReportBars.Draw("speed", "Speed in tokens per second", Read(groups), groups), $"{says} Measured in turn on this machine, {report.Run.Threads} {(report.Run.Threads == 1 ? "thread" : "threads")}.");
    }

    public static Markup Size(RunReport report)
    {
        ModelFacts s = report.Student;
        ModelFacts? t = report.Teacher;
        List<Markup> drawings =
        [
            Draw("parameters", "Parameters of teacher and student", Pair("Parameters", t?.Parameters, s.Parameters ?? 0, v => Parameters((long)v))),
            Draw("bytes", "Bytes on disk of teacher and student", Pair("On disk", t?.Bytes, s.Bytes ?? 0, Bytes)),
        ];
        string says = t is { Parameters: { } parameters, Bytes: { } bytes } ? $"The teacher has {Times((double)parameters / s.Parameters ?? 0)} the student’s parameters and takes {Times((double)bytes / s.Bytes ?? 0)} its room." : "";
        return Figure("Size", [], Markup.Join(drawings), says);

        static Markup Draw(string id, string title, ChartBarGroup group) => ReportBars.Draw(id, title, Read([group]), [group]);
    }

    public static Markup? RateSearch(RunReport report)
    {
        if (report.RateSearch is not { } search)
        {
            return null;
        }

        List<ChartLine> lines = [new(ChartRole.Student, Trials(t => t.Student), Markers: true)];
        if (search.TwinRate is not null)
        {
            lines.Add(new(ChartRole.Twin, Trials(t => t.Twin), Markers: true));
        }

        string chosen = $"Chosen: {Rate(search.StudentRate)} for the student{(search.TwinRate is { } w ? $", {Rate(w)} for the twin" : "")}.";
        return Figure(
            "Learning-rate search",
            Roles(report, teacher: false),
            ReportCharts.Lines("rates", "Held-out cross entropy over learning rate", chosen, "learning rate", "nats per token", lines, new ChartOptions(Rate, Logarithmic: true, AcrossTicks: [.. search.Trials.Select(t => t.Rate)])),
            $"{(search.TwinRate is null ? "" : "The same rates were tried for both. ")}{chosen}");

        (double, double)[] Trials(Func<RateTrial, double?> loss) => [.. search.Trials.Where(t => loss(t) is not null).OrderBy(t => t.Rate).Select(t => (t.Rate, loss(t)!.Value))];
    }

    public static Markup Figure(string heading, IReadOnlyList<ChartRole> roles, Markup drawing, string caption)
    {
        Markup legend = roles.Count < 2 ? Markup.None : Markup.Of($"<ul class=\"legend\" aria-hidden=\"true\">{Markup.Join(roles.Select(r => Markup.Of($"<li><i class=\"{r.Css}\"></i>{r.Name}</li>")))}</ul>");
        return Markup.Of($"<figure><h3>{heading}</h3>{legend}{drawing}<figcaption>{caption}</figcaption></figure>");
    }

    static List<ChartLine> Curves(RunReport report, Func<CurvePoint, double?> value) =>
        [.. Lines(report, ChartRole.Twin, c => c.Twin, value), .. Lines(report, ChartRole.Student, c => c.Student, value)];

    static List<ChartLine> Lines(RunReport report, ChartRole role, Func<SeedCurves, IReadOnlyList<CurvePoint>> curve, Func<CurvePoint, double?> value) =>
        WithMean(role, [.. report.Curves.Select(c => new ChartPoints([.. curve(c).Where(p => value(p) is not null).Select(p => ((double)p.Tokens, value(p)!.Value))]))]);

    /// <summary>Every seed faint, and the mean of their points in turn: seeds see their tokens in other orders, so the same step stands at slightly other counts.</summary>
    static List<ChartLine> WithMean(ChartRole role, ChartPoints[] seeds)
    {
        ChartPoints[] curves = [.. seeds.Where(s => s.Points.Count > 0)];
        List<ChartLine> lines = [.. curves.Where(_ => curves.Length > 1).Select(c => new ChartLine(role, c.Points, Faint: true))];
        int shared = curves.Select(c => c.Points.Count).DefaultIfEmpty(0).Min();
        (double, double)[] mean = [.. Enumerable.Range(0, shared).Select(i => (curves.Average(c => c.Points[i].X), curves.Average(c => c.Points[i].Y)))];
        if (mean.Length > 0)
        {
            lines.Add(new ChartLine(role, mean));
        }

        return lines;
    }

    static ChartRole[] Roles(RunReport report, bool teacher = true) =>
    [
        .. teacher && report.Results.Teacher is not null ? [ChartRole.Teacher] : Array.Empty<ChartRole>(),
        ChartRole.Student,
        .. report.Results.Twin is not null ? [ChartRole.Twin] : Array.Empty<ChartRole>(),
    ];

    static ChartBarGroup Pair(string name, double? teacher, double student, Func<double, string> text) => new(
        name,
        [.. teacher is { } t ? [new ChartBar(ChartRole.Teacher, t, text(t))] : Array.Empty<ChartBar>(), new ChartBar(ChartRole.Student, student, text(student))]);

    static string Read(IEnumerable<ChartBarGroup> groups) => string.Join("; ", groups.Select(g => $"{g.Name}: {string.Join(", ", g.Bars.Select(b => $"{b.Role.Name} {b.Text}"))}")) + ".";

    static string PerSecond(double rate) => Count(rate) + "/s";
}
