using System.Text;
using Retort.Model;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

/// <summary>Seeded mutations of whole small files: each is read or refused with a <see cref="UserError"/>, and none makes the reader allocate more
/// than a small multiple of what a good file takes.</summary>
public sealed class FuzzTests : IDisposable
{
    const int Mutations = 2500;
    const long MostBytes = 4 << 20;

    static readonly string[] Words =
    [
        "-1", "0", "1e999", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999", "1.5", "null", "true", "[]",
        "{}", "\"\"", "\"../x\"", "\"\\ud800\"", "\"F32\"", "\"BOOL\"", ",", ":", "\"shape\":[1]", "[[[[", "\0", "\u00e9", "4096", "65536",
    ];

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Safetensors()
    {
        byte[] good = Scratch.Joined("""{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}""", 32);
        Fuzz(good, "a.safetensors", path =>
        {
            using Safetensors file = Retort.Model.Files.Safetensors.Open(path);
            foreach (TensorEntry entry in file.Entries.Where(e => e.Type.HoldsWeights))
            {
                file.Read(entry, new float[entry.Count]);
            }
        });
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors.index.json")]
    [InlineData("generation_config.json")]
    [InlineData("model-00002-of-00003.safetensors")]
    public void Folders(string name)
    {
        ModelFolder.Write(_scratch.Folder, Scratch.Weights(Scratch.Tiny(LlamaFamily.Qwen3, false)), NumberType.F16, shardBytes: 6000);
        _scratch.Write("generation_config.json", "{\"bos_token_id\": 1, \"eos_token_id\": [2, 7], \"temperature\": 0.6}");
        Fuzz(File.ReadAllBytes(_scratch[name]), name, _ => ModelFolder.ReadWeights(_scratch.Folder, ModelFolder.ReadConfig(_scratch.Folder)));
    }

    [Fact]
    public void Llama2cFiles() => Fuzz(Llama2cTests.Model(-10), "m.bin", path => Llama2c.Read(path), most: 40);

    /// <param name="most">How far into the file it is altered; its length always may be.</param>
    void Fuzz(byte[] good, string name, Action<string> read, int most = int.MaxValue)
    {
        read(_scratch.Write(name, good));
        Random random = new(20260);
        int refused = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bad = Mutate(good, random, Math.Min(most, good.Length));
            string path = _scratch.Write(name, bad);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Exception? e = Record.Exception(() => read(path));
            long taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(e is null or UserError, $"mutation {i}: {e}");
            Assert.True(taken < MostBytes, $"mutation {i} took {taken} bytes");
            refused += e is null ? 0 : 1;
        }

        Assert.InRange(refused, Mutations / 20, Mutations);
    }

    static byte[] Mutate(byte[] good, Random random, int most)
    {
        List<byte> bytes = [.. good];
        for (int n = random.Next(1, 4); n > 0 && bytes.Count > 0; n--)
        {
            int at = random.Next(Math.Min(most, bytes.Count));
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)));
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    // A value in place of the number, or the text up to the next quote, that stands there.
                    int start = bytes.FindIndex(at, b => b is (byte)'"' or (>= (byte)'0' and <= (byte)'9'));
                    start = start < 0 || start >= most ? at : start;
                    int end = bytes.FindIndex(start + 1 <= bytes.Count - 1 ? start + 1 : start, b => b is (byte)',' or (byte)'}' or (byte)']' or (byte)'"');
                    bytes.RemoveRange(start, Math.Max(0, Math.Min(end < 0 ? 1 : end - start, bytes.Count - start)));
                    bytes.InsertRange(start, Encoding.UTF8.GetBytes(Words[random.Next(Words.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }
}
