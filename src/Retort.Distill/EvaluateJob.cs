using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <param name="Text">A plain text file; null where prompts are given.</param>
/// <param name="Prompts">JSON lines of prompt and answer; null where text is given.</param>
/// <param name="Context">Tokens a row; null takes the model's, at most 512.</param>
public sealed record EvaluateOptions(string Model, string? Teacher, string? Tokenizer, string? Text, string? Prompts, int? Context, int Threads);

/// <summary>How a model did on a file. Entropies are nats per token, shares lie in [0, 1]; what needs a teacher is null without one.</summary>
/// <param name="Bytes">Of the weights on disk.</param>
/// <param name="Cut">Documents that were longer than a row and were cut.</param>
/// <param name="CalibrationError">Expected calibration error over 15 bins.</param>
/// <param name="ForwardKl">KL(teacher ‖ model).</param>
/// <param name="TopAgreement">Share of tokens where both models' most likely next token is the same.</param>
public sealed record EvaluateResult(
    string Model, long Parameters, long Bytes, string? Teacher, string Source, int Context, int Rows, long Tokens, int Cut,
    double CrossEntropy, double Perplexity, double CalibrationError, double? ForwardKl, double? TopAgreement, double? TeacherCrossEntropy);

/// <summary>
/// Scores a model on a file, beside a teacher where one is named:
/// <list type="number">
/// <item>open the models and check that they speak the same tokens</item>
/// <item>lay the text into rows</item>
/// <item>score</item>
/// </list>
/// </summary>
public static class EvaluateJob
{
    const int L = MatMul.L, LongestDefault = 512;

    /// <exception cref="UserError">A model or file is at fault, or there is nothing to score.</exception>
    public static EvaluateResult Run(EvaluateOptions options, Action<RunProgress> progress, CancellationToken stop)
    {
        // 1
        (OpenModel model, Tokenizer tokenizer) = Open(options.Model, options.Tokenizer);
        OpenModel? teacher = options.Teacher is { } reference ? OpenTeacher(reference, options, tokenizer, model) : null;

        // 2
        int length = Length(options.Context, Math.Min(model.Weights.Config.Context, teacher?.Weights.Config.Context ?? int.MaxValue), options.Model);
        string source = options.Text ?? options.Prompts ?? throw new ArgumentException("EvaluateJob.Run: neither text nor prompts.", nameof(options));
        Dataset data = options.Text is not null ? Windows(TextFile.Read(source), tokenizer, length, source) : Dataset.Pack(Corpus.ReadPrompts(source), tokenizer, length, maskPrompts: true, source);

        // 3
        using Workers workers = new(options.Threads);
        double models = teacher is null ? 1 : 2, before = 0;
        void Show(int rows) => progress(new("evaluate", (before + ((double)rows / data.Rows)) / models, $"row {rows:n0} of {data.Rows:n0}"));
        RowScores scores = Evaluation.Score([model.Weights], teacher?.Weights, data, workers, stop, Show)[0];
        before = 1;
        RowScores? own = teacher is null ? null : Evaluation.Score([teacher.Weights], null, data, workers, stop, Show)[0];
        double loss = scores.Mean(scores.CrossEntropy);
        return new(
            options.Model, model.Weights.Config.Parameters, model.Bytes, options.Teacher, source, length, data.Rows, data.Counted, data.Cut,
            loss, Math.Exp(loss), scores.Calibration.Error, scores.ForwardKl is { } kl ? scores.Mean(kl) : null, scores.Agreement is { } agreement ? scores.Mean(agreement) : null, own?.Mean(own.CrossEntropy));
    }

    static (OpenModel Model, Tokenizer Tokenizer) Open(string reference, string? tokenizer)
    {
        OpenModel model = ModelReference.Open(reference, tokenizer);
        if (model.TokenizerPath is null)
        {
            throw new UserError("there is no tokenizer beside the model", reference, "Put its tokenizer.json or tok*.bin beside it, or name one with --tokenizer FILE.");
        }

        Tokenizer opened = Tokenizer.Open(model.TokenizerPath);
        return opened.VocabularySize <= model.Weights.Config.Vocabulary ? (model, opened)
            : throw new UserError($"the tokenizer knows {opened.VocabularySize} tokens and the model {model.Weights.Config.Vocabulary}", model.TokenizerPath, "Name the model's own tokenizer with --tokenizer FILE.");
    }

    static OpenModel OpenTeacher(string reference, EvaluateOptions options, Tokenizer tokenizer, OpenModel model)
    {
        OpenModel teacher = ModelReference.Open(reference, options.Tokenizer);
        if (teacher.TokenizerPath is { } path && Tokenizer.FirstDifference(Tokenizer.Open(path), tokenizer) is { } d)
        {
            throw new UserError($"teacher and model have different vocabularies: {d.Tell("the teacher", "the model")}", reference, "Compare models of one vocabulary.");
        }

        return teacher.Weights.Config.Vocabulary == model.Weights.Config.Vocabulary ? teacher
            : throw new UserError($"the teacher's head has {teacher.Weights.Config.Vocabulary} rows, the model's {model.Weights.Config.Vocabulary}", reference, "Compare models of one vocabulary.");
    }

    static int Length(int? asked, int longest, string model)
    {
        int length = asked ?? Math.Min(longest, LongestDefault) / L * L;
        return length > longest || length < L ? throw new UserError($"rows of {Math.Max(length, L)} tokens are longer than the model's context of {longest}", asked is null ? model : "--context", asked is null ? $"A context of at least {L} tokens is needed." : "Give fewer.")
            : length % L != 0 ? throw new UserError($"{length} is not a multiple of {L}", "--context", $"Give {Math.Max(L, length / L * L)}, for example.")
            : length;
    }

    /// <summary>The whole text in windows that do not overlap, each token scored once; a window begins with the begin token where there is one.</summary>
    static Dataset Windows(string text, Tokenizer tokenizer, int length, string source)
    {
        int[] ids = tokenizer.Encode(text, addSpecial: false);
        int? begin = tokenizer.BeginToken;
        int[] stream = begin is { } b ? [b, .. ids] : ids;
        int counted = stream.Length - 1, rows = (counted + length - 1) / length;
        if (counted < 1)
        {
            throw new UserError("there are no tokens to score", source, "Give a file with some text.");
        }

        int[] tokens = new int[rows * length], targets = new int[rows * length];
        float[] mask = new float[rows * length];
        for (int i = 0; i < counted; i++)
        {
            tokens[i] = i % length == 0 && begin is { } again ? again : stream[i];
            targets[i] = stream[i + 1];
            mask[i] = 1f;
        }

        return new(tokens, targets, mask, new int[tokens.Length], rows, length, 1, 0);
    }
}
