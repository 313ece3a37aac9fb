using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Tokenizers;

namespace Retort.Model.Inference;

/// <summary>How a model's matrices are kept to answer with.</summary>
public enum AnswerFormat
{
    /// <summary>As the file stores them; a Hugging Face folder's are read in place.</summary>
    Stored,

    /// <summary>Eight bits a weight and a scale for 32 of them (Q8_0).</summary>
    Q8,

    /// <summary>Four bits a weight and a scale for 32 of them (Q4_0).</summary>
    Q4,
}

/// <summary>A model opened to answer.</summary>
/// <param name="Path">What it was named by.</param>
/// <param name="TokenizerPath">A folder with tokenizer.json or a tokenizer file; null where none lies with the model.</param>
public sealed record InferenceModel(InferenceWeights Weights, string Path, string? TokenizerPath)
{
    /// <summary>Bytes of floats up to which every one is looked at on opening: a fraction of a second. Of larger models whatever is no number shows
    /// when logits come out that are none.</summary>
    internal const long LookedThrough = 512L << 20;

    /// <summary>
    /// Opens a model by its reference without reading more of it than its format asks for: floats are mapped and read when they are first
    /// computed with, blocks of whole numbers are packed at once.
    /// </summary>
    /// <param name="tokenizer">A tokenizer's path that goes before the one found with the model.</param>
    /// <exception cref="UserError">There is no such model, it is of a kind not supported, or its files are broken.</exception>
    public static InferenceModel Open(string reference, string? tokenizer = null, AnswerFormat format = AnswerFormat.Stored)
    {
        ModelFiles files = ModelReference.Find(reference, tokenizer);
        WeightBits? bits = format switch { AnswerFormat.Q8 => WeightBits.Eight, AnswerFormat.Q4 => WeightBits.Four, _ => null };
        InferenceWeights weights = files.Kind switch
        {
            ModelKind.Folder => InferenceFolder.Open(reference),
            ModelKind.Gguf => InferenceGguf.Open(reference),
            _ => InferenceWeights.Of(Llama2c.Read(reference)),
        };
        return new(bits is { } b ? weights.Quantized(b, reference) : weights, reference, files.Tokenizer);
    }

    /// <summary>Its tokenizer.</summary>
    /// <exception cref="UserError">There is none, or it is broken.</exception>
    public Tokenizer OpenTokenizer() =>
        Tokenizer.Open(TokenizerPath ?? throw new UserError("there is no tokenizer beside the model", Path, "Put its tokenizer.json or tok*.bin beside it, or name one with --tokenizer FILE."));
}
