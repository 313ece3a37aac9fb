using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

/// <summary>Real vocabularies beside huggingface/tokenizers: the same ids and the same decoding of every text.</summary>
public class ReferenceTests
{
    const int RandomTexts = 20_000;

    [Theory]
    [InlineData("llama3")]
    [InlineData("llama2")]
    [InlineData("qwen3")]
    [InlineData("gemma3")]
    [InlineData("deepseek_v3")]
    public void EncodesAndDecodesAsTheReference(string name)
    {
        string file = NodePackages.Find($"@lenml/tokenizer-{name}/models/tokenizer.json");
        List<string> texts = [.. Corpora(), .. Sources(), .. Samples.Texts, .. RandomUnicode(Tokenizer.Open(file))];
        using var folder = new ScratchFolder();
        Write(folder["texts"], texts);
        NodePackages.Run("tokenize.mjs", file, folder["texts"], folder["results"]);
        Agrees(Tokenizer.Open(file), texts, File.ReadAllBytes(folder["results"]));
    }

    static void Agrees(Tokenizer tokenizer, List<string> texts, byte[] results)
    {
        int at = 0, wrong = 0;
        var report = new StringBuilder();
        foreach (string text in texts)
        {
            ReadOnlySpan<int> ids = MemoryMarshal.Cast<byte, int>(Next(results, ref at, sizeof(int)));
            string decoded = Encoding.UTF8.GetString(Next(results, ref at, 1));
            int[] ours = tokenizer.Encode(text);
            string ourText = tokenizer.Decode(ids);
            if ((!ids.SequenceEqual(ours) || ourText != decoded) && ++wrong <= 10)
            {
                int first = ids.CommonPrefixLength(ours);
                report.AppendLine($"{Shown(text)}: at id {first} of {ids.Length} [{string.Join(' ', ids[first..Math.Min(ids.Length, first + 5)].ToArray())}] and [{string.Join(' ', ours[first..Math.Min(ours.Length, first + 5)])}]; {Shown(decoded)} and {Shown(ourText)}");
            }
        }

        Assert.Equal(results.Length, at);
        Assert.True(wrong == 0, $"{wrong} of {texts.Count} texts differ\n{report}");
    }

    static ReadOnlySpan<byte> Next(byte[] results, ref int at, int size)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(results.AsSpan(at)) * size;
        at += sizeof(int) + length;
        return results.AsSpan(at - length, length);
    }

    static void Write(string path, List<string> texts)
    {
        using var writer = new BinaryWriter(File.Create(path));
        foreach (string text in texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }
    }

    static IEnumerable<string> Corpora() =>
        Directory.EnumerateFiles(Path.GetDirectoryName(SharedFiles.Find("corpora/tinyshakespeare.txt"))!).Order(StringComparer.Ordinal).Select(File.ReadAllText);

    static IEnumerable<string> Sources()
    {
        string root = GoldenFiles.Root();
        IEnumerable<string> files = ((string[])["src", "tests/Retort.Tests", "samples"]).SelectMany(part => Directory.EnumerateFiles(Path.Combine(root, part), "*.cs", SearchOption.AllDirectories));
        return files.Concat(Directory.EnumerateFiles(root, "*.md")).Order(StringComparer.Ordinal).Select(File.ReadAllText);
    }

    /// <summary>Texts of all planes, alone and mixed with tokens of the vocabulary and with what the word patterns treat apart.</summary>
    static IEnumerable<string> RandomUnicode(Tokenizer tokenizer)
    {
        var random = new RandomStream(41);
        var text = new StringBuilder();
        for (int i = 0; i < RandomTexts; i++)
        {
            text.Clear();
            int kind = random.NextInt(4);
            for (int length = 1 + random.NextInt(24); length > 0; length--)
            {
                text.Append((kind == 3 ? random.NextInt(3) : kind) switch
                {
                    0 => RandomRune(random).ToString(),
                    1 => tokenizer.Decode([random.NextInt(tokenizer.VocabularySize)], skipSpecial: random.NextInt(64) > 0),
                    _ => Samples.RandomText(random, 6),
                });
            }

            yield return text.ToString();
        }
    }

    /// <summary>Any code point, those that text is mostly made of far more often, and those that combine: marks, conjoining jamo, marks younger than Unicode 9.</summary>
    static Rune RandomRune(RandomStream random)
    {
        ReadOnlySpan<(int First, int Count)> ranges =
        [
            (0, 0x110000), (0, 0x20000), (0, 0x3100), (0, 0x3100), (0, 0x700), (0, 0x10000), (0, 0x10000), (0x300, 0x70), (0x1100, 0x100), (0x1AB0, 0x350), (0x8D0, 0x30),
        ];
        while (true)
        {
            var (first, count) = ranges[random.NextInt(ranges.Length)];
            if (Rune.TryCreate(first + random.NextInt(count), out Rune rune))
            {
                return rune;
            }
        }
    }

    static string Shown(string text)
    {
        string escaped = string.Concat(text.Take(120).Select(c => c is > ' ' and < '\u007F' ? c.ToString() : $"\\u{(int)c:X4}"));
        return text.Length > 120 ? $"\"{escaped}\"... ({text.Length} characters)" : $"\"{escaped}\"";
    }
}
