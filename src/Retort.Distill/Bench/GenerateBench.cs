using System.Diagnostics;
using Retort.Kernels;
using Retort.Model;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Distill.Bench;

/// <summary>What a generation benchmark measured: medians over its runs.</summary>
/// <param name="PromptTokensPerS">Reading a prompt into the cache of one sequence.</param>
/// <param name="DecodeTokensPerS">One sequence, token after token, the most probable one taken.</param>
public sealed record GenerateBenchResult(double PromptTokensPerS, double DecodeTokensPerS);

/// <summary>The speed of reading a prompt, of decoding one sequence, and of sampling many.</summary>
public static class GenerateBench
{
    const int Runs = 5;

    /// <summary>Runs of this long go before the measured ones: the runtime compiles anew what has been called often enough, a while after.</summary>
    const double WarmUpSeconds = 0.6;

    /// <param name="reference">A model on disk.</param>
    /// <param name="promptTokens">Length of the prompt, whose tokens are 3 + i mod 200.</param>
    /// <param name="tokens">Tokens decoded after it.</param>
    /// <exception cref="UserError">There is no such model, or its context is shorter.</exception>
    public static GenerateBenchResult Run(string reference, int promptTokens, int tokens, int threads)
    {
        using Workers workers = new(threads);
        return Measure(Open(reference, promptTokens, tokens, threads), promptTokens, tokens, workers);
    }

    /// <summary>The same for a model in memory whose context is long enough.</summary>
    public static GenerateBenchResult Measure(LlamaWeights weights, int promptTokens, int tokens, Workers workers)
    {
        int[] prompt = Prompt(weights.Config, promptTokens);
        List<double> reading = [], decoding = [];
        Sampler greedy = new(new SamplingOptions { Temperature = 0 }, weights.Config.Vocabulary);
        RandomStream random = new(0);
        Measured(() =>
        {
            LlamaDecoder decoder = new(weights, 1, promptTokens + tokens, workers);
            long start = Stopwatch.GetTimestamp();
            decoder.Prefill(prompt);
            reading.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            int[] token = new int[1];
            start = Stopwatch.GetTimestamp();
            for (int i = 0; i < tokens; i++)
            {
                token[0] = greedy.Next(decoder.Logits(0), random, [], []);
                decoder.Step(token);
            }

            decoding.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }, reading, decoding);

        return new(promptTokens / Median(reading), tokens / Median(decoding));
    }

    /// <summary>Tokens a second of all sequences together when each thread samples 32 at temperature 1, prompt tokens not counted.</summary>
    /// <exception cref="UserError">There is no such model, or its context is shorter.</exception>
    public static double RunMany(string reference, int promptTokens, int tokens, int threads)
    {
        const int L = MatMul.L;
        LlamaWeights weights = Open(reference, promptTokens, tokens, threads);
        int[] prompt = Prompt(weights.Config, promptTokens);
        using Workers workers = new(threads), alone = new(1);
        List<double> seconds = [];
        Measured(() =>
        {
            long start = Stopwatch.GetTimestamp();
            workers.Run(threads, (item, _) =>
            {
                LlamaDecoder decoder = new(weights, L, promptTokens + tokens, alone);
                Sampler sampler = new(new SamplingOptions(), weights.Config.Vocabulary);
                RandomStream random = new(0, (ulong)item);
                int[] next = new int[L];
                for (int i = 0; i < promptTokens + tokens; i++)
                {
                    for (int lane = 0; lane < L; lane++)
                    {
                        next[lane] = i < promptTokens ? prompt[i] : sampler.Next(decoder.Logits(lane), random, [], []);
                    }

                    decoder.Step(next, logits: i >= promptTokens - 1);
                }
            });
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }, seconds);

        return threads * L * tokens / Median(seconds);
    }

    static LlamaWeights Open(string reference, int promptTokens, int tokens, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(promptTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        LlamaWeights weights = ModelReference.Open(reference).Weights;
        return promptTokens + tokens <= weights.Config.Context
            ? weights
            : throw new UserError($"{promptTokens} + {tokens} tokens are more than the model's context of {weights.Config.Context}", reference, "Take fewer tokens.");
    }

    static int[] Prompt(LlamaConfig c, int length) => [.. Enumerable.Range(0, length).Select(i => Math.Min(3 + (i % 200), c.Vocabulary - 1))];

    /// <summary>Warms up, forgets the times taken so far, and measures.</summary>
    static void Measured(Action run, params ReadOnlySpan<List<double>> times)
    {
        long begin = Stopwatch.GetTimestamp();
        do
        {
            run();
        }
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < WarmUpSeconds);
        foreach (List<double> list in times)
        {
            list.Clear();
        }

        for (int i = 0; i < Runs; i++)
        {
            run();
        }
    }

    static double Median(List<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return sorted[sorted.Length / 2];
    }
}
