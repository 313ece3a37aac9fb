using Retort.Asking;
using Retort.Evidence.Terms;
using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>A recipe as it was validated. Paths are absolute.</summary>
/// <param name="Name">Name of the run and of its default folder.</param>
/// <param name="Teacher">Model reference; null trains on the text alone.</param>
/// <param name="Ask">How the teacher is asked where it is an endpoint; null where it is read from disk, or there is none.</param>
/// <param name="TeacherTokenizer">A tokenizer that goes before the one beside the teacher; beside an endpoint, the one its answers are written in and a student from nothing takes.</param>
/// <param name="Terms">The entries of the register said to apply to what is read from disk.</param>
/// <param name="Admit">Which answers of an asked teacher are trained on.</param>
/// <param name="Twin">Null trains none.</param>
public sealed record Recipe(
    string Name,
    string? Teacher,
    AskRecipe? Ask,
    string? TeacherTokenizer,
    DeclaredTerms Terms,
    AdmitRecipe Admit,
    StudentRecipe Student,
    DataRecipe Data,
    LossWeights Loss,
    SignalRecipe Signal,
    TrainRecipe Train,
    TwinRecipe? Twin,
    EvaluateRecipe Evaluate,
    ExportRecipe Export)
{
    /// <summary>The one task that teacher and student are for; null where answers are any text.</summary>
    public TaskRecipe? Task { get; init; }

    /// <summary>The teacher where its weights are at hand: it can score any text.</summary>
    public string? TeacherOnDisk => Ask is null ? Teacher : null;
}

/// <summary>What the student is born as.</summary>
public abstract record StudentRecipe
{
    StudentRecipe()
    {
    }

    /// <summary>From nothing; vocabulary and context come from the tokenizer and <c>train.context</c>.</summary>
    /// <param name="TrainTokenizer">Size of a byte-level BPE to train on the text; null takes the teacher's.</param>
    public sealed record Shape(int Hidden, int Layers, int Heads, int KeyValueHeads, int HeadSize, int FeedForward, LlamaFamily Family, bool TiedHead, int? TrainTokenizer) : StudentRecipe;

    /// <summary>A copy of chosen layers of the teacher, its embedding, norms and head.</summary>
    public sealed record TeacherLayers(IReadOnlyList<int> Layers) : StudentRecipe;

    /// <summary>Any model folder of the teacher's vocabulary.</summary>
    /// <param name="Lora">Null trains all of its weights.</param>
    public sealed record From(string Reference, LoraRecipe? Lora = null) : StudentRecipe;
}

/// <param name="Sample">Name of a bundled generator, or null.</param>
/// <param name="Text">Text files, one document a paragraph block separated by a line "&lt;|end|&gt;" or the whole file, or null.</param>
/// <param name="Prompts">JSONL files of prompt and answer, or null.</param>
/// <param name="TeacherSamples">Texts to sample from the teacher, or null: the run then measures fidelity only.</param>
/// <param name="Documents">Training documents.</param>
/// <param name="HeldOut">Documents never trained on: the test.</param>
/// <param name="Validation">Documents never trained on, for the learning-rate search.</param>
public sealed record DataRecipe(
    string? Sample, IReadOnlyList<string>? Text, IReadOnlyList<string>? Prompts, int? TeacherSamples, double SampleTemperature, int Documents, int HeldOut, int Validation, ulong Seed, bool MaskPrompts);

/// <param name="Kind">"live", "top_k" or "text".</param>
/// <param name="Faulty">What is done where an asked teacher's probabilities do not hold: "refuse" to train, or learn those answers as "text".</param>
public sealed record SignalRecipe(string Kind, int K, TailHandling Tail, string Faulty);

/// <param name="Tokens">Counted tokens a run sees, about: whole steps.</param>
/// <param name="Rows">Rows of a micro-batch.</param>
/// <param name="Context">Tokens of a row, a multiple of 32.</param>
/// <param name="Rates">Peak learning rates; with more than one the best on validation text is taken, for student and twin alike.</param>
/// <param name="OnPolicy">Null trains on the corpus alone.</param>
/// <param name="Checkpointing">Keep each layer's input and compute the rest again in the backward pass: less memory, more time, the same bits.</param>
/// <param name="SearchShare">Share of the budget each trial of the search gets.</param>
public sealed record TrainRecipe(
    long Tokens, int Rows, int Accumulate, int Context, IReadOnlyList<double> Rates, double SearchShare, IReadOnlyList<long> Seeds, Schedule Schedule, OptimizerOptions Optimizer, OnPolicyRecipe? OnPolicy,
    bool Checkpointing, double CheckpointSeconds, int Threads);

/// <param name="Share">Share of the micro-batches that the student writes itself and the teacher scores.</param>
/// <param name="MaxTokens">Longest answer it writes.</param>
public sealed record OnPolicyRecipe(double Share, int MaxTokens, double Temperature);

/// <summary>The student trained without the teacher. Where the teacher wrote the text, it learns from the prompts' gold answers, or from other text.</summary>
/// <param name="EqualCompute">Train a second one, longer by what the teacher's arithmetic would have bought.</param>
/// <param name="Prompts">JSONL files of prompt and answer that no teacher wrote; null for the gold answers.</param>
/// <param name="Text">Text files that no teacher wrote.</param>
public sealed record TwinRecipe(bool EqualCompute, IReadOnlyList<string>? Prompts = null, IReadOnlyList<string>? Text = null);

/// <param name="GoldItems">Held-out tasks answered by every model.</param>
/// <param name="MaxTokens">Longest answer.</param>
/// <param name="Metric">"text" or "gold": what the verdict rests on.</param>
public sealed record EvaluateRecipe(int GoldItems, int MaxTokens, int Samples, string Metric, double PricePerCoreHour, string Currency);

/// <param name="Type">"f32", "f16" or "bf16".</param>
/// <param name="Name">What others will call the model.</param>
/// <param name="Notices">A file of notices to ship beside it; null for those its terms ask for alone.</param>
/// <param name="Licences">Files of licences to ship beside it.</param>
public sealed record ExportRecipe(string Type, string Name, string? Notices, IReadOnlyList<string> Licences);
