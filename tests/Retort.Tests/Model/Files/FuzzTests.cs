using System.Text;
using Retort.Model.Files;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Files;

/// <summary>Seeded mutations of whole small files: each is read or refused with a <see cref="UserError"/>, and none makes the reader allocate more
/// than a small multiple of what a good file takes.</summary>
public sealed class FuzzTests : IDisposable
{
    const int Mutations = 10_000;
    const long MostBytes = 4 << 20;

    static readonly string[] Words =
    [
        "-1", "0", "1e999", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999", "1.5", "null", "true", "[]",
        "{}", "\"\"", "\"../x\"", "\"\\ud800\"", "\"F32\"", "\"BOOL\"", ",", ":", "\"shape\":[1]", "[[[[", "\0", "\u00e9", "4096", "65536",
    ];

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    const string Header = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}""";

    [Fact]
    public void Safetensors() => Fuzz(Scratch.Joined(Header, 32), "a.safetensors", ReadAll);

    /// <summary>The header's length is right each time, so that what is wrong in it is met.</summary>
    [Fact]
    public void SafetensorsHeaders() => Fuzz(Scratch.Joined(Header, 32), "a.safetensors", ReadAll, change: (_, random) => Scratch.Joined(JsonMutation.Of(Header, random), random.Next(4) == 0 ? random.Next(64) : 32));

    void ReadAll(string path)
    {
        using Safetensors file = Retort.Model.Files.Safetensors.Open(path);
        foreach (TensorEntry entry in file.Entries.Where(e => e.Type.HoldsWeights))
        {
            file.Read(entry, new float[entry.Count]);
        }
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
        Fuzz(File.ReadAllBytes(_scratch[name]), name, _ => ReadBoth(), leastLoaded: 5);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors.index.json")]
    [InlineData("generation_config.json")]
    public void StructureOfFolders(string name)
    {
        ModelFolder.Write(_scratch.Folder, Scratch.Weights(Scratch.Tiny(LlamaFamily.Qwen3, false)), NumberType.F16, shardBytes: 6000);
        _scratch.Write("generation_config.json", "{\"bos_token_id\": 1, \"eos_token_id\": [2, 7], \"temperature\": 0.6}");
        Fuzz(File.ReadAllBytes(_scratch[name]), name, _ => ReadBoth(), change: (good, random) => JsonMutation.Of(good, random));
    }

    /// <summary>Into memory, and whatever comes of that, mapped.</summary>
    void ReadBoth()
    {
        try
        {
            ModelFolder.ReadWeights(_scratch.Folder, ModelFolder.ReadConfig(_scratch.Folder));
        }
        finally
        {
            InferenceFolder.Open(_scratch.Folder);
        }
    }

    /// <summary>Counts and lengths set to powers of two and their neighbours.</summary>
    [Fact]
    public void Llama2cHeaders() => Fuzz(Llama2cTests.Model(-10), "m.bin", path => Llama2c.Read(path), change: (good, random) =>
    {
        byte[] bad = [.. good];
        int value = (int)((1L << random.Next(33)) + random.Next(-1, 2)) * (random.Next(4) == 0 ? -1 : 1);
        BitConverter.TryWriteBytes(bad.AsSpan(4 * random.Next(7)), random.Next(8) == 0 ? BitConverter.ToInt32(bad, 4 * random.Next(7)) : value);
        return random.Next(4) == 0 ? bad[..random.Next(bad.Length)] : bad;
    }, leastLoaded: 1);

    /// <summary>A few bytes that promise terabytes cost no more than they are.</summary>
    [Fact]
    public void PromisesAreNotAllocated()
    {
        string config = Encoding.UTF8.GetString(Written("config.json"));
        (string Name, byte[] Content, Action<string> Read)[] promises =
        [
            ("a.safetensors", Scratch.Joined("""{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}""", 4), ReadAll),
            ("a.safetensors", [0, 0, 0, 0, 0, 1, 0, 0, (byte)'{', (byte)'}'], ReadAll),
            ("a.safetensors", [0, 225, 245, 5, 0, 0, 0, 0, (byte)'{', (byte)'}'], ReadAll),
            ("config.json", Encoding.UTF8.GetBytes(config.Replace("\"hidden_size\": 16", "\"hidden_size\": 65536", StringComparison.Ordinal).Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1024", StringComparison.Ordinal)), p => ModelFolder.ReadWeights(_scratch.Folder, ModelFolder.ReadConfig(_scratch.Folder))),
            ("config.json", Encoding.UTF8.GetBytes(config.Replace("\"max_position_embeddings\": 32", "\"max_position_embeddings\": 2147483647", StringComparison.Ordinal)), p => ModelFolder.ReadWeights(_scratch.Folder, ModelFolder.ReadConfig(_scratch.Folder))),
            ("m.bin", [.. new[] { 1 << 17, 1 << 20, 1024, 1024, 1024, 1 << 14, 1 << 20 }.SelectMany(BitConverter.GetBytes), 0, 0, 0, 0], p => Llama2c.Read(p)),
            ("tok.bin", [.. BitConverter.GetBytes(int.MaxValue), .. BitConverter.GetBytes(0f), .. BitConverter.GetBytes(int.MaxValue), 65], p => Tokenizer.Open(p)),
        ];
        foreach ((string name, byte[] content, Action<string> read) in promises)
        {
            string path = _scratch.Write(name, content);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<UserError>(() => read(path));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    byte[] Written(string name)
    {
        ModelFolder.Write(_scratch.Folder, Scratch.Weights(Scratch.Tiny(LlamaFamily.Llama, true)), NumberType.F16);
        return File.ReadAllBytes(_scratch[name]);
    }

    [Fact]
    public void Llama2cFiles() => Fuzz(Llama2cTests.Model(-10), "m.bin", path => Llama2c.Read(path), most: 40);

    /// <param name="most">How far into the file it is altered; its length always may be.</param>
    /// <param name="change">What is done to it; by default bytes and values are altered.</param>
    void Fuzz(byte[] good, string name, Action<string> read, int most = int.MaxValue, Func<byte[], Random, byte[]>? change = null, int leastLoaded = Mutations / 100)
    {
        read(_scratch.Write(name, good));
        Random random = new(20260);
        int refused = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bad = change?.Invoke(good, random) ?? Mutate(good, random, Math.Min(most, good.Length));
            string path = _scratch.Write(name, bad);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Exception? e = Record.Exception(() => read(path));
            long taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(e is null or UserError, $"mutation {i}: {e}");
            Assert.True(taken < MostBytes, $"mutation {i} took {taken} bytes");
            refused += e is null ? 0 : 1;
        }

        // Neither a reader that refuses everything nor one that checks nothing has been tested.
        Assert.InRange(refused, Mutations / 20, Mutations - leastLoaded);
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
