using Retort.Evidence.Statistics;
using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>How one model did on the rows of a held-out set.</summary>
/// <param name="CrossEntropy">Nats per token of each row.</param>
/// <param name="ForwardKl">KL(teacher ‖ model) of each row, nats per token; null without a teacher.</param>
/// <param name="Agreement">Share of each row's positions where the most likely token is the teacher's; null without a teacher.</param>
/// <param name="Tokens">Counted tokens of each row.</param>
public sealed record RowScores(double[] CrossEntropy, double[]? ForwardKl, double[]? Agreement, double[] Tokens, Calibration Calibration)
{
    public double Mean(double[] values)
    {
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            sum += values[i] * Tokens[i];
        }

        return sum / Tokens.Sum();
    }
}

/// <summary>Scores several models of one shape on the same rows, the teacher's forward pass shared among them.</summary>
public static class Evaluation
{
    const int L = MatMul.L;
    const int Batch = 4;

    /// <param name="done">Told how many rows are scored.</param>
    public static IReadOnlyList<RowScores> Score(IReadOnlyList<LlamaWeights> models, LlamaWeights? teacher, Dataset data, Workers workers, CancellationToken stop, Action<int>? done = null)
    {
        LlamaConfig c = models[0].Config;
        if (teacher is not null && teacher.Config.Vocabulary != c.Vocabulary)
        {
            throw new ArgumentException($"Evaluation: the teacher knows {teacher.Config.Vocabulary} tokens, the models {c.Vocabulary}.", nameof(teacher));
        }

        int blocks = data.Length / L, v = c.Vocabulary;
        LlamaActivations a = new(c, Batch, blocks, workers, keep: false);
        LlamaActivations? t = teacher is null ? null : new(teacher.Config, Batch, blocks, workers, keep: false);
        LlamaHead head = new(c, a.Blocks, workers, teacher is not null);
        Tally[] tallies = [.. models.Select(_ => new Tally(data.Rows))];
        int[] tokens = new int[Batch * data.Length], starts = new int[Batch * data.Length];
        a.Starts = starts;
        t?.Starts = starts;
        for (int row = 0; row < data.Rows; row += Batch)
        {
            stop.ThrowIfCancellationRequested();
            int rows = Math.Min(Batch, data.Rows - row), first = row;
            Array.Clear(tokens);
            data.Tokens.AsSpan(row * data.Length, rows * data.Length).CopyTo(tokens);
            Array.Clear(starts);
            data.Starts.AsSpan(row * data.Length, rows * data.Length).CopyTo(starts);
            if (teacher is not null)
            {
                LlamaForward.Run(teacher, t!, tokens, workers);
            }

            for (int m = 0; m < models.Count; m++)
            {
                Tally tally = tallies[m];
                TokenScore[] scores = new TokenScore[rows * data.Length];
                LlamaForward.Run(models[m], a, tokens, workers);
                head.Run(models[m], a, null, null, teacher is null ? null : (teacher, t!), block => block < rows * blocks && data.Mask.AsSpan((first * data.Length) + (block * L), L).ContainsAnyExcept(0f), (block, z, u) =>
                {
                    int at = (first * data.Length) + (block * L);
                    Judgement.Judge(scores.AsSpan(block * L, L), z, u, data.Targets.AsSpan(at, L), v);
                }, workers);
                for (int i = 0; i < scores.Length; i++)
                {
                    if (data.Mask[(first * data.Length) + i] != 0)
                    {
                        tally.Add(first + (i / data.Length), scores[i]);
                    }
                }
            }

            done?.Invoke(row + rows);
        }

        return [.. tallies.Select(x => x.Result(teacher is not null))];
    }

    sealed class Tally(int rows)
    {
        readonly double[] _loss = new double[rows], _kl = new double[rows], _agree = new double[rows], _tokens = new double[rows];
        readonly ExpectedCalibrationError _calibration = new();

        public void Add(int row, TokenScore s)
        {
            _loss[row] += s.Loss;
            _kl[row] += s.ForwardKl;
            _agree[row] += s.Agrees ? 1 : 0;
            _tokens[row]++;
            _calibration.Add(s.Confidence, s.Correct);
        }

        public RowScores Result(bool teacher)
        {
            double[] Mean(double[] sums) => [.. sums.Select((x, i) => _tokens[i] > 0 ? x / _tokens[i] : 0)];
            return new(Mean(_loss), teacher ? Mean(_kl) : null, teacher ? Mean(_agree) : null, _tokens, _calibration.Result());
        }
    }
}
