using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>
/// The held-out points of a loss curve: cross entropy on a few validation rows, the same ones for every model and seed of a run. They are
/// never trained on and are not the rows the verdict rests on; it only reads the weights, so what is trained does not depend on it.
/// </summary>
public sealed class ValidationLoss
{
    const int L = MatMul.L;
    const int MostBatch = 4;
    const int MostPoints = 10;

    /// <summary>Forward passes it may take, as a share of the arithmetic of training, where a row costs three.</summary>
    const double Share = 0.03;

    readonly Dataset _rows;
    readonly int _batch;
    readonly Workers _workers;
    readonly LlamaActivations _a;
    readonly LlamaHead _head;
    readonly int[] _tokens;
    readonly int[] _starts;

    /// <param name="config">Shape of the models it will measure.</param>
    /// <param name="rows">What they are measured on.</param>
    /// <param name="points">How often along a training.</param>
    public ValidationLoss(LlamaConfig config, Dataset rows, int points, Workers workers)
    {
        int batches = (rows.Rows + MostBatch - 1) / MostBatch, blocks = rows.Length / L;
        _rows = rows;
        _batch = (rows.Rows + batches - 1) / batches;
        _workers = workers;
        _a = new(config, _batch, blocks, workers, keep: false);
        _head = new(config, _a.Blocks, workers, teacher: false);
        _tokens = new int[_batch * rows.Length];
        _starts = new int[_tokens.Length];
        _a.Starts = _starts;
        Points = points;
    }

    public int Points { get; }

    /// <summary>As many rows, spread over the validation rows, and as many points as a training of that length pays for; at least one of each.</summary>
    /// <param name="trained">Rows a model is trained on, with repetition.</param>
    public static (Dataset Rows, int Points) Fit(Dataset validation, long trained)
    {
        double passes = Share * 3 * trained;
        int length = validation.Length;
        int[] counted = [.. Enumerable.Range(0, validation.Rows).Where(r => validation.Mask.AsSpan(r * length, length).ContainsAnyExcept(0f))];
        int rows = (int)Math.Clamp(passes / MostPoints, 1, counted.Length);
        int[] chosen = [.. Enumerable.Range(0, rows).Select(i => counted[(int)((long)i * counted.Length / rows)])];
        T[] Rows<T>(T[] all) => [.. chosen.SelectMany(r => all[(r * length)..((r + 1) * length)])];
        return (new Dataset(Rows(validation.Tokens), Rows(validation.Targets), Rows(validation.Mask), Rows(validation.Starts), rows, length, validation.Documents, 0), (int)Math.Clamp(passes / rows, 1, MostPoints));
    }

    /// <summary>Whether a training measures after this step, counted from 0: evenly spaced, the last one always.</summary>
    public bool IsDue(int step, int steps) => (step + 1L) * Points / steps != (long)step * Points / steps;

    /// <summary>Mean cross entropy, nats per counted token.</summary>
    public double Measure(LlamaWeights model) => Measure(new StudentWeights.Full(model));

    /// <inheritdoc cref="Measure(LlamaWeights)"/>
    public double Measure(StudentWeights student)
    {
        LlamaParts model = student.Parts;
        _a.Lora = student is StudentWeights.Adapted adapted ? new(adapted.Adapter, _a, _workers) : null;
        int length = _rows.Length, vocabulary = model.Config.Vocabulary;
        float[] losses = new float[_tokens.Length], ones = [.. Enumerable.Repeat(1f, L)];
        double sum = 0;
        for (int row = 0; row < _rows.Rows; row += _batch)
        {
            int at = row * length, tokens = Math.Min(_tokens.Length, (_rows.Rows - row) * length);
            Array.Clear(_tokens);
            Array.Clear(_starts);
            _rows.Starts.AsSpan(at, tokens).CopyTo(_starts);
            _rows.Tokens.AsSpan(at, tokens).CopyTo(_tokens);
            LlamaForward.Run(model, _a, _tokens, _workers);
            Array.Clear(losses);
            _head.Run(
                model, _a, null, null, null, block => block * L < tokens && _rows.Mask.AsSpan(at + (block * L), L).ContainsAnyExcept(0f),
                (block, z, _) => CrossEntropy.LossAndGradient(losses.AsSpan(block * L, L), z, _rows.Targets.AsSpan(at + (block * L), L), ones, vocabulary), _workers);
            for (int i = 0; i < tokens; i++)
            {
                sum += (double)losses[i] * _rows.Mask[at + i];
            }
        }

        return sum / Math.Max(1, _rows.Counted);
    }
}
