using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Tokenizers;

namespace Retort.Model.Llama;

/// <summary>Opens a model by its reference and continues one prompt.</summary>
public static class GenerateJob
{
    /// <param name="tokenizer">A tokenizer's path that goes before the one beside the model.</param>
    /// <param name="options">How to draw, given what the model's makers want.</param>
    /// <param name="onText">Gets the text piece by piece as it becomes certain.</param>
    /// <exception cref="UserError">The model, its tokenizer, the prompt or an option is at fault.</exception>
    public static Generation Run(string reference, string? tokenizer, string prompt, Func<GenerationDefaults, SamplingOptions> options, int threads, Action<string>? onText, TimeProvider time, CancellationToken stop)
    {
        options(GenerationDefaults.None).Validate("sampling options");
        OpenModel model = ModelReference.Open(reference, tokenizer);
        Tokenizer words = Tokenizer.Open(model.TokenizerPath ?? throw new UserError("there is no tokenizer beside the model", reference, "Put its tokenizer.json or tok*.bin beside it, or name one with --tokenizer FILE."));
        SamplingOptions chosen = options(GenerationConfigFile.Read(model));
        stop.ThrowIfCancellationRequested();
        using Workers workers = new(threads);
        return new Generator(model, words, workers, time).Generate(prompt, chosen, onText, stop);
    }
}
