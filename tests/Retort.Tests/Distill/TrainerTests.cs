using System.Runtime.InteropServices;
using Retort.Distill;
using Retort.Kernels;
using Retort.Model;
using Retort.Model.Llama;

namespace Retort.Tests.Distill;

public sealed class TrainerTests : IDisposable
{
    internal static readonly LlamaConfig Student = new()
    {
        Hidden = 16,
        Layers = 2,
        Heads = 2,
        KeyValueHeads = 1,
        HeadSize = 8,
        FeedForward = 24,
        Vocabulary = 40,
        Context = 64,
    };

    internal static readonly LlamaConfig Teacher = Student with { Hidden = 24, HeadSize = 12, FeedForward = 40, Layers = 3 };

    readonly string _folder = Directory.CreateTempSubdirectory("retort-trainer").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static Dataset Data(int rows, ulong seed, int length = 64)
    {
        RandomStream random = new(seed);
        int[] tokens = [.. Enumerable.Range(0, rows * length).Select(_ => random.NextInt(40))], targets = [.. tokens.Skip(1), 0];
        float[] mask = [.. Enumerable.Range(0, rows * length).Select(i => i % 7 == 0 || i % length > 50 + (i / length) ? 0f : 1f)];
        return new(tokens, targets, mask, new int[tokens.Length], rows, length, rows, 0);
    }

    internal static LlamaWeights Model(LlamaConfig config, ulong seed)
    {
        LlamaWeights weights = new(config);
        weights.Initialize(seed);
        return weights;
    }

    internal static TrainOptions Options(int steps, int rows = 4, int accumulate = 1) => new()
    {
        Rows = rows,
        Accumulate = accumulate,
        Steps = steps,
        Rate = 3e-3,
        Seed = 5,
        Loss = new(0.5f, 0.5f, 0, 0, 0.5f, 1),
        CheckpointSeconds = 1e-9,
    };

    internal static byte[] Bits(LlamaWeights weights) => [.. weights.Arenas.SelectMany(a => MemoryMarshal.AsBytes(a.Span).ToArray())];

    static byte[] Trained(int threads, int steps, Checkpoint? checkpoint = null, Action<TrainPoint, int>? point = null, CancellationToken stop = default)
    {
        using Workers workers = new(threads);
        Trainer trainer = new(Student, Data(10, 1), new TeacherSignal.Dense(Model(Teacher, 9)), 4, workers);
        LlamaWeights student = Model(Student, 2);
        trainer.Run(student, Options(steps), checkpoint, point, stop);
        return Bits(student);
    }

    [Fact]
    public void OneTwoOrThreeThreadsGiveTheSameBits()
    {
        byte[] one = Trained(1, 20);
        Assert.Equal(one, Trained(2, 20));
        Assert.Equal(one, Trained(3, 20));
    }

    [Fact]
    public void AStoppedRunResumesToTheSameBits()
    {
        byte[] whole = Trained(2, 40);
        string path = Path.Combine(_folder, "a.state");
        using CancellationTokenSource source = new();
        Assert.Throws<OperationCanceledException>(() => Trained(2, 40, new Checkpoint(path, "k"), (p, _) => { if (p.Step == 20) { source.Cancel(); } }, source.Token));
        Assert.Equal(20, new Checkpoint(path, "k").Steps);
        Assert.Equal(whole, Trained(2, 40, new Checkpoint(path, "k")));
    }

    /// <summary>Between two points too: what has gathered since the last one is in the checkpoint.</summary>
    [Fact]
    public void ARunStoppedBetweenPointsResumesToTheSameCurve()
    {
        using Workers workers = new(2);
        (double, int, long)[] Curve(Checkpoint? checkpoint, CancellationToken stop)
        {
            Trainer trainer = new(Student, Data(10, 1), new TeacherSignal.Dense(Model(Teacher, 9)), 4, workers);
            return [.. trainer.Run(Model(Student, 2), Options(40), checkpoint, null, stop).Select(p => (p.Loss, p.Step, p.Tokens))];
        }

        string path = Path.Combine(_folder, "b.state");
        using CancellationTokenSource source = new();
        int saves = 0;
        Checkpoint stopping = new(path, "k") { Saved = _ => { if (++saves == 13) { source.Cancel(); } } };
        Assert.Throws<OperationCanceledException>(() => Curve(stopping, source.Token));
        Assert.Equal((13, 10), (new Checkpoint(path, "k").Steps, new Checkpoint(path, "k").Curve[^1].Step));
        Assert.Equal(Curve(null, default), Curve(new Checkpoint(path, "k"), default));
    }

    /// <summary>Held-out points read the weights and change none of their bits, are the same at any thread count, and survive a stop.</summary>
    [Fact]
    public void HeldOutPointsAreMeasuredAsideOfTheTraining()
    {
        (byte[] Weights, (int, double?)[] Points) Run(int threads, int points, Checkpoint? checkpoint = null, Action<TrainPoint, int>? point = null, CancellationToken stop = default)
        {
            using Workers workers = new(threads);
            Trainer trainer = new(Student, Data(10, 1), new TeacherSignal.Dense(Model(Teacher, 9)), 4, workers);
            LlamaWeights student = Model(Student, 2);
            ValidationLoss? validation = points == 0 ? null : new(Student, Data(5, 3), points, workers);
            IReadOnlyList<TrainPoint> curve = trainer.Run(student, Options(43), checkpoint, point, stop, validation);
            return (Bits(student), [.. curve.Where(p => p.HeldOut is not null).Select(p => (p.Step, p.HeldOut))]);
        }

        (byte[] without, _) = Run(1, 0);
        (byte[] with, (int Step, double? Loss)[] expected) = Run(1, 10);
        Assert.Equal(without, with);
        Assert.Equal([5, 9, 13, 18, 22, 26, 31, 35, 39, 43], expected.Select(p => p.Step));
        Assert.Equal(expected, Run(2, 10).Points);
        string path = Path.Combine(_folder, "v.state");
        using CancellationTokenSource source = new();
        Assert.Throws<OperationCanceledException>(() => Run(2, 10, new Checkpoint(path, "k"), (p, _) => { if (p.Step == 22) { source.Cancel(); } }, source.Token));
        Assert.Equal(22, new Checkpoint(path, "k").Curve[^1].Step);
        (byte[] resumed, (int, double?)[] points) = Run(2, 10, new Checkpoint(path, "k"));
        Assert.Equal(with, resumed);
        Assert.Equal(expected, points);
    }

    [Fact]
    public void AHeldOutPointIsTheCrossEntropyOfItsRows()
    {
        using Workers workers = new(2);
        Dataset validation = Data(30, 4);
        LlamaWeights student = Model(Student, 2);
        foreach ((long trained, int rows, int points) in new[] { (1L, 1, 1), (20L, 1, 1), (60L, 1, 5), (1000L, 9, 10), (1_000_000L, 30, 10) })
        {
            (Dataset chosen, int often) = ValidationLoss.Fit(validation, trained);
            Assert.Equal((rows, points), (chosen.Rows, often));
            Assert.True(chosen.Rows * often <= Math.Max(1, 0.09 * trained));
            RowScores scores = Evaluation.Score([student], null, chosen, workers, default)[0];
            Assert.Equal(scores.Mean(scores.CrossEntropy), new ValidationLoss(Student, chosen, often, workers).Measure(student), 1e-5);
        }
    }

    [Fact]
    public void ACheckpointOfAnotherRunIsRefused()
    {
        string path = Path.Combine(_folder, "a.state");
        Trained(1, 10, new Checkpoint(path, "one"));
        UserError error = Assert.Throws<UserError>(() => Trained(1, 10, new Checkpoint(path, "two")));
        Assert.Contains("another run", error.What, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryDamagedCheckpointIsRefused()
    {
        string path = Path.Combine(_folder, "a.state");
        Trained(1, 10, new Checkpoint(path, "k"));
        byte[] good = File.ReadAllBytes(path);
        RandomStream random = new(3);
        for (int i = 0; i < 60; i++)
        {
            byte[] bad = i % 3 == 0 ? good[..random.NextInt(good.Length)] : [.. good];
            if (i % 3 != 0)
            {
                bad[random.NextInt(bad.Length)] ^= (byte)(1 + random.NextInt(255));
            }

            File.WriteAllBytes(path, bad);
            Assert.Throws<UserError>(() => Trained(1, 10, new Checkpoint(path, "k")));
        }
    }

    [Fact]
    public void ACheckpointWithNaNIsRefused()
    {
        string path = Path.Combine(_folder, "a.state");
        Optimizer optimizer = new(Model(Student, 1), new());
        optimizer.Weights[0].Span[3] = float.NaN;
        new Checkpoint(path, "k").Save(optimizer, []);
        UserError error = Assert.Throws<UserError>(() => new Checkpoint(path, "k").Load(optimizer));
        Assert.Contains("not a number", error.What, StringComparison.Ordinal);
    }

    /// <summary>TRL #6337, #2058: what is masked has no influence, whatever stands there.</summary>
    [Fact]
    public void MaskedTargetsDoNotMatter()
    {
        Dataset data = Data(6, 1);
        Dataset other = data with { Targets = [.. data.Targets.Select((t, i) => data.Mask[i] == 0 ? (t + 13) % 40 : t)] };
        byte[] Run(Dataset d)
        {
            using Workers workers = new(1);
            LlamaWeights student = Model(Student, 2);
            new Trainer(Student, d, new TeacherSignal.Text(), 3, workers).Run(student, Options(6, 3) with { Loss = new(1, 0, 0, 0, 0.5f, 1) }, null, null, default);
            return Bits(student);
        }

        Assert.Equal(Run(data), Run(other));
    }

    [Fact]
    public void AllEntriesStoredTrainLikeALiveTeacher()
    {
        Dataset data = Data(10, 1);
        LlamaWeights teacher = Model(Teacher, 9);
        foreach (FloatBuffer arena in teacher.Arenas)
        {
            foreach (ref float x in arena.Span)
            {
                x *= 3;
            }
        }

        using Workers workers = new(2);
        SignalHeader header = SignalFile.Describe("t", "k", data, 40, 40, 1, TailHandling.Renormalize);
        SignalFile file = SignalFile.Compute(teacher, header, data, TailHandling.Renormalize, 1, workers, _ => { }, default);
        double Last(TeacherSignal signal) => new Trainer(Student, data, signal, 4, workers).Run(Model(Student, 2), Options(30), null, null, default)[^1].Loss;
        Assert.Equal(Last(new TeacherSignal.Dense(teacher)), Last(new TeacherSignal.Sparse(file)), 2e-3);
    }

    [Theory]
    [InlineData(20, 512, 80)]
    [InlineData(20, 65536, 80)]
    [InlineData(20, 65537, 83)]
    [InlineData(20, 151936, 85)]
    [InlineData(20, 262144, 85)]
    [InlineData(20, 1048576, 90)]
    public void BytesPerTokenAreAsStated(int k, int vocabulary, int bytes) =>
        Assert.Equal(bytes, SignalFile.Describe("t", "k", Data(1, 1), vocabulary, k, 1, TailHandling.Bucket).BytesPerToken);

    [Fact]
    public void AStoredSignalKeepsItsEntriesAndRefusesOtherRows()
    {
        Dataset data = Data(3, 1);
        using Workers workers = new(1);
        SignalHeader header = SignalFile.Describe("teacher", "tokenizer", data, 40, 5, 1, TailHandling.Bucket);
        SignalFile made = SignalFile.Compute(Model(Teacher, 9), header, data, TailHandling.Bucket, 1, workers, _ => { }, default);
        string path = Path.Combine(_folder, "x.sig");
        made.Save(path);
        SignalFile opened = SignalFile.Open(path, header);
        int[] a = new int[5], b = new int[5];
        float[] p = new float[5], q = new float[5];
        for (int token = 0; token < data.Tokens.Length; token++)
        {
            made.Read(token, a, p);
            opened.Read(token, b, q);
            Assert.Equal(a, b);
            Assert.Equal(p, q);
            Assert.True(p.Sum() <= 1.001f && p[0] >= p[4]);
        }

        foreach (SignalHeader other in new[]
                 {
                     header with { Teacher = "x" }, header with { Tokenizer = "x" }, header with { Data = Data(3, 2).Hash }, header with { K = 6 },
                     header with { Temperature = 2 }, header with { Tail = "sample" }, header with { Vocabulary = 41 }, header with { Encoding = "x" },
                 })
        {
            Assert.Throws<UserError>(() => SignalFile.Open(path, other));
        }

        byte[] bytes = File.ReadAllBytes(path);
        RandomStream random = new(8);
        for (int i = 0; i < 200; i++)
        {
            byte[] bad = [.. bytes[..(i % 2 == 0 ? bytes.Length : random.NextInt(bytes.Length))]];
            if (bad.Length > 0)
            {
                bad[random.NextInt(Math.Min(bad.Length, 300))] ^= (byte)(1 << random.NextInt(8));
            }

            File.WriteAllBytes(path, bad);
            try
            {
                SignalFile.Open(path, header).Read(0, a, p);
            }
            catch (UserError)
            {
            }
        }
    }

    /// <summary>Draws from the teacher are unbiased: over many seeds the mean stored probability is the teacher's.</summary>
    [Fact]
    public void SampledEntriesAreUnbiased()
    {
        Dataset data = Data(1, 1);
        LlamaWeights teacher = Model(Teacher, 9);
        using Workers workers = new(1);
        SignalHeader all = SignalFile.Describe("t", "k", data, 40, 40, 1, TailHandling.Renormalize), few = SignalFile.Describe("t", "k", data, 40, 8, 1, TailHandling.Sample);
        int[] ids = new int[40];
        float[] p = new float[40];
        double[] expected = new double[40], mean = new double[40];
        SignalFile.Compute(teacher, all, data, TailHandling.Renormalize, 1, workers, _ => { }, default).Read(5, ids, p);
        for (int i = 0; i < 40; i++)
        {
            expected[ids[i]] = p[i];
        }

        const int Seeds = 400;
        for (ulong seed = 0; seed < Seeds; seed++)
        {
            SignalFile.Compute(teacher, few, data, TailHandling.Sample, seed, workers, _ => { }, default).Read(5, ids.AsSpan(0, 8), p.AsSpan(0, 8));
            for (int i = 0; i < 8 && ids[i] >= 0; i++)
            {
                mean[ids[i]] += p[i] / (double)Seeds;
            }
        }

        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(expected[i], mean[i], 5 * Math.Sqrt(expected[i] / (8 * Seeds)) + 1e-4);
        }
    }
}
