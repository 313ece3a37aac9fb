using System.Diagnostics;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill.Bench;

/// <summary>What a generation benchmark measured: medians over its runs.</summary>
/// <param name="PromptTokensPerS">Reading the prompts of all streams.</param>
/// <param name="DecodeTokensPerS">Writing, all streams together, the most probable token taken each time.</param>
public sealed record GenerateBenchResult(double PromptTokensPerS, double DecodeTokensPerS);

/// <summary>The speed of reading prompts and of writing after them, in one stream or in several side by side.</summary>
public static class GenerateBench
{
    const int Runs = 5;

    /// <summary>Runs of this long go before the measured ones: the runtime compiles anew what has been called often enough, a while after.</summary>
    const double WarmUpSeconds = 1.5;

    /// <param name="reference">A model on disk.</param>
    /// <param name="promptTokens">Length of a prompt, whose tokens are 3 + i mod 200, begun elsewhere in every stream and run.</param>
    /// <param name="tokens">Tokens written after it.</param>
    /// <param name="streams">Answers written side by side.</param>
    /// <exception cref="UserError">There is no such model, or its context is shorter.</exception>
    public static GenerateBenchResult Run(string reference, AnswerFormat format, int promptTokens, int tokens, int threads, int streams)
    {
        InferenceModel model = InferenceModel.Open(reference, format: format);
        Tokenizer tokenizer = Tokenizer.Open(model.TokenizerPath ?? throw new UserError("there is no tokenizer beside the model", reference, "Put its tokenizer.json beside it."));
        return promptTokens + tokens <= model.Weights.Config.Context
            ? Measure(model.Weights, tokenizer, promptTokens, tokens, threads, streams)
            : throw new UserError($"{promptTokens} + {tokens} tokens are more than the model's context of {model.Weights.Config.Context}", reference, "Take fewer tokens.");
    }

    /// <summary>The same for a model in memory whose context is long enough.</summary>
    /// <param name="warmUp">Seconds of runs before the measured ones.</param>
    public static GenerateBenchResult Measure(InferenceWeights weights, Tokenizer tokenizer, int promptTokens, int tokens, int threads, int streams = 1, double warmUp = WarmUpSeconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(promptTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 2);
        int perStream = (promptTokens + tokens + 31) / 32 * 32;
        using InferenceEngine engine = new(weights, tokenizer, new(threads, checked(perStream * streams), streams), "the model");
        List<double> reading = [], writing = [];
        int run = 0;
        long begin = Stopwatch.GetTimestamp();
        for (int measured = 0; measured < Runs; run++)
        {
            bool warm = Stopwatch.GetElapsedTime(begin).TotalSeconds >= warmUp;
            Answer[] answers = new Answer[streams];
            int begun = 0, atFirst = 0;
            long start = Stopwatch.GetTimestamp(), first = 0;
            for (int i = 0; i < streams; i++)
            {
                bool silent = true;
                answers[i] = engine.Start(new(Prompt(weights.Config, promptTokens, (run * streams) + i), new SamplingOptions { Temperature = 0, MaxTokens = tokens }, 0, OnPart: _ =>
                {
                    begun += silent ? 1 : 0;
                    silent = false;
                }));
            }

            while (engine.Step())
            {
                if (first == 0 && begun == streams)
                {
                    first = Stopwatch.GetTimestamp();
                    atFirst = answers.Sum(a => a.Written);
                }
            }

            if (warm)
            {
                reading.Add(promptTokens * streams / Stopwatch.GetElapsedTime(start, first).TotalSeconds);
                writing.Add((answers.Sum(a => a.Written) - atFirst) / Stopwatch.GetElapsedTime(first).TotalSeconds);
                measured++;
            }
        }

        return new(Median(reading), Median(writing));
    }

    static int[] Prompt(LlamaConfig c, int length, int offset) => [.. Enumerable.Range(0, length).Select(i => Math.Min(3 + ((i + (7 * offset)) % 200), c.Vocabulary - 1))];

    static double Median(List<double> rates)
    {
        double[] sorted = [.. rates.Order()];
        return sorted[sorted.Length / 2];
    }
}
