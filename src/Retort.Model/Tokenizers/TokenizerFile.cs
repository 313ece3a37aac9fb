using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Retort.Model.Tokenizers;

/// <summary>A tokenizer's files on disk.</summary>
static class TokenizerFile
{
    internal const string JsonName = "tokenizer.json";

    internal const string SentencePieceName = "tokenizer.model";

    const string ConfigName = "tokenizer_config.json";
    const long LargestFile = 512L << 20;

    /// <summary>The tokenizer of a folder: tokenizer.json, or in its absence tokenizer.model, which says less.</summary>
    internal static string In(string folder) =>
        Path.Combine(folder, !File.Exists(Path.Combine(folder, JsonName)) && File.Exists(Path.Combine(folder, SentencePieceName)) ? SentencePieceName : JsonName);

    /// <exception cref="UserError">The file is absent, unreadable or too large.</exception>
    internal static byte[] Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            if (stream.Length > LargestFile)
            {
                throw new UserError($"the file has {stream.Length} bytes, which no tokenizer has", path, "Name a tokenizer file.");
            }

            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserError("there is no such file", path, "Name a folder with tokenizer.json or tokenizer.model, such a file itself, or a llama2.c tokenizer .bin.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new UserError($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "Check the path and its permissions.");
        }
    }

    /// <summary>tokenizer_config.json beside a tokenizer, or null.</summary>
    internal static JsonField? ReadBeside(string path)
    {
        string config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, ConfigName);
        if (!File.Exists(config))
        {
            return null;
        }

        JsonField root = JsonField.Parse(Read(config), config);
        return root.IsObject ? root : throw root.Fault("the file holds no object", "Use the file that belongs to the tokenizer.");
    }

    /// <inheritdoc cref="Tokenizer.Save"/>
    internal static void Save(TokenizerDefinition definition, string path)
    {
        byte[] json = TokenizerJsonWriter.Write(definition);
        if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            AtomicFile.WriteAllBytes(path, json);
            return;
        }

        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception error) when (FileFault.Is(error))
        {
            throw FileFault.Writing(path, error);
        }

        AtomicFile.WriteAllBytes(Path.Combine(path, JsonName), json);
        AtomicFile.WriteAllBytes(Path.Combine(path, ConfigName), Config(definition, Path.Combine(path, ConfigName)));
    }

    /// <summary>The text with every lone surrogate replaced by U+FFFD, which is what UTF-8 encoding would make of it.</summary>
    internal static string WellFormed(string text) =>
        text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0 ? text : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    static byte[] Config(TokenizerDefinition definition, string path)
    {
        JsonObject config = ReadBeside(path) is { } kept ? JsonObject.Create(kept.Element)! : new() { ["tokenizer_class"] = "PreTrainedTokenizerFast" };
        config["bos_token"] = definition.Begin is { } begin ? definition.Tokens[begin] : null;
        config["eos_token"] = definition.End is { } end ? definition.Tokens[end] : null;
        config["clean_up_tokenization_spaces"] = false;
        return Encoding.UTF8.GetBytes(config.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n");
    }
}
