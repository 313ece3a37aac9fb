using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>A model in memory and what it was read from.</summary>
/// <param name="Path">The folder or file.</param>
/// <param name="Hash">SHA-256 over the bytes of the weight files, shards one after the other in ordinal order of their names; lower-case hex.</param>
/// <param name="Bytes">Bytes of the weight files.</param>
/// <param name="TokenizerPath">A folder with tokenizer.json, or a tokenizer file; null where none lies with the model and none was named.</param>
public sealed record OpenModel(LlamaWeights Weights, string Path, string Hash, long Bytes, string? TokenizerPath);

/// <summary>Opens whatever a model is named by: a Hugging Face folder, a GGUF file or a llama2.c file.</summary>
public static partial class ModelReference
{
    /// <param name="reference">A path.</param>
    /// <param name="tokenizer">A tokenizer's path that goes before the one found with the model.</param>
    /// <exception cref="UserError">There is no such model, it is of a kind not supported, or its files are broken.</exception>
    public static OpenModel Open(string reference, string? tokenizer = null)
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

            LlamaWeights weights = ModelFolder.ReadWeights(reference, ModelFolder.ReadConfig(reference));
            return Opened(weights, reference, WeightFiles.Paths(reference), tokenizer ?? TokenizerIn(reference, weights.Config.Vocabulary));
        }

        if (File.Exists(reference))
        {
            if (GgufHeader.IsAt(reference))
            {
                return Opened(GgufModel.Read(reference), reference, [reference], tokenizer ?? reference);
            }

            LlamaWeights weights = Llama2c.Read(reference);
            string beside = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(reference))!;
            return Opened(weights, reference, [reference], tokenizer ?? LlamaTokenizerIn(beside, reference, weights.Config.Vocabulary));
        }

        throw new UserError("There is no such model", reference, HubName().IsMatch(reference)
            ? $"A model reference is a folder, a .gguf or a .bin file; fetch one from the hub with: retort pull {reference}"
            : "A model reference is a Hugging Face folder, a .gguf file or a llama2.c .bin file; check the path.");
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

        return new(weights, path, Convert.ToHexStringLower(hash.GetHashAndReset()), bytes, tokenizer);
    }

    static string? TokenizerIn(string folder, int vocabulary) =>
        File.Exists(System.IO.Path.Combine(folder, "tokenizer.json")) ? folder : LlamaTokenizerIn(folder, folder, vocabulary);

    /// <summary>The one tok*.bin of the folder, or among several tok{vocabulary}.bin, as llama2.c names them; without any, tokenizer.model.</summary>
    static string? LlamaTokenizerIn(string folder, string model, int vocabulary)
    {
        string[] found = [.. Directory.EnumerateFiles(folder, "tok*.bin").Where(f => System.IO.Path.GetFullPath(f) != System.IO.Path.GetFullPath(model)).Order(StringComparer.Ordinal)];
        string pieces = System.IO.Path.Combine(folder, "tokenizer.model");
        return found.Length <= 1 ? found.FirstOrDefault() ?? (File.Exists(pieces) ? pieces : null)
            : found.FirstOrDefault(f => System.IO.Path.GetFileName(f) == $"tok{vocabulary}.bin")
            ?? throw new UserError($"{found.Length} tokenizers lie beside the model, none named tok{vocabulary}.bin", model, "Name the right one with --tokenizer.");
    }

    [GeneratedRegex(@"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?$", RegexOptions.CultureInvariant | RegexOptions.ECMAScript)]
    private static partial Regex HubName();
}
