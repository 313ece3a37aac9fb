using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Tests.Kernels;

namespace Retort.Tests.Distill;

/// <summary>Faults of losses, denominators and memory that TRL, the most used trainer, had and mended; none may happen here.</summary>
public class KnownLossBugTests
{
    const int L = MatMul.L;

    static readonly LossWeights s_text = new(1, 0, 0, 0, 0.5f, 1);

    public static TheoryData<float, float> Betas()
    {
        TheoryData<float, float> betas = [];
        foreach (float beta in new[] { 0.001f, 0.1f, 0.25f, 0.5f, 0.75f, 0.9f, 0.999f })
        {
            betas.Add(beta, 1f);
            betas.Add(beta, 2f);
        }

        return betas;
    }

    public static TheoryData<LossWeights> Objectives => [s_text, new LossWeights(0, 1, 0, 0, 0.5f, 2), new LossWeights(0, 0, 1, 0, 0.5f, 1), new LossWeights(0, 0, 0, 1, 0.3f, 2), new LossWeights(0.2f, 0.8f, 0, 0, 0.5f, 1)];

    /// <summary>TRL #4105: "batchmean" divided by the number of sequences, so that the loss grew with their length. Here it is the mean over the
    /// tokens that count, whatever the rows' lengths: the sum of each token's loss in double, over their number.</summary>
    [Theory]
    [MemberData(nameof(Objectives))]
    public void TheLossIsTheMeanOverTokensThatCount(LossWeights loss)
    {
        const int Rows = 6;
        Dataset data = MicroBatchTests.Ragged(Rows, 4);
        LlamaWeights student = MicroBatchTests.Loud(TrainerTests.Student, 2), teacher = MicroBatchTests.Loud(TrainerTests.Teacher, 9);
        using Workers workers = new(1);
        double[][] z = Logits(student, data, workers), u = Logits(teacher, data, workers);
        double mean = Enumerable.Range(0, data.Tokens.Length).Where(i => data.Mask[i] != 0).Average(i => NaiveLoss.Value(z[i], u[i], data.Targets[i], loss));
        foreach ((int rows, int accumulate) in new[] { (6, 1), (2, 3), (1, 6) })
        {
            Trainer trainer = new(student.Config, data, new TeacherSignal.Dense(teacher), rows, workers);
            TrainPoint point = trainer.Run(MicroBatchTests.Loud(TrainerTests.Student, 2), TrainerTests.Options(1, rows, accumulate) with { Loss = loss }, null, null, default)[^1];
            Assert.Equal(data.Counted, point.Tokens);
            Near.Equal(mean, point.Loss, 2e-6, $"{accumulate} micro-batches of {rows}");
        }
    }

    /// <summary>TRL #5731: the fused Jensen-Shannon kernel computed another loss than the plain one. Here value and gradient equal a plain
    /// reference in double, the gradient by the slopes of the value.</summary>
    [Theory]
    [MemberData(nameof(Betas))]
    public void TheFusedJensenShannonIsThePlainOne(float beta, float temperature)
    {
        const int V = 23;
        float[] z = Draw.Floats(1, V * L, 3f), u = Draw.Floats(2, V * L, 3f), gradient = [.. z], loss = new float[L], ones = Ones();
        Divergence.LossAndGradient(loss, gradient, [.. u], new int[L], ones, V, new LossWeights(0, 0, 0, 1, beta, temperature));
        for (int l = 0; l < L; l++)
        {
            double[] student = Draw.Token(z, V, l), teacher = Draw.Token(u, V, l);
            double Value() => JensenShannon(student, teacher, beta, temperature, MixedProbabilities);
            Near.Equal(Value(), loss[l], 2e-6, $"value of token {l}");
            double[] slopes = Near.Slopes(student, Value);
            for (int i = 0; i < V; i++)
            {
                Near.Equal(slopes[i], gradient[(i * L) + l], 2e-6, $"slope {i} of token {l}");
            }
        }
    }

    /// <summary>TRL #2204: teacher and student were mixed in log space, which is no distribution's Jensen-Shannon divergence. Here they are mixed as
    /// probabilities, and the two differ visibly.</summary>
    [Fact]
    public void TheMixtureIsOfProbabilities()
    {
        const int V = 23;
        float[] z = Draw.Floats(1, V * L, 3f), u = Draw.Floats(2, V * L, 3f), loss = new float[L];
        Divergence.LossAndGradient(loss, [.. z], [.. u], new int[L], Ones(), V, new LossWeights(0, 0, 0, 1, 0.5f, 1));
        for (int l = 0; l < L; l++)
        {
            double[] student = Draw.Token(z, V, l), teacher = Draw.Token(u, V, l);
            double right = JensenShannon(student, teacher, 0.5, 1, MixedProbabilities), wrong = JensenShannon(student, teacher, 0.5, 1, MixedLogarithms);
            Near.Equal(right, loss[l], 2e-6, $"token {l}");
            Assert.True(Math.Abs(right - wrong) > 0.05, $"token {l}: {right} and {wrong} cannot be told apart");
            Assert.InRange(loss[l], 0, Math.Log(2));
        }
    }

    /// <summary>TRL #5594: the server path gave NaN when completions were of different lengths. Here documents of every length train, and a
    /// micro-batch in which nothing counts adds nothing.</summary>
    [Fact]
    public void RaggedLengthsGiveNoNaN()
    {
        Dataset ragged = MicroBatchTests.Ragged(12, 6), data = ragged with { Mask = [.. ragged.Mask.Select((m, i) => i / ragged.Length % 3 == 1 ? 0f : m)] };
        using Workers workers = new(2);
        foreach (LossWeights loss in new[] { s_text, new(0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 2) })
        {
            LlamaWeights student = MicroBatchTests.Loud(TrainerTests.Student, 2), teacher = MicroBatchTests.Loud(TrainerTests.Teacher, 9);
            Trainer trainer = new(student.Config, data, new TeacherSignal.Dense(teacher), 1, workers);
            Assert.All(trainer.Run(student, TrainerTests.Options(24, 1) with { Loss = loss }, null, null, default), p => Assert.True(double.IsFinite(p.Loss) && double.IsFinite(p.GradientNorm)));
            Assert.All(student.Slices(), s => Assert.All(s.Span.ToArray(), x => Assert.True(float.IsFinite(x), s.Name)));
            RowScores scores = Evaluation.Score([student], teacher, data, workers, default)[0];
            Assert.Contains(0, scores.Tokens);
            Assert.All([.. scores.CrossEntropy, .. scores.ForwardKl!, scores.Mean(scores.CrossEntropy)], x => Assert.True(double.IsFinite(x)));

            Dataset nothing = data with { Mask = new float[data.Mask.Length] };
            LlamaWeights gradient = new(student.Config);
            (double sum, _) = new Trainer(student.Config, nothing, new TeacherSignal.Dense(teacher), 2, workers).AddGradient(student, gradient, TrainerTests.Options(1, 2) with { Loss = loss }, 0);
            Assert.Equal(0, sum);
            Assert.All(gradient.Arenas, a => Assert.False(a.Span.ContainsAnyExcept(0f)));
        }
    }

    /// <summary>TRL #5726: with text alone as the signal the teacher was run all the same. Here a teacher of which every weight is NaN leaves no
    /// trace in a loss that has no use for it.</summary>
    [Fact]
    public void TextAloneNeverRunsTheTeacher()
    {
        Dataset data = MicroBatchTests.Ragged(6, 4);
        LlamaWeights broken = new(TrainerTests.Teacher);
        foreach (FloatBuffer arena in broken.Arenas)
        {
            arena.Span.Fill(float.NaN);
        }

        byte[] Trained(TeacherSignal signal)
        {
            using Workers workers = new(1);
            LlamaWeights student = TrainerTests.Model(TrainerTests.Student, 2);
            new Trainer(student.Config, data, signal, 3, workers).Run(student, TrainerTests.Options(8, 3) with { Loss = s_text }, null, null, default);
            return TrainerTests.Bits(student);
        }

        Assert.Equal(Trained(new TeacherSignal.Text()), Trained(new TeacherSignal.Dense(broken)));
    }

    /// <summary>TRL #4140, #4126: memory shot up with the vocabulary, for the logits of the whole batch were held. Here head and loss take at most
    /// 128 MiB of logits, whatever the vocabulary and the batch, and a run over the batch takes no more.</summary>
    [Theory]
    [InlineData(2_048)]
    [InlineData(32_000)]
    [InlineData(151_936)]
    [InlineData(262_144)]
    public void LogitsTakeNoMoreMemoryWithALargerVocabulary(int vocabulary)
    {
        const int Blocks = 8192;
        const long MostLogits = 128L << 20;
        LlamaConfig config = TrainerTests.Student with { Hidden = 2, Heads = 1, HeadSize = 2, Layers = 1, FeedForward = 2, Vocabulary = vocabulary };
        using Workers workers = new(1);
        long whole = (long)Blocks * L * vocabulary * sizeof(float), panels = MatMul.PanelLength(config.Hidden, Blocks) * sizeof(float);
        long before = GC.GetAllocatedBytesForCurrentThread();
        LlamaHead head = new(config, Blocks, workers, teacher: false);
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(taken, MostLogits / 4, MostLogits + panels + 4096);
        Assert.True(taken < whole / 10);

        LlamaWeights weights = new(config), gradients = new(config);
        LlamaActivations a = new(config, 1, 4, workers, keep: true);
        LlamaBackward backward = new(config, a, workers);
        float[] losses = new float[L], ones = Ones();
        int[] targets = new int[L];
        before = GC.GetAllocatedBytesForCurrentThread();
        head.Run(weights, a, gradients, backward.DFinal, null, static _ => true, (_, z, _) => CrossEntropy.LossAndGradient(losses, z, targets, ones, vocabulary), workers);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
        Assert.Equal(Math.Log(vocabulary), losses[0], 1e-3);
    }

    static float[] Ones() => [.. Enumerable.Repeat(1f, L)];

    /// <summary>t² · (β · KL(p ‖ m) + (1 − β) · KL(q ‖ m)) as it reads, m mixed as told.</summary>
    static double JensenShannon(double[] student, double[] teacher, double beta, double t, Func<double[], double[], double, double[]> mix)
    {
        double[] q = Softmax(student, t), p = Softmax(teacher, t), m = mix(p, q, beta);
        double toP = 0, toQ = 0;
        for (int i = 0; i < p.Length; i++)
        {
            toP += p[i] * Math.Log(p[i] / m[i]);
            toQ += q[i] * Math.Log(q[i] / m[i]);
        }

        return t * t * ((beta * toP) + ((1 - beta) * toQ));
    }

    static double[] MixedProbabilities(double[] p, double[] q, double beta) => [.. p.Zip(q, (a, b) => (beta * a) + ((1 - beta) * b))];

    static double[] MixedLogarithms(double[] p, double[] q, double beta) => [.. p.Zip(q, (a, b) => Math.Exp((beta * Math.Log(a)) + ((1 - beta) * Math.Log(b))))];

    static double[] Softmax(double[] x, double t)
    {
        double most = x.Max(), sum = x.Sum(v => Math.Exp((v - most) / t));
        return [.. x.Select(v => Math.Exp((v - most) / t) / sum)];
    }

    /// <summary>The logits of every token of every row.</summary>
    static double[][] Logits(LlamaWeights model, Dataset data, Workers workers)
    {
        int v = model.Config.Vocabulary;
        LlamaActivations a = new(model.Config, data.Rows, data.Length / L, workers, keep: false);
        LlamaForward.Run(model, a, data.Tokens, workers);
        double[][] logits = new double[data.Tokens.Length][];
        new LlamaHead(model.Config, a.Blocks, workers, teacher: false).Run(model, a, null, null, null, static _ => true, (block, z, _) =>
        {
            for (int l = 0; l < L; l++)
            {
                logits[(block * L) + l] = Draw.Token(z, v, l);
            }
        }, workers);
        return logits;
    }
}
