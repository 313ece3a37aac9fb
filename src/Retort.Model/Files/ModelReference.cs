using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>A model in memory and what it was read from.</summary>
/// <param name="Path">The folder or file.</param>
/// <param name="Hash">SHA-256 over the bytes of the weight files, shards one after the other in ordinal order of their names; lower-case hex.</param>
/// <param name="Bytes">Bytes of the weight files.</param>
/// <param name="TokenizerPath">A folder with tokenizer.json, or a tokenizer file; null where none lies with the model and none was named.</param>
public sealed record OpenModel(LlamaWeights Weights, string Path, string Hash, long Bytes, string? TokenizerPath);

/// <summary>The kinds of files a model comes in.</summary>
enum ModelKind
{
    /// <summary>Hugging Face's.</summary>
    Folder,
    Gguf,
    Llama2c,
}

/// <summary>What a reference names.</summary>
/// <param name="Tokenizer">A folder with tokenizer.json or a tokenizer file, or null.</param>
sealed record ModelFiles(ModelKind Kind, string? Tokenizer);

/// <summary>Opens whatever a model is named by: a Hugging Face folder, a GGUF file or a llama2.c file.</summary>
public static partial class ModelReference
{
    /// <summary>Reads a model into memory as floats.</summary>
    /// <param name="reference">A path.</param>
    /// <param name="tokenizer">A tokenizer's path that goes before the one found with the model.</param>
    /// <exception cref="UserError">There is no such model, it is of a kind not supported, or its files are broken.</exception>
    public static OpenModel Open(string reference, string? tokenizer = null)
    {
        ModelFiles found = Find(reference, tokenizer);
        LlamaWeights weights = found.Kind switch
        {
            ModelKind.Folder => ModelFolder.ReadWeights(reference, ModelFolder.ReadConfig(reference)),
            ModelKind.Gguf => GgufModel.Read(reference),
            _ => Llama2c.Read(reference),
        };
        return Opened(weights, reference, found.Kind == ModelKind.Folder ? WeightFiles.Paths(reference) : [reference], found.Tokenizer);
    }

    /// <summary>What a reference names, and the tokenizer that belongs to it.</summary>
    /// <exception cref="UserError">There is no such model or tokenizer.</exception>
    internal static ModelFiles Find(string reference, string? tokenizer)
    {
        RefuseUnsupported(reference);
        if (tokenizer is not null && !System.IO.Path.Exists(tokenizer))
        {
            throw new UserError("There is no such tokenizer", tokenizer, "Check the path.");
        }

        if (Directory.Exists(reference))
        {
            if (!File.Exists(System.IO.Path.Combine(reference, "config.json")))
            {
                string? file = Directory.EnumerateFiles(reference, "*.bin").Where(f => !System.IO.Path.GetFileName(f).StartsWith("tok", StringComparison.Ordinal)).Order(StringComparer.Ordinal).FirstOrDefault();
                throw new UserError("The folder holds no config.json", reference, file is null ? "A model's folder holds config.json, *.safetensors and tokenizer.json." : $"If the llama2.c file in it is meant, name it: {file}");
            }

            return new(ModelKind.Folder, tokenizer ?? TokenizerIn(reference, () => ModelFolder.ReadConfig(reference).Vocabulary));
        }

        if (!File.Exists(reference))
        {
            throw new UserError("There is no such model", reference, HubName().IsMatch(reference)
                ? $"A model reference is a folder, a .gguf or a .bin file; fetch one from the hub with: retort pull {reference}"
                : "A model reference is a Hugging Face folder, a .gguf file or a llama2.c .bin file; check the path.");
        }

        if (GgufHeader.IsAt(reference))
        {
            return new(ModelKind.Gguf, tokenizer ?? reference);
        }

        string beside = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(reference))!;
        return new(ModelKind.Llama2c, tokenizer ?? LlamaTokenizerIn(beside, reference, () => Llama2c.ReadConfig(reference).Vocabulary));
    }

    /// <summary>Opens a model whose weights are to be frozen. Of a Hugging Face folder no tensor exists in floats as a whole.</summary>
    /// <exception cref="UserError">As with <see cref="Open"/>.</exception>
    public static FrozenModel OpenFrozen(string reference, NarrowFormat format)
    {
        if (Directory.Exists(reference) && File.Exists(System.IO.Path.Combine(reference, "config.json")))
        {
            LlamaConfig config = ModelFolder.ReadConfig(reference);
            FrozenWeights read = ModelFolder.ReadFrozen(reference, config, format);
            return new(read, reference, HashOf(WeightFiles.Paths(reference)).Hash, TokenizerIn(reference, () => config.Vocabulary));
        }

        OpenModel model = Open(reference);
        return new(FrozenWeights.Of(model.Weights, format, reference), model.Path, model.Hash, model.TokenizerPath);
    }

    static void RefuseUnsupported(string reference)
    {
        if (reference.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || reference.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            throw new UserError("An endpoint as a model is not supported yet", Uri.TryCreate(reference, UriKind.Absolute, out Uri? uri) ? Download.Show(uri) : "the model reference", "Name a Hugging Face folder, a .gguf file or a llama2.c .bin file.");
        }
    }

    static OpenModel Opened(LlamaWeights weights, string path, IReadOnlyList<string> files, string? tokenizer)
    {
        (string hash, long bytes) = HashOf(files);
        return new(weights, path, hash, bytes, tokenizer);
    }

    static (string Hash, long Bytes) HashOf(IReadOnlyList<string> files)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] part = new byte[1 << 18];
        long bytes = 0;
        foreach (string name in files)
        {
            using InputFile file = InputFile.Open(name);
            for (long at = 0; at < file.Length; at += part.Length)
            {
                Span<byte> now = part.AsSpan(0, (int)Math.Min(part.Length, file.Length - at));
                file.Read(now, at);
                hash.AppendData(now);
            }

            bytes += file.Length;
        }

        return (Convert.ToHexStringLower(hash.GetHashAndReset()), bytes);
    }

    static string? TokenizerIn(string folder, Func<int> vocabulary) =>
        File.Exists(System.IO.Path.Combine(folder, "tokenizer.json")) ? folder : LlamaTokenizerIn(folder, folder, vocabulary);

    /// <summary>The one tok*.bin of the folder, or among several tok{vocabulary}.bin, as llama2.c names them; without any, tokenizer.model.</summary>
    static string? LlamaTokenizerIn(string folder, string model, Func<int> vocabulary)
    {
        string[] found = [.. Directory.EnumerateFiles(folder, "tok*.bin").Where(f => System.IO.Path.GetFullPath(f) != System.IO.Path.GetFullPath(model)).Order(StringComparer.Ordinal)];
        if (found.Length <= 1)
        {
            string pieces = System.IO.Path.Combine(folder, "tokenizer.model");
            return found.FirstOrDefault() ?? (File.Exists(pieces) ? pieces : null);
        }

        string name = $"tok{vocabulary()}.bin";
        return found.FirstOrDefault(f => System.IO.Path.GetFileName(f) == name)
            ?? throw new UserError($"{found.Length} tokenizers lie beside the model, none named {name}", model, "Name the right one with --tokenizer.");
    }

    [GeneratedRegex(@"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?$", RegexOptions.CultureInvariant | RegexOptions.ECMAScript)]
    private static partial Regex HubName();
}
