using System.Runtime.InteropServices;
using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Distill;

/// <summary>A share of the batches is the student's own writing, scored by the teacher.</summary>
public sealed class OnPolicyTests : IDisposable
{
    const int Length = 64;

    static readonly Document[] s_documents = [.. Enumerable.Range(0, 12).Select(i => new Document($"say {i}: ", $"it is {i * 7} today<|end|>"))];
    static readonly Tokenizer s_tokenizer = BytePairTrainer.Train(s_documents.Select(d => d.Prompt + d.Answer), 280, ["<|end|>"]);

    static readonly LlamaConfig s_student = new()
    {
        Hidden = 16,
        Layers = 1,
        Heads = 2,
        KeyValueHeads = 1,
        HeadSize = 8,
        FeedForward = 24,
        Vocabulary = s_tokenizer.VocabularySize,
        Context = Length,
    };

    readonly string _folder = Directory.CreateTempSubdirectory("retort-own").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static LlamaWeights Model(ulong seed, double scale = 1)
    {
        LlamaWeights weights = new(s_student);
        weights.Initialize(seed);
        foreach (WeightSlice slice in weights.Slices().Where(s => s.Shape.Count == 2))
        {
            foreach (ref float x in slice.Span)
            {
                x *= (float)scale;
            }
        }

        return weights;
    }

    static Dataset Data() => Dataset.Pack(s_documents, s_tokenizer, Length, maskPrompts: true, "test");

    static OnPolicy Own(double share, Dataset data) => OnPolicy.Of(new OnPolicyRecipe(share, 20, 1), s_documents, data, s_tokenizer);

    static TrainOptions Options(int steps, LossWeights loss) => new()
    {
        Rows = 2,
        Accumulate = 2,
        Steps = steps,
        Rate = 3e-3,
        Seed = 5,
        Loss = loss,
        OnPolicy = true,
        Optimizer = new() { WeightDecay = 0 },
        CheckpointSeconds = 1e-9,
    };

    static byte[] Bits(LlamaWeights weights) => [.. weights.Arenas.SelectMany(a => MemoryMarshal.AsBytes(a.Span).ToArray())];

    static MicroBatch Written(LlamaWeights student, int threads = 1)
    {
        using Workers workers = new(threads);
        Dataset data = Data();
        MicroBatch batch = new(3, Length);
        Own(1, data).Fill(batch, student, [.. Enumerable.Range(0, s_documents.Length)], 7, workers, default);
        return batch;
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.25)]
    [InlineData(0.5)]
    [InlineData(0.3)]
    [InlineData(1.0)]
    public void TheShareOfBatchesIsExactAndSpread(double share)
    {
        OnPolicy own = Own(1, Data()) with { Share = share };
        int taken = 0;
        for (int batch = 0; batch < 1000; batch++)
        {
            Assert.Equal(taken, own.Before(batch));
            taken += own.Takes(batch) ? 1 : 0;
            Assert.InRange(taken, ((batch + 1) * share) - 1, (batch + 1) * share);
        }

        Assert.Equal(share * 1000, taken, 1.0);
    }

    /// <summary>TRL #2058: the mask belongs to what was generated, not to the text it replaced. Prompts carry no loss, every written token
    /// does, the end token included.</summary>
    [Fact]
    public void ExactlyTheWrittenTokensCount()
    {
        MicroBatch batch = Written(Model(1));
        HashSet<int> ends = [.. s_tokenizer.EndToken is { } end ? (int[])[end] : []];
        for (int row = 0; row < batch.Rows; row++)
        {
            string text = s_tokenizer.Decode([.. batch.Tokens.AsSpan(row * Length, Length)]);
            Assert.StartsWith("say ", text, StringComparison.Ordinal);
            for (int t = 0; t < Length - 1; t++)
            {
                int at = (row * Length) + t;
                if (batch.Mask[at] != 0 && batch.Mask[at + 1] != 0)
                {
                    Assert.Equal(batch.Targets[at], batch.Tokens[at + 1]);
                }
            }
        }

        int prompt = s_tokenizer.Encode(s_documents[0].Prompt).Length;
        Assert.InRange(batch.Counted, batch.Rows, batch.Rows * (double)Length);
        Assert.All(batch.Mask.Take(prompt - 1), m => Assert.Equal(0, m));
        Assert.Equal(1, batch.Mask[prompt - 1]);
    }

    /// <summary>TRL #6337: the model's own top-p leaked into the sampling. A student without preferences writes nearly all of its tokens.</summary>
    [Fact]
    public void NoFilterNarrowsWhatIsWritten()
    {
        LlamaWeights flat = Model(1, scale: 0);
        using Workers workers = new(1);
        HashSet<int> seen = [];
        MicroBatch batch = new(12, Length);
        OnPolicy own = Own(1, Data());
        for (ulong seed = 0; seed < 12; seed++)
        {
            own.Fill(batch, flat, [.. Enumerable.Range(0, s_documents.Length)], seed, workers, default);
            seen.UnionWith(batch.Targets.Where((_, i) => batch.Mask[i] != 0));
        }

        Assert.InRange(seen.Count, s_student.Vocabulary * 0.95, s_student.Vocabulary);
    }

    [Fact]
    public void WhatIsWrittenDoesNotDependOnThreads() => Assert.Equal(Written(Model(1), 1).Tokens, Written(Model(1), 2).Tokens);

    /// <summary>TRL #6478: the count was taken before the student's text replaced the data's, and was zero for data of prompts alone.</summary>
    [Fact]
    public void TheDenominatorIsCountedAfterTheStudentHasWritten()
    {
        Dataset data = Data(), prompts = data with { Mask = new float[data.Mask.Length] };
        using Workers workers = new(1);
        LossWeights loss = new(0, 1, 0, 0, 0.5f, 1);
        Trainer trainer = new(s_student, prompts, new TeacherSignal.Dense(Model(9, 20)), 2, workers, Own(1, data));
        IReadOnlyList<TrainPoint> curve = trainer.Run(Model(2), Options(3, loss), null, null, default);
        Assert.InRange(curve[^1].Loss, 1e-3, 10);
        Assert.InRange(curve[^1].Tokens, 3 * 4, 3L * 4 * Length);
    }

    /// <summary>A teacher equal to the student has nothing to teach it, whatever cross entropy weighs: the student's words are no labels.</summary>
    [Fact]
    public void TheStudentsWordsAreNoLabels()
    {
        LlamaWeights student = Model(2, 10), teacher = Model(2, 10);
        using Workers workers = new(2);
        Dataset data = Data();
        IReadOnlyList<TrainPoint> curve = new Trainer(s_student, data, new TeacherSignal.Dense(teacher), 2, workers, Own(1, data)).Run(student, Options(1, new(0.5f, 0.5f, 0, 0, 0.5f, 1)), null, null, default);
        Assert.Equal(0, curve[^1].Loss, 1e-5);
        Assert.InRange(curve[^1].GradientNorm, 0, 1e-5);
    }

    [Fact]
    public void ThreadsAndInterruptionsLeaveTheBitsAlone()
    {
        LossWeights loss = new(0.2f, 0, 0.8f, 0, 0.5f, 1);
        byte[] Run(int threads, Checkpoint? checkpoint, Action<TrainPoint, int>? point, CancellationToken stop)
        {
            using Workers workers = new(threads);
            Dataset data = Data();
            LlamaWeights student = Model(2);
            new Trainer(s_student, data, new TeacherSignal.Dense(Model(9, 5)), 2, workers, Own(0.5, data)).Run(student, Options(30, loss), checkpoint, point, stop);
            return Bits(student);
        }

        byte[] whole = Run(1, null, null, default);
        Assert.Equal(whole, Run(2, null, null, default));
        string path = Path.Combine(_folder, "a.state");
        using CancellationTokenSource source = new();
        Assert.Throws<OperationCanceledException>(() => Run(2, new Checkpoint(path, "k"), (p, _) => { if (p.Step == 10) { source.Cancel(); } }, source.Token));
        Assert.Equal(whole, Run(2, new Checkpoint(path, "k"), null, default));
    }

    [Theory]
    [InlineData("train: {on_policy: {share: 0.5}}\nloss: {cross_entropy: 1}", "needs a divergence")]
    [InlineData("train: {on_policy: {share: 0.5}}\nloss: {forward_kl: 1}\nsignal: {kind: top_k}", "signal.kind live")]
    [InlineData("train: {on_policy: {share: 1.5}}\nloss: {forward_kl: 1}", "on_policy.share")]
    [InlineData("train: {on_policy: {shares: 0.5}}\nloss: {forward_kl: 1}", "on_policy.shares")]
    public void ARecipeThatCannotBeOnPolicySaysWhy(string part, string words)
    {
        string path = Path.Combine(_folder, "r.yaml");
        File.WriteAllText(path, $"teacher: t\nstudent: {{shape: {{hidden: 16, heads: 2}}}}\ndata: {{prompts: p.jsonl}}\n{part}\n");
        UserError error = Assert.Throws<UserError>(() => RecipeFile.Read(path, [], []));
        Assert.Contains(words, error.What, StringComparison.Ordinal);
    }
}
