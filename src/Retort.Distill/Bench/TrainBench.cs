using System.Diagnostics;
using System.Runtime.InteropServices;
using Retort.Kernels;
using Retort.Model;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Distill.Bench;

/// <summary>What a training benchmark measured.</summary>
/// <param name="TokensPerS">Median over the steps after the first two.</param>
/// <param name="PeakMib">Largest resident set of the process.</param>
/// <param name="Parameters">Weights of the student.</param>
/// <param name="Losses">Loss of every step, the first two included.</param>
/// <param name="GflopPerS">Arithmetic of the step (forward, backward, teacher's forward) by the median time.</param>
public sealed record TrainBenchResult(double TokensPerS, long PeakMib, long Parameters, IReadOnlyList<double> Losses, double GflopPerS);

/// <param name="Lora">Null trains all weights.</param>
/// <param name="Base">How the frozen weights under an adapter are held: "bf16" or "q8_0".</param>
/// <param name="Checkpointing">Keep each layer's input and compute the rest again.</param>
public sealed record TrainBenchOptions(LoraOptions? Lora, string Base, bool Checkpointing);

/// <summary>Training steps on random tokens: cross entropy, or forward KL to the full distribution of a live teacher.</summary>
public static class TrainBench
{
    /// <summary>Runs steps + 2 training steps: AdamW (rate 1e-4, betas 0.9 and 0.999, weight decay 0.01 on everything), clip at norm 1, float32.</summary>
    /// <param name="student">Shape; its context is <paramref name="context"/>.</param>
    public static TrainBenchResult Run(LlamaConfig student, LlamaConfig? teacher, int context, int batch, int steps, int threads, TrainBenchOptions options)
    {
        LlamaWeights teacherWeights = new(teacher ?? student with { Layers = 0, Vocabulary = 1 });
        teacherWeights.Initialize(2);
        RandomStream random = new(3);
        int[] tokens = [.. Enumerable.Range(0, (steps + 2) * batch * (context + 1)).Select(_ => random.NextInt(student.Vocabulary))];
        return Run(Student(student, options), teacher is null ? null : teacherWeights, tokens, context, batch, threads, options.Checkpointing);
    }

    static StudentWeights Student(LlamaConfig config, TrainBenchOptions options)
    {
        if (options.Lora is not { } lora)
        {
            LlamaWeights weights = new(config);
            weights.Initialize(1);
            return new StudentWeights.Full(weights);
        }

        FrozenWeights frozen = new(config, FrozenWeights.FormatOf(options.Base, "--base"));
        RandomStream random = new(1);
        frozen.Fill((name, to, _) => LlamaWeights.Draw(config, name, to, random), "bench train");
        LoraAdapter adapter = new(config, lora);
        adapter.Initialize(4);
        return new StudentWeights.Adapted(frozen, adapter);
    }

    /// <summary>Does the work another trainer dumped: student/, teacher/ (optional) and tokens.i32 = [steps, batch, context + 1].</summary>
    public static TrainBenchResult RunDump(string folder, int context, int batch, int threads)
    {
        if (!Directory.Exists(Path.Combine(folder, "student")))
        {
            throw new UserError("there is no work written down here", folder, "The folder holds a model in student/, one in teacher/ where there is one, and the token numbers in tokens.i32.");
        }

        LlamaWeights student = ModelReference.Open(Path.Combine(folder, "student")).Weights;
        string teacherFolder = Path.Combine(folder, "teacher"), tokenFile = Path.Combine(folder, "tokens.i32");
        LlamaWeights? teacher = Directory.Exists(teacherFolder) ? ModelReference.Open(teacherFolder).Weights : null;
        if (!File.Exists(tokenFile))
        {
            throw new UserError("there is no tokens.i32", folder, "Name a folder that holds student/ and tokens.i32.");
        }

        int[] tokens = MemoryMarshal.Cast<byte, int>(File.ReadAllBytes(tokenFile)).ToArray();
        if (tokens.Length % (batch * (context + 1)) != 0 || tokens.Length == 0)
        {
            throw new UserError($"{tokens.Length} tokens are no whole number of steps of {batch} x {context + 1}", tokenFile, "Give the --batch and --context of the dump.");
        }

        if (tokens.Any(t => t < 0 || t >= student.Config.Vocabulary))
        {
            throw new UserError("a token lies outside the vocabulary", tokenFile, "The dump belongs to another model.");
        }

        return Run(new StudentWeights.Full(student), teacher, tokens, context, batch, threads, checkpointing: false);
    }

    static TrainBenchResult Run(StudentWeights student, LlamaWeights? teacher, int[] stream, int context, int batch, int threads, bool checkpointing)
    {
        const int L = MatMul.L;
        int steps = stream.Length / (batch * (context + 1)), blocks = (context + L - 1) / L, length = blocks * L;
        using Workers workers = new(threads);
        LlamaConfig c = student.Parts.Config;
        StudentGradients gradients = StudentGradients.Of(student);
        Optimizer optimizer = new(student.Arenas, gradients.Arenas, new OptimizerOptions { Beta2 = 0.999f });
        LlamaActivations a = new(c, batch, blocks, workers, keep: true, checkpoints: checkpointing);
        if (student is StudentWeights.Adapted adapted)
        {
            a.Lora = new(adapted.Adapter, a, workers, gradients.Adapter) { Draw = (1, 0, 0) };
        }

        bool frozen = gradients.Full is null;
        LlamaActivations? t = teacher is null ? null : new(teacher.Config, batch, blocks, workers, keep: false);
        LlamaBackward backward = new(c, a, workers, frozen);
        LlamaHead head = new(c, a.Blocks, workers, teacher is not null, frozen);
        int[] tokens = new int[batch * length], targets = new int[batch * length];
        float[] weights = new float[batch * length], losses = new float[batch * length];
        List<double> seconds = [], values = [];
        LossWeights terms = new(0, 1, 0, 0, 0.5f, 1);
        for (int step = 0; step < steps; step++)
        {
            for (int s = 0; s < batch; s++)
            {
                ReadOnlySpan<int> row = stream.AsSpan(((step * batch) + s) * (context + 1), context + 1);
                row[..context].CopyTo(tokens.AsSpan(s * length));
                row[1..].CopyTo(targets.AsSpan(s * length));
                weights.AsSpan(s * length, context).Fill(1f / (batch * context));
            }

            long start = Stopwatch.GetTimestamp();
            LlamaForward.Run(student.Parts, a, tokens, workers);
            if (teacher is not null)
            {
                LlamaForward.Run(teacher, t!, tokens, workers);
            }

            head.Run(student.Parts, a, gradients.Full, backward.DFinal, teacher is null ? null : (teacher, t!), static _ => true, (block, z, u) =>
            {
                int at = block * L;
                Span<float> loss = losses.AsSpan(at, L);
                if (u.IsEmpty)
                {
                    CrossEntropy.LossAndGradient(loss, z, targets.AsSpan(at, L), weights.AsSpan(at, L), c.Vocabulary);
                }
                else
                {
                    Divergence.LossAndGradient(loss, z, u, targets.AsSpan(at, L), weights.AsSpan(at, L), c.Vocabulary, terms);
                }
            }, workers);
            backward.Run(student.Parts, gradients.Full, a, tokens, workers);
            optimizer.Step(1e-4f, workers);
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            double total = 0;
            for (int i = 0; i < losses.Length; i++)
            {
                total += (double)losses[i] * weights[i];
            }

            values.Add(total);
        }

        double[] sorted = [.. seconds.Skip(Math.Min(2, seconds.Count - 1)).Order()];
        double median = sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
        double flops = (3 * c.ForwardFlops(context / 2.0)) + (teacher?.Config.ForwardFlops(context / 2.0) ?? 0);
        using Process process = Process.GetCurrentProcess();
        return new(batch * context / median, process.PeakWorkingSet64 >> 20, c.Parameters, values, flops * batch * context / median / 1e9);
    }
}
