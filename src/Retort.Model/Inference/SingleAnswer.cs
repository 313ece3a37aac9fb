using Retort.Model.Files;
using Retort.Model.Grammars;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Model.Inference;

/// <summary>One text from a model that nobody else uses meanwhile.</summary>
public static class SingleAnswer
{
    /// <param name="prompt">At least one token.</param>
    /// <param name="where">What errors call the model.</param>
    /// <param name="onText">Gets the text piece by piece as it becomes certain.</param>
    /// <param name="form">What it must keep to; null for any text.</param>
    /// <exception cref="UserError">The prompt is empty or longer than the context, an option is out of range, or the cache does not fit in memory.</exception>
    public static Generation Write(
        InferenceWeights weights, Tokenizer tokenizer, int[] prompt, SamplingOptions options, ulong seed, int threads, string where, TimeProvider time, Action<string>? onText, CancellationToken cancel, AnswerForm? form = null)
    {
        options.Validate("sampling options");
        int tokens = (int)Math.Min(weights.Config.Context, (long)prompt.Length + options.MaxTokens);
        long bytes = InferenceEngine.CacheBytes(weights.Config, tokens), free = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > free)
        {
            throw new UserError($"keys and values of {tokens} tokens take {bytes >> 20} MiB", where, $"There are {free >> 20} MiB; generate fewer tokens.");
        }

        using InferenceEngine engine = new(weights, tokenizer, new(threads, tokens, Answers: 1), where);
        long begun = 0;
        Answer answer = engine.Start(new(prompt, options, seed, Constraint: form?.Constraint(new(tokenizer), engine.Ends, AnswerFormFile.Name), OnPart: part =>
        {
            begun = begun == 0 ? time.GetTimestamp() : begun;
            if (part.Text.Length > 0)
            {
                onText?.Invoke(part.Text);
            }
        }));
        while (engine.Step())
        {
            cancel.ThrowIfCancellationRequested();
        }

        return answer.Text.Result(begun == 0 ? TimeSpan.Zero : time.GetElapsedTime(begun));
    }

    /// <summary>Opens a model by its reference and continues one prompt.</summary>
    /// <param name="tokenizer">A tokenizer's path that goes before the one beside the model.</param>
    /// <param name="options">How to draw, given what the model's makers want.</param>
    /// <exception cref="UserError">The model, its tokenizer, the prompt or an option is at fault.</exception>
    public static Generation Write(string reference, string? tokenizer, AnswerFormat format, string prompt, Func<GenerationDefaults, SamplingOptions> options, int threads, Action<string>? onText, TimeProvider time, CancellationToken cancel)
    {
        options(GenerationDefaults.None).Validate("sampling options");
        InferenceModel model = InferenceModel.Open(reference, tokenizer, format);
        Tokenizer words = model.OpenTokenizer();
        SamplingOptions chosen = options(GenerationConfigFile.Read(reference));
        cancel.ThrowIfCancellationRequested();
        return Write(model.Weights, words, PromptTokens.Of(prompt, words, model.Weights.Config, reference), chosen, Generator.Seed(chosen, 0), threads, reference, time, onText, cancel, AnswerFormFile.Read(reference));
    }
}
