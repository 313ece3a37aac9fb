using Retort.Distill;
using Retort.Kernels;
using Retort.Model;
using Retort.Model.Llama;

namespace Retort.Tests.Distill;

/// <summary>The gradient of an optimizer step, however its rows are split into micro-batches (error: max|difference| / max|reference| of the tensor).</summary>
public class MicroBatchTests
{
    const int Rows = 8;
    const double Tolerance = 1e-6;

    public static TheoryData<string, LossWeights> Losses => new()
    {
        { "text", new(1, 0, 0, 0, 0.5f, 1) },
        { "live", new(0, 1, 0, 0, 0.5f, 1) },
        { "live", new(0, 1, 0, 0, 0.5f, 2) },
        { "live", new(0, 0, 1, 0, 0.5f, 1) },
        { "live", new(0, 0, 1, 0, 0.5f, 2) },
        { "live", new(0, 0, 0, 1, 0.1f, 1) },
        { "live", new(0, 0, 0, 1, 0.5f, 2) },
        { "live", new(0, 0, 0, 1, 0.9f, 1) },
        { "live", new(0.2f, 0.3f, 0.1f, 0.4f, 0.5f, 2) },
        { "bucket", new(0, 1, 0, 0, 0.5f, 1) },
        { "renormalize", new(0.2f, 0.8f, 0, 0, 0.5f, 2) },
        { "sample", new(0.5f, 0.5f, 0, 0, 0.5f, 1) },
    };

    /// <summary>TRL #6006: under accumulation GKD, GOLD and distillation divided by the tokens of each micro-batch, so that rows with few tokens
    /// weighed as much as full ones. Here the step has one denominator.</summary>
    [Theory]
    [MemberData(nameof(Losses))]
    public void TheSplitDoesNotChangeTheGradient(string kind, LossWeights loss)
    {
        Dataset data = Ragged(Rows, 3);
        using Workers workers = new(2);
        TeacherSignal signal = Signal(kind, loss, data, workers);
        foreach (LlamaFamily family in Enum.GetValues<LlamaFamily>())
        {
            LlamaConfig config = TrainerTests.Student with { Family = family, AttentionBias = family == LlamaFamily.Qwen2, TiedHead = family != LlamaFamily.Qwen3 };
            LlamaWeights student = Loud(config, 2);
            (LlamaWeights whole, double mean) = Gradient(student, data, signal, loss, Rows, workers);
            foreach (int rows in new[] { 4, 2, 1 })
            {
                (LlamaWeights split, double splitMean) = Gradient(student, data, signal, loss, rows, workers);
                Assert.Equal(mean, splitMean, 1e-6 * mean);
                foreach ((WeightSlice a, WeightSlice b) in whole.Slices().Zip(split.Slices()))
                {
                    double most = 0, difference = 0;
                    for (int i = 0; i < a.Length; i++)
                    {
                        most = Math.Max(most, Math.Abs(a.Span[i]));
                        difference = Math.Max(difference, Math.Abs((double)a.Span[i] - b.Span[i]));
                    }

                    // A table that is embedding and head at once is added to by both, in an order that depends on the batch; all else is exact.
                    double allowed = config.TiedHead && a.Name == student.Embedding.Name ? Tolerance * most : 0;
                    Assert.True(most > 0 && difference <= allowed, $"{family}, {rows} rows, {a.Name}: error {difference / most:g3}");
                }
            }
        }
    }

    static (LlamaWeights Gradient, double Mean) Gradient(LlamaWeights student, Dataset data, TeacherSignal signal, LossWeights loss, int rows, Workers workers)
    {
        LlamaWeights gradient = new(student.Config);
        TrainOptions options = TrainerTests.Options(1, rows, Rows / rows) with { Loss = loss };
        (double sum, long counted) = new Trainer(student.Config, data, signal, rows, workers).AddGradient(student, gradient, options, 0);
        Assert.Equal(data.Counted, counted);
        return (gradient, sum / counted);
    }

    internal static TeacherSignal Signal(string kind, LossWeights loss, Dataset data, Workers workers)
    {
        if (kind == "text")
        {
            return new TeacherSignal.Text();
        }

        LlamaWeights teacher = Loud(TrainerTests.Teacher, 9);
        if (kind == "live")
        {
            return new TeacherSignal.Dense(teacher);
        }

        TailHandling tail = Enum.GetValues<TailHandling>().Single(t => TailNames.Of(t) == kind);
        SignalHeader header = SignalFile.Describe("t", "k", data, teacher.Config.Vocabulary, 6, loss.Temperature, tail);
        return new TeacherSignal.Sparse(SignalFile.Compute(teacher, header, data, tail, 1, workers, _ => { }, default));
    }

    /// <summary>Rows of random tokens that count one, a few or all of them.</summary>
    internal static Dataset Ragged(int rows, ulong seed, int length = 64)
    {
        RandomStream random = new(seed);
        int[] tokens = [.. Enumerable.Range(0, rows * length).Select(_ => random.NextInt(TrainerTests.Student.Vocabulary))], targets = [.. tokens.Skip(1), 0];
        float[] mask = [.. Enumerable.Range(0, rows * length).Select(i => i % length <= i / length * 41 % length && i % 11 != 3 ? 1f : 0f)];
        return new(tokens, targets, mask, new int[tokens.Length], rows, length, rows, 0);
    }

    /// <summary>A model whose distributions are far from flat.</summary>
    internal static LlamaWeights Loud(LlamaConfig config, ulong seed)
    {
        LlamaWeights weights = TrainerTests.Model(config, seed);
        foreach (WeightSlice slice in weights.Slices().Where(s => s.Shape.Count == 2))
        {
            foreach (ref float x in slice.Span)
            {
                x *= 8;
            }
        }

        return weights;
    }
}
