using System.Buffers.Binary;
using System.Text;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

/// <summary>Small tokenizers and texts made here.</summary>
static class Samples
{
    /// <summary>Texts that meet every branch: scripts, emoji, planes, marks, control characters, line ends, runs of spaces, numbers.</summary>
    internal static readonly string[] Texts =
    [
        "", " ", "  ", "\n", "a", " a", "a ", "Once upon a time, there was a little girl named Lily.", "Hello world\n\n  indented\tline\r\n",
        "It's we've I'LL don't 'S 'tis'", "1234567890 12 345 6", "naïve café résumé Ünïcödé", "e\u0301 n\u0303 \u1112\u1161\u11ab \u0344", "日本語のテキスト、漢字。",
        "한국어 텍스트", "العربية نص", "हिन्दी में पाठ", "🙂 🤷🏽‍♀️👩‍👩‍👧 🇩🇪", "𝐀𝐛𝟏𝟐 𠀀𠀁 𐍈𐌰", "\0\u0001\u007f\u0085\u00a0\u2028\u3000", "<s> </s> <unk> <0x0A> <|end|>",
        "...!!!???---___***", "x'ſa x'Sa x'lLa x'ßa 'ŉ '\u212A 'rE 'Vé", "x = y*2; // comment\nif (a[i] != b) { return; }", "    four spaces then tabs\t\t\t", "ſ K ŉ ß ẞ ﬁ ǆ", "▁ ▁▁ a▁b", "\uFFFD\uFFFE\uFEFF",
        "mixed١٢٣ⅣⅧ½²", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "supercalifragilisticexpialidocious antidisestablishmentarianism",
    ];

    static readonly string[] Letters =
        ["a", "b", "e", "t", "h", "o", "n", "s", " ", " ", "  ", "\n", "'", "s", "1", "23", ".", ",", "é", "e\u0301", "ж", "漢", "🙂", "𝐀", "▁", "the", " and", "\r\n", "\t", "<", "|", ">", "\u00a0"];

    internal static string RandomText(RandomStream random, int most)
    {
        var builder = new StringBuilder();
        for (int i = random.NextInt(most + 1); i > 0; i--)
        {
            builder.Append(Letters[random.NextInt(Letters.Length)]);
        }

        return builder.ToString();
    }

    internal static Tokenizer Trained(int size = 400, params string[] specials) => BytePairTrainer.Train(Texts, size, specials);

    /// <summary>A llama2.c vocabulary: the specials and bytes, then pieces with their scores.</summary>
    internal static byte[] Scored(params (string Text, float Score)[] pieces)
    {
        var file = new List<byte>(BitConverter.GetBytes(64));
        Add(file, "<unk>", 0);
        Add(file, "\n<s>\n", 0);
        Add(file, "\n</s>\n", 0);
        for (int value = 0; value < 256; value++)
        {
            Add(file, $"<0x{value:X2}>", 0);
        }

        foreach (var (text, score) in pieces)
        {
            Add(file, text, score);
        }

        return [.. file];
    }

    /// <summary>Pieces over a small alphabet, with scores of which many are equal.</summary>
    internal static (string Text, float Score)[] RandomPieces(RandomStream random, int count, int scores)
    {
        var pieces = new Dictionary<string, float>(StringComparer.Ordinal);
        foreach (string letter in (string[])[" ", "a", "b", "c", "é"])
        {
            pieces[letter] = -1000;
        }

        while (pieces.Count < count)
        {
            string[] known = [.. pieces.Keys];
            string joined = known[random.NextInt(known.Length)] + known[random.NextInt(known.Length)];
            if (joined.Length <= 8)
            {
                pieces.TryAdd(joined, -random.NextInt(scores));
            }
        }

        return [.. pieces.Select(piece => (piece.Key, piece.Value))];
    }

    static void Add(List<byte> file, string text, float score)
    {
        Span<byte> head = stackalloc byte[8];
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        BinaryPrimitives.WriteSingleLittleEndian(head, score);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], bytes.Length);
        file.AddRange(head);
        file.AddRange(bytes);
    }
}
