using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>Everything a run measured, as report.json holds it; report.html and the terminal summary show nothing else.</summary>
/// <param name="Teacher">Null when the run trained on text alone, without a teacher.</param>
/// <param name="Signal">What was kept of the teacher's distribution; null without a teacher.</param>
/// <param name="Verdict">Null without a teacher, where there is nothing to judge.</param>
/// <param name="Comparisons">Student against twin, one a metric; the verdict rests on one of them.</param>
public sealed record RunReport(
    RunIdentity Run,
    Verdict? Verdict,
    ModelFacts? Teacher,
    ModelFacts Student,
    DataFacts Data,
    SignalFacts? Signal,
    RunResults Results,
    IReadOnlyList<PairedComparison> Comparisons,
    IReadOnlyList<SeedCurves> Curves,
    ValidationFacts Validation,
    RateSearch? RateSearch,
    ComputeFacts Compute,
    SpeedFacts? Speed,
    CostFacts? Cost,
    IReadOnlyList<AnswerSample> Samples,
    IReadOnlyList<StepTime> Steps,
    IReadOnlyList<string> Warnings)
{
    /// <summary>Version of the file's layout.</summary>
    public int Format { get; init; } = 1;

    /// <summary>The first seed's student in the formats it can be shipped in.</summary>
    public IReadOnlyList<FormatFacts> Formats { get; init; } = [];

    /// <summary>Null where the teacher was not asked but read from disk, or there is none.</summary>
    public AskedFacts? Asked { get; init; }

    /// <summary>Which of its answers were trained on; null where none was asked.</summary>
    public AdmissionFacts? Admission { get; init; }

    /// <summary>Null where the results are measured on the teacher's own answers, or none was asked.</summary>
    public TeacherAnswers? TeacherAnswers { get; init; }

    /// <summary>Null where the recipe has no one task.</summary>
    public TaskFacts? Task { get; init; }
}

/// <summary>What a format of the weights costs.</summary>
/// <param name="Name">f32, bf16, q8_0 or q4_0.</param>
/// <param name="Bytes">Of all matrices.</param>
/// <param name="CrossEntropy">Nats per token of held-out documents, read in that format.</param>
/// <param name="Decode">Tokens a second of one text.</param>
public sealed record FormatFacts(string Name, long Bytes, double CrossEntropy, double Decode)
{
    /// <summary>exp(cross entropy).</summary>
    public double Perplexity => Math.Exp(CrossEntropy);
}

/// <param name="RecipeHash">SHA-256 of the resolved recipe, hexadecimal.</param>
/// <param name="VectorPath">The path of the kernels, such as "AVX-512": runs agree to the bit only on the same one.</param>
/// <param name="Versions">Of Retort, of .NET, of the operating system.</param>
public sealed record RunIdentity(
    string Name,
    DateTimeOffset Date,
    IReadOnlyList<long> Seeds,
    string RecipeHash,
    string VectorPath,
    int Threads,
    string Cpu,
    IReadOnlyDictionary<string, string> Versions);

/// <param name="Reference">The model reference it was named by.</param>
/// <param name="Shape">Its shape in words: "8 layers, 192 wide, 6 heads, vocabulary 2,048".</param>
/// <param name="Parameters">Null where nobody says.</param>
/// <param name="Bytes">Of its weights on disk; null where they are not at hand.</param>
public sealed record ModelFacts(string Reference, string Shape, long? Parameters, long? Bytes);

/// <param name="Source">Where the text came from.</param>
/// <param name="TeacherTextOnly">The teacher's own samples are the only text, held-out text included.</param>
public sealed record DataFacts(string Source, long Documents, long Tokens, long HeldOutDocuments, long HeldOutTokens, bool TeacherTextOnly);

/// <param name="Kind">"dense logits, live", "top-k, stored" or "text".</param>
/// <param name="K">Kept tokens a position; null where all or none are kept.</param>
/// <param name="Tail">What was done with the probability outside the top k; null where nothing was cut.</param>
public sealed record SignalFacts(string Kind, int? K, double BytesPerToken, string? Tail)
{
    /// <summary>How far the student's tokens met those of an asked teacher; null where the teacher's tokens are the student's own.</summary>
    public SignalAlignment? Alignment { get; init; }
}

/// <param name="Teacher">Null without a teacher.</param>
/// <param name="Twin">Null when no twin was trained.</param>
public sealed record RunResults(Scores? Teacher, SeededScores Student, SeededScores? Twin);

/// <summary>A model scored on the held-out text and the gold tasks.</summary>
/// <param name="CrossEntropy">Nats per token.</param>
/// <param name="ForwardKl">KL(teacher ‖ model), nats per token; null without a teacher and for the teacher itself.</param>
/// <param name="TopAgreement">Share of positions where the most likely token is the teacher's.</param>
/// <param name="Calibration">Null when not measured.</param>
/// <param name="Gold">By kind of task, in the order they are shown.</param>
public sealed record Scores(double CrossEntropy, double? ForwardKl, double? TopAgreement, Calibration? Calibration, IReadOnlyList<GoldScore> Gold)
{
    /// <summary>exp(cross entropy).</summary>
    public double Perplexity => Math.Exp(CrossEntropy);

    /// <summary>Mean over all gold items; null without any.</summary>
    public double? GoldMean => Gold.Count == 0 ? null : Gold.Sum(g => g.Score * g.Items) / Gold.Sum(g => g.Items);
}

/// <param name="Score">Mean score in [0, 1].</param>
public sealed record GoldScore(string Kind, double Score, int Items);

public sealed record SeedScores(long Seed, Scores Scores);

/// <summary>One model a seed, and their mean: cross entropy is averaged, perplexity is the exponential of that average, calibration bins are pooled.</summary>
public sealed record SeededScores(Scores Mean, IReadOnlyList<SeedScores> Seeds)
{
    /// <param name="seeds">At least one, all scored on the same text and tasks.</param>
    public static SeededScores Of(IReadOnlyList<SeedScores> seeds)
    {
        ArgumentOutOfRangeException.ThrowIfZero(seeds.Count);
        Scores[] all = [.. seeds.Select(s => s.Scores)];
        Calibration[] calibrations = [.. all.Select(s => s.Calibration).OfType<Calibration>()];
        GoldScore[] gold = [.. all[0].Gold.Select((g, i) => g with { Score = all.Average(s => s.Gold[i].Score) })];
        Scores mean = new(
            all.Average(s => s.CrossEntropy),
            all.Average(s => s.ForwardKl),
            all.Average(s => s.TopAgreement),
            calibrations.Length == 0 ? null : ExpectedCalibrationError.Pool(calibrations),
            gold);
        return new SeededScores(mean, seeds);
    }
}

/// <param name="Twin">Empty when no twin was trained.</param>
/// <param name="TwinEqualCompute">Of the twin that trained longer; empty when there is none.</param>
public sealed record SeedCurves(long Seed, IReadOnlyList<CurvePoint> Student, IReadOnlyList<CurvePoint> Twin, IReadOnlyList<CurvePoint> TwinEqualCompute);

/// <param name="Tokens">Training tokens seen.</param>
/// <param name="TrainLoss">The model's own objective: the student's and the twin's are different losses.</param>
/// <param name="HeldOut">Cross entropy on the validation rows, nats per token; null where it was not measured.</param>
public sealed record CurvePoint(long Tokens, double TrainLoss, double? HeldOut);

/// <summary>What the curves' held-out points were measured on: few rows, the same for every model, and not those of the results.</summary>
/// <param name="Teacher">The teacher's cross entropy on them, nats per token; null without a teacher.</param>
public sealed record ValidationFacts(int Rows, long Tokens, double? Teacher);

/// <summary>The same search for student and twin.</summary>
public sealed record RateSearch(IReadOnlyList<RateTrial> Trials, double StudentRate, double? TwinRate);

/// <param name="Student">Held-out cross entropy after the trial, nats per token; null when it diverged or was not tried.</param>
public sealed record RateTrial(double Rate, double? Student, double? Twin);

/// <summary>Arithmetic of one seed's training, in floating-point operations, as <see cref="TrainingCompute"/> counts it.</summary>
/// <param name="Tokens">Counted training tokens of student and twin alike.</param>
/// <param name="TeacherFlops">Spent on teacher answers, signals and sampled text, this seed's share of work done once for all seeds; null without a teacher.</param>
/// <param name="Equal">Null when no second twin was trained.</param>
public sealed record ComputeFacts(long Tokens, double StudentFlops, double? TwinFlops, double? TeacherFlops, EqualCompute? Equal)
{
    /// <summary>Student and teacher together over the student alone: how much longer a twin trains at equal compute.</summary>
    public double Factor => new TrainingCompute(StudentFlops, TeacherFlops ?? 0).Factor;
}

/// <summary>The twin given as many more tokens as the teacher's share would have bought.</summary>
/// <param name="TwinTokens">Its counted training tokens.</param>
/// <param name="Comparisons">Student against that twin, in the order of the report's own comparisons; empty with a single seed.</param>
public sealed record EqualCompute(long TwinTokens, double TwinFlops, SeededScores Twin, IReadOnlyList<PairedComparison> Comparisons);

/// <summary>Measured in turn on the same machine, medians.</summary>
/// <param name="PromptTokens">Length of the prompt measured.</param>
/// <param name="DecodeTokens">Tokens generated after it.</param>
public sealed record SpeedFacts(int PromptTokens, int DecodeTokens, ModelSpeed Student, ModelSpeed? Teacher);

/// <param name="Prompt">Prompt tokens per second.</param>
/// <param name="Decode">Generated tokens per second.</param>
public sealed record ModelSpeed(double Prompt, double Decode);

/// <param name="Prompt">Shown to all.</param>
/// <param name="Gold">The right answer, where there is one.</param>
public sealed record AnswerSample(string Prompt, string? Teacher, string Student, string? Twin, string? Gold);

public sealed record StepTime(string Step, double Seconds);
