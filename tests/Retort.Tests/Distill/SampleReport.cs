using Retort.Distill;
using Retort.Evidence.Statistics;

namespace Retort.Tests.Distill;

/// <summary>Invented reports of a plausible run: no number in them was measured.</summary>
static class SampleReport
{
    static readonly string[] Kinds = ["write", "continue", "answer", "facts as JSON", "mood"];

    public static RunReport Create(double advantage = 0.041, int seeds = 5, bool teacherText = false)
    {
        Random random = new(7);
        List<SeedScores> students = [], twins = [];
        List<SeedCurves> curves = [];
        double[][] difference = [.. Enumerable.Range(0, seeds).Select(_ => new double[200])];
        double[] hard = [.. Enumerable.Range(0, 200).Select(_ => (random.NextDouble() - 0.5) * 0.08)];
        for (int s = 0; s < seeds; s++)
        {
            double shift = (random.NextDouble() - 0.5) * 0.02;
            for (int n = 0; n < 200; n++)
            {
                difference[s][n] = advantage + shift + hard[n] + ((random.NextDouble() - 0.5) * 0.1);
            }

            students.Add(new SeedScores(s + 1, Scores(random, 1.4213 + shift, 0.312, 0.744, 0.031, [0.81, 0.77, 0.69, 0.74, 0.88])));
            twins.Add(new SeedScores(s + 1, Scores(random, 1.4213 + shift + advantage, 0.402, 0.702, 0.058, [0.78, 0.74, 0.61, 0.66, 0.86])));
            curves.Add(new SeedCurves(s + 1, Curve(random, 1.42 + shift, 0.9), Curve(random, 1.42 + shift + advantage, 1), Curve(random, 1.40 + shift + advantage, 1)));
        }

        SeededScores student = SeededScores.Of(students), twin = SeededScores.Of(twins);
        List<PairedComparison> comparisons = [];
        if (seeds > 1)
        {
            comparisons.Add(PairedComparison.OfText(HierarchicalBootstrap.Interval(difference, [], 1, 1000), twin.Mean.CrossEntropy, teacherText));
            comparisons.Add(PairedComparison.OfForwardKl(new BootstrapInterval(0.0904, 0.0716, 0.1101, seeds, 200, 1000, 0.95), 0.402));
            comparisons.Add(PairedComparison.OfAgreement(new BootstrapInterval(0.042, 0.031, 0.054, seeds, 200, 1000, 0.95), 0.702));
            comparisons.Add(PairedComparison.OfGold(new BootstrapInterval(0.0482, 0.0127, 0.0834, seeds, 500, 1000, 0.95), 0.73));
        }

        double lead = advantage - 0.022;
        EqualCompute equal = new(
            1_768_000, 4.58e12, SeededScores.Of([.. twins.Select(t => t with { Scores = t.Scores with { CrossEntropy = t.Scores.CrossEntropy - 0.022 } })]),
            seeds > 1 ? [PairedComparison.OfText(new BootstrapInterval(lead, lead - 0.012, lead + 0.012, seeds, 200, 1000, 0.95), twin.Mean.CrossEntropy - 0.022, teacherText)] : []);
        ComputeFacts compute = new(1_204_332, 3.12e12, 3.12e12, 1.46e12, equal);
        Verdict verdict = comparisons.Count > 0 ? Verdict.Of(comparisons[0]) : Verdict.OfOneSeed();
        SpeedFacts speed = new(128, 128, new ModelSpeed(48_200, 6_120), new ModelSpeed(7_310, 1_240));
        return new RunReport(
            new RunIdentity(
                "tales",
                new DateTimeOffset(2026, 3, 14, 15, 9, 0, TimeSpan.Zero),
                [.. Enumerable.Range(1, seeds).Select(s => (long)s)],
                "9f2c4e0b7a61d3f58c1e6a94b2d07f3e5a8c9b1d4f60e2a7c3b5d8f1a0e49c72",
                "AVX-512",
                2,
                "AMD EPYC 9B14",
                new SortedDictionary<string, string>(StringComparer.Ordinal) { [".NET"] = "10.0.1", ["Retort"] = "0.1.0", ["System"] = "Debian GNU/Linux 13" }),
            verdict with { EqualCompute = EqualComputeFinding.Of(verdict, compute, student.Mean.CrossEntropy) },
            new ModelFacts("models/tales-teacher", "6 layers, 192 wide, 6 heads, feed-forward 512, vocabulary 2,048", 3_042_816, 6_091_008),
            new ModelFacts("student", "4 layers, 80 wide, 5 heads, feed-forward 208, vocabulary 2,048", 431_200, 866_304),
            new DataFacts("samples/tales, seed 11", 6_204, 1_204_332, 200, 38_912, teacherText),
            new SignalFacts("top-k, stored", 20, 82.5, "tail bucket"),
            new RunResults(Scores(random, 1.1872, null, null, 0.018, [0.97, 0.95, 0.93, 0.98, 0.99]), student, twin),
            comparisons,
            curves,
            new ValidationFacts(12, 7_412, 1.1904),
            new RateSearch([new(1e-3, 1.702, 1.731), new(2e-3, 1.611, 1.644), new(4e-3, 1.566, 1.598), new(8e-3, 1.581, 1.603), new(1.6e-2, 1.742, null)], 4e-3, 4e-3),
            compute,
            speed,
            CostFacts.Of(speed, "USD", 0.04, 2, 0.13),
            [
                new("Write a story about Mira, who wants a red kite. Her friend is an owl.", "Mira wanted a red kite. It was stuck in the tall oak. She asked the owl for help. The owl flew up and brought it down, and Mira flew it until the sun went to bed.", "Mira wanted a red kite. It was in the tall oak. She asked the owl for help. The owl flew up and gave it to Mira. She was happy.", "Mira wanted a red kite. It was in the oak. He asked the owl. The owl was happy and the kite was happy.", null),
                new("Tom could not open the gate until the fox pushed it. Who helped Tom?", "The fox helped Tom.", "The fox helped Tom.", "The gate helped Tom.", "The fox."),
                new("Return the facts as JSON: Ana lost her blue cup by the river. The duck found it.", "{\"who\": \"Ana\", \"wants\": \"blue cup\", \"where\": \"river\", \"helper\": \"duck\"}", "{\"who\": \"Ana\", \"wants\": \"blue cup\", \"where\": \"river\", \"helper\": \"duck\"}", "{\"who\": \"Ana\", \"wants\": \"cup\", \"where\": \"river\"}", "{\"who\": \"Ana\", \"wants\": \"blue cup\", \"where\": \"river\", \"helper\": \"duck\"}"),
            ],
            [new("terms", 0.01), new("signals", 14.2), new("rate search", 31.7), new("training", 142.6), new("evaluation", 22.4)],
            ["The twin diverged at learning rate 1.6e-2 and was left out of that trial."])
        {
            Formats = [new("f32", 1_724_800, 1.412, 5_900), new("bf16", 862_400, 1.4121, 7_100), new("q8_0", 458_150, 1.4138, 9_800), new("q4_0", 242_550, 1.4693, 11_200)],
        };
    }

    /// <summary>Training from nothing: no teacher, no twin, nothing to judge.</summary>
    public static RunReport WithoutTeacher()
    {
        RunReport full = Create(seeds: 1);
        return full with
        {
            Verdict = null,
            Teacher = null,
            Signal = null,
            Results = new RunResults(null, SeededScores.Of([full.Results.Student.Seeds[0] with { Scores = full.Results.Student.Seeds[0].Scores with { ForwardKl = null, TopAgreement = null } }]), null),
            Curves = [.. full.Curves.Select(c => c with { Twin = [] })],
            Validation = full.Validation with { Teacher = null },
            RateSearch = full.RateSearch! with { TwinRate = null },
            Compute = full.Compute with { TwinFlops = null, TeacherFlops = null, Equal = null },
            Speed = full.Speed! with { Teacher = null },
            Cost = CostFacts.Of(full.Speed with { Teacher = null }, "USD", 0.04, 2, 0.13),
            Samples = [.. full.Samples.Select(s => s with { Teacher = null, Twin = null })],
            Warnings = [],
        };
    }

    /// <summary>One task in JSON, with a cascade.</summary>
    public static RunReport OfTask()
    {
        static TaskMeasure Measure(double accuracy, params double[] fields) => new(240, accuracy, fields.Average() - 0.02, [.. fields.Select((f, i) => new FieldMeasure(new[] { "who", "thing", "mood" }[i], f, f - 0.02))]);
        RunReport full = Create();
        return full with
        {
            Task = new(
                [], 240, [new("teacher", Measure(0.96, 0.99, 0.98, 0.97), null), new("student", Measure(0.83, 0.95, 0.9, 0.91), Measure(0.84, 0.95, 0.91, 0.92)), new("twin", Measure(0.41, 0.7, 0.6, 0.65), Measure(0.42, 0.7, 0.6, 0.66))],
                full.Results.Student.Mean.Calibration!, "gold", 19,
                [new("mood", "surprised", 21, 0.52, 0.32, 0.72, 0.2, 0.95), new("length", "402 to 611 tokens", 60, 0.7, 0.57, 0.8, 0.3, 0.96)],
                new(0.95, 0.71, 100, 240, 0.78, 0.957, 0.922, 0.955, 0.0012, 90_210)),
        };
    }

    static Scores Scores(Random random, double crossEntropy, double? kl, double? agreement, double error, double[] gold)
    {
        CalibrationBin[] bins =
        [
            .. Enumerable.Range(0, 15).Select(b =>
            {
                double middle = (b + 0.5) / 15;
                return new CalibrationBin(b / 15.0, (b + 1) / 15.0, b == 0 ? 0 : 400 + (60L * b * b), middle, Math.Clamp(middle - (error * 1.4) + ((random.NextDouble() - 0.5) * 0.02), 0, 1));
            }),
        ];
        return new Scores(crossEntropy, kl, agreement, new Calibration(error, bins), [.. gold.Select((g, i) => new GoldScore(Kinds[i], Math.Round(g + ((random.NextDouble() - 0.5) * 0.02), 4), 100))]);
    }

    static CurvePoint[] Curve(Random random, double end, double scale) =>
    [
        .. Enumerable.Range(0, 41).Select(i =>
        {
            double fall = Math.Exp(-i / 7.0) * 4.6, noise = (random.NextDouble() - 0.5) * 0.12;
            return new CurvePoint(i * 30_108L, scale * (end + fall + noise), i % 2 == 0 ? end + fall + (noise * 0.15) : null);
        }),
    ];
}
