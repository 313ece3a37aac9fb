using System.Text;
using System.Text.Json.Nodes;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

/// <summary>Seeded damage to valid files: they open and work, or end in a <see cref="UserError"/>; nothing else.</summary>
public class DamagedFileTests
{
    static readonly string[] Values =
        ["null", "true", "-1", "0", "3", "400", "2147483647", "1e400", "0.5", "\"\"", "\"a\"", "\"\\ud800\"", "[]", "[[\"a\",\"b\"]]", "[7]", "{}", "{\"type\":\"ByteLevel\"}", "{\"a\":0}"];

    [Fact]
    public void DamagedScoredVocabularies()
    {
        var random = new RandomStream(11);
        byte[] good = Samples.Scored(Samples.RandomPieces(random, 40, 5));
        Assert.InRange(Survives("tok.bin", 2_000, () => Damage([.. good], random)), 20, 1_900);
    }

    [Theory]
    [InlineData("bytes.json")]
    [InlineData("pieces.json")]
    public void DamagedJsonBytes(string name)
    {
        var random = new RandomStream(12);
        byte[] good = File.ReadAllBytes(GoldenFiles.Find(name));
        Assert.InRange(Survives("tokenizer.json", 2_500, () => Damage([.. good], random)), 25, 2_375);
    }

    [Theory]
    [InlineData("bytes.json")]
    [InlineData("pieces.json")]
    public void DamagedJsonFields(string name)
    {
        var random = new RandomStream(13);
        string good = File.ReadAllText(GoldenFiles.Find(name));
        int opened = Survives("tokenizer.json", 2_500, () =>
        {
            JsonNode json = JsonNode.Parse(good)!;
            for (int change = random.NextInt(3); change >= 0; change--)
            {
                ChangeField(json, random);
            }

            string value = Values[random.NextInt(Values.Length)];
            return Encoding.UTF8.GetBytes(json.ToJsonString().Replace("\"changed\"", value, StringComparison.Ordinal));
        });
        Assert.InRange(opened, 25, 2_375);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("gemma")]
    public void DamagedSentencePieceModels(string name)
    {
        var random = new RandomStream(14);
        byte[] good = File.ReadAllBytes(SentencePieceTests.Model(name));
        Assert.InRange(Survives("tokenizer.model", 5_000, () => Damage([.. good], random)), 50, 4_750);
    }

    static int Survives(string name, int rounds, Func<byte[]> make)
    {
        using var folder = new ScratchFolder();
        int opened = 0;
        for (int round = 0; round < rounds; round++)
        {
            File.WriteAllBytes(folder[name], make());
            try
            {
                Tokenizer tokenizer = Tokenizer.Open(folder[name]);
                foreach (string text in (string[])["", "a b  c", "<s> Once upon é🙂<|user|>\n"])
                {
                    int[] ids = tokenizer.Encode(text);
                    tokenizer.Decode(ids);
                    tokenizer.Decode(ids, skipSpecial: false);
                }

                if (opened++ % 64 == 0)
                {
                    tokenizer.Save(folder["saved.json"]);
                    Assert.Equal(tokenizer.Hash, Tokenizer.Open(folder["saved.json"]).Hash);
                }
            }
            catch (UserError error)
            {
                Assert.StartsWith(folder[name], error.Where, StringComparison.Ordinal);
            }
        }

        return opened;
    }

    static byte[] Damage(byte[] file, RandomStream random)
    {
        for (int change = random.NextInt(4); change >= 0; change--)
        {
            int at = random.NextInt(file.Length);
            switch (random.NextInt(5))
            {
                case 0:
                    file = file[..at];
                    break;
                case 1:
                    file[at] ^= (byte)(1 << random.NextInt(8));
                    break;
                case 2:
                    file[at] = (byte)random.NextInt(256);
                    break;
                case 3:
                    file = [.. file[..at], .. file[Math.Min(file.Length, at + random.NextInt(9))..]];
                    break;
                default:
                    file = [.. file[..at], .. file.AsSpan(at, Math.Min(file.Length - at, random.NextInt(20))), .. file[at..]];
                    break;
            }

            if (file.Length == 0)
            {
                break;
            }
        }

        return file;
    }

    static void ChangeField(JsonNode node, RandomStream random)
    {
        while (true)
        {
            switch (node)
            {
                case JsonObject { Count: > 0 } members:
                    string name = members.ElementAt(random.NextInt(members.Count)).Key;
                    if (members[name] is JsonObject or JsonArray && random.NextInt(4) > 0)
                    {
                        node = members[name]!;
                        continue;
                    }

                    if (random.NextInt(3) == 0)
                    {
                        members.Remove(name);
                    }
                    else
                    {
                        members[name] = "changed";
                    }

                    return;
                case JsonArray { Count: > 0 } items:
                    int index = random.NextInt(items.Count);
                    if (items[index] is JsonObject or JsonArray && random.NextInt(4) > 0)
                    {
                        node = items[index]!;
                        continue;
                    }

                    items[index] = "changed";
                    return;
                default:
                    return;
            }
        }
    }
}
