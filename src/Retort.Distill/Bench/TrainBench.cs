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

/// <summary>Training steps on random tokens: cross entropy, or forward KL to the full distribution of a live teacher.</summary>
public static class TrainBench
{
    /// <summary>Runs steps + 2 training steps: AdamW (rate 1e-4, betas 0.9 and 0.999, weight decay 0.01 on everything), clip at norm 1, float32.</summary>
    /// <param name="student">Shape; its context is <paramref name="context"/>.</param>
    public static TrainBenchResult Run(LlamaConfig student, LlamaConfig? teacher, int context, int batch, int steps, int threads)
    {
        LlamaWeights weights = new(student), teacherWeights = new(teacher ?? student with { Layers = 0, Vocabulary = 1 });
        weights.Initialize(1);
        teacherWeights.Initialize(2);
        RandomStream random = new(3);
        int[] tokens = [.. Enumerable.Range(0, (steps + 2) * batch * (context + 1)).Select(_ => random.NextInt(student.Vocabulary))];
        return Run(weights, teacher is null ? null : teacherWeights, tokens, context, batch, threads);
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

        return Run(student, teacher, tokens, context, batch, threads);
    }

    static TrainBenchResult Run(LlamaWeights student, LlamaWeights? teacher, int[] stream, int context, int batch, int threads)
    {
        const int L = MatMul.L;
        int steps = stream.Length / (batch * (context + 1)), blocks = (context + L - 1) / L, length = blocks * L;
        using Workers workers = new(threads);
        LlamaConfig c = student.Config;
        Optimizer optimizer = new(student, new OptimizerOptions { Beta2 = 0.999f });
        LlamaActivations a = new(c, batch, blocks, workers, keep: true);
        LlamaActivations? t = teacher is null ? null : new(teacher.Config, batch, blocks, workers, keep: false);
        LlamaBackward backward = new(c, a, workers);
        LlamaHead head = new(c, a.Blocks, workers, teacher is not null);
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
            LlamaForward.Run(student, a, tokens, workers);
            if (teacher is not null)
            {
                LlamaForward.Run(teacher, t!, tokens, workers);
            }

            head.Run(student, a, optimizer.Gradients, backward.DFinal, teacher is null ? null : (teacher, t!), static _ => true, (block, z, u) =>
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
            backward.Run(student, optimizer.Gradients, a, tokens, workers);
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
