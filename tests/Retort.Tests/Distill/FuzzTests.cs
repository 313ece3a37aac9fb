using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Tests.Distill;

/// <summary>Seeded changes to the structure of recipes, prompts, signals and checkpoints: each is read or refused with a <see cref="UserError"/>, cheaply.</summary>
public sealed class FuzzTests : IDisposable
{
    const int Mutations = 1500;
    const long MostBytes = 8 << 20;

    const string Recipe = """
        name: tiny
        teacher: teacher
        student:
          shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}
        data:
          prompts: [prompts.jsonl, more.jsonl]
          held_out: 8
          mask_prompts: true
        loss: {forward_kl: 0.8, cross_entropy: 0.2, temperature: 1}
        signal: {kind: top_k, k: 8, tail: bucket}
        train:
          tokens: 600
          rate: [0.003, 0.001]
          seeds: [1, 2, 3]
          schedule: cosine
        twin: true
        evaluate: {gold_items: 0, samples: 0}
        export: {type: bf16}
        """;

    static readonly string[] s_words =
    [
        "-1", "0", "1", "1e999", "2147483648", "99999999999999999999", "NaN", "~", "true", "''", "\"", "'", "[]", "{}", "[[1]]", "{a: 1}", "? x", "- x", "|", ">", "!!int x", "&a b", "*a", "%YAML 2.0", "---", "...", "#", ": ", "\t", "\0", "é",
    ];

    static readonly string[] s_keys = ["teacher", "student", "shape", "from", "data", "text", "prompts", "train", "tokens", "rate", "twin", "k", "heads", "unknown"];

    readonly string _folder = Directory.CreateTempSubdirectory("retort-fuzz-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Recipes() => Fuzz("r.yaml", random => Encoding.UTF8.GetBytes(YamlMutation.Of(Recipe, s_keys, random)), path => RecipeFile.Read(path, [], ["tales"]));

    [Fact]
    public void Changes() => Fuzz("r.yaml", _ => Encoding.UTF8.GetBytes(Recipe), path =>
    {
        string[] paths = ["train.tokens", "train.seeds", "student.shape.hidden", "loss", "data.prompts", "twin", "teacher", "a.b.c", "train.rate.x", ".", ""];
        RecipeFile.Read(path, [$"{paths[_change.Next(paths.Length)]}={s_words[_change.Next(s_words.Length)]}"], ["tales"]);
    });

    readonly Random _change = new(7);

    [Fact]
    public void Prompts()
    {
        string[] lines = [.. Enumerable.Range(0, 12).Select(i => JsonSerializer.Serialize(new { prompt = $"Who {i}? ", answer = $"Ann {i}.", gold = "Ann" }))];
        DataRecipe data = new(null, null, [Path.Combine(_folder, "p.jsonl")], null, 1, 100, 2, 1, 1, true);
        Fuzz(
            "p.jsonl",
            random => Encoding.UTF8.GetBytes(string.Join(random.Next(8) == 0 ? "\r\n" : "\n", lines.Select(l => random.Next(12) == 0 ? JsonMutation.Of(l, random) : random.Next(60) == 0 ? l[..random.Next(l.Length)] : l))),
            _ => Corpus.Read(data, new Dictionary<string, SampleSource>()));
    }

    [Fact]
    public void Checkpoints()
    {
        string path = Path.Combine(_folder, "c.state");
        LlamaWeights weights = Weights();
        Optimizer optimizer = new(weights, new OptimizerOptions()) { Steps = 7 };
        new Checkpoint(path, "k").Save(optimizer, [new(10, 640, 2.5, 0.003, 1, 100)]);
        (byte[] header, byte[] body) = Parts(File.ReadAllBytes(path), "RTCKPT1\n"u8.Length);
        body = body[..^32];
        Fuzz(
            "c.state",
            random =>
            {
                byte[] values = [.. body];
                BitConverter.TryWriteBytes(values.AsSpan(4 * random.Next(values.Length / 4)), random.Next(8) == 0 ? float.NaN : 0.5f);
                byte[] whole = Joined("RTCKPT1\n"u8, random.Next(2) == 0 ? header : JsonMutation.Of(header, random), random.Next(8) == 0 ? values[..random.Next(values.Length)] : values);

                // The hash is right, as whoever meddles would see to; now and then it is not.
                return [.. whole, .. SHA256.HashData(random.Next(8) == 0 ? [] : whole)];
            },
            p =>
            {
                (List<TrainPoint> curve, _) = new Checkpoint(p, "k").Load(optimizer);
                Assert.True(curve is not null && optimizer.Steps >= 0 && optimizer.Weights.All(a => a.Span.IndexOf(float.NaN) < 0));
            },
            most: 64 << 20);
    }

    [Fact]
    public void Signals()
    {
        string path = Path.Combine(_folder, "s.sig");
        int[] tokens = [.. Enumerable.Range(0, 64).Select(i => i % 40)];
        Dataset data = new(tokens, tokens, [.. tokens.Select(_ => 1f)], new int[64], 1, 64, 1, 0);
        SignalHeader expected = SignalFile.Describe("teacher", "tokenizer", data, 40, 5, 1, TailHandling.Bucket);
        using (Workers workers = new(1))
        {
            SignalFile.Compute(Weights(), expected, data, TailHandling.Bucket, 1, workers, _ => { }, default).Save(path);
        }

        (byte[] header, byte[] body) = Parts(File.ReadAllBytes(path), 8);
        Fuzz(
            "s.sig",
            random =>
            {
                byte[] records = [.. body[..^32]];
                records[random.Next(records.Length)] ^= (byte)(1 << random.Next(8));
                byte[] whole = Joined("RTSIG1\n\0"u8, random.Next(3) == 0 ? header : JsonMutation.Of(header, random), random.Next(4) == 0 ? records[..random.Next(records.Length)] : records);

                // The hash is right, as whoever meddles would see to; now and then it is not.
                return [.. whole, .. SHA256.HashData(random.Next(8) == 0 ? [] : whole)];
            },
            p =>
            {
                SignalFile file = SignalFile.Open(p, expected);
                for (int t = 0; t < 64; t++)
                {
                    file.Read(t, new int[5], new float[5]);
                }
            });
    }

    [Theory]
    [InlineData("c.state", "RTCKPT1\n", "{\"Key\":\"k\",\"Steps\":1,\"Floats\":1099511627776,\"Curve\":[]}", int.MaxValue)]
    [InlineData("c.state", "RTCKPT1\n", "{\"Key\":\"k\",\"Steps\":1,\"Floats\":9223372036854775807,\"Curve\":[]}", 0)]
    [InlineData("c.state", "RTCKPT1\n", "{\"Key\":\"k\",\"Steps\":1,\"Floats\":4,\"Curve\":null}", 0)]
    [InlineData("s.sig", "RTSIG1\n\0", "{\"Teacher\":\"t\",\"Tokenizer\":\"k\",\"Data\":\"d\",\"Tokens\":9223372036854775807,\"Vocabulary\":2147483647,\"K\":2147483647,\"Temperature\":1,\"Tail\":\"bucket\",\"Encoding\":\"u16\"}", 0)]
    [InlineData("s.sig", "RTSIG1\n\0", "{}", int.MaxValue)]
    public void PromisesAreNotAllocated(string name, string magic, string header, int length)
    {
        byte[] content = Joined(Encoding.UTF8.GetBytes(magic), Encoding.UTF8.GetBytes(header), new byte[40]);
        if (length > 0)
        {
            BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(8), length);
        }

        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        Optimizer optimizer = new(Weights(), new OptimizerOptions());
        SignalHeader expected = new("t", "k", "d", long.MaxValue, int.MaxValue, int.MaxValue, 1, "bucket", "u31");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<UserError>(() => _ = name == "s.sig" ? SignalFile.Open(path, expected) : (object?)new Checkpoint(path, "k").Load(optimizer));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    void Fuzz(string name, Func<Random, byte[]> make, Action<string> read, long most = MostBytes)
    {
        Random random = new(20261);
        string path = Path.Combine(_folder, name);
        int refused = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] content = make(random);
            File.WriteAllBytes(path, content);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Exception? e = Record.Exception(() => read(path));
            long taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(e is null or UserError, $"mutation {i} of {name}: {e}\n{Encoding.UTF8.GetString(content, 0, Math.Min(content.Length, 2000))}");
            Assert.True(taken < most, $"mutation {i} of {name} took {taken} bytes");
            refused += e is null ? 0 : 1;
        }

        // Neither a reader that refuses everything nor one that checks nothing has been tested.
        Assert.InRange(refused, Mutations / 20, Mutations - (Mutations / 100));
    }

    static LlamaWeights Weights()
    {
        LlamaWeights weights = new(new LlamaConfig { Hidden = 8, Layers = 1, Heads = 2, KeyValueHeads = 1, HeadSize = 4, FeedForward = 8, Vocabulary = 40, Context = 64 });
        weights.Initialize(1);
        return weights;
    }

    /// <summary>What stands after the magic: a header's length, the header, the rest.</summary>
    static (byte[] Header, byte[] Body) Parts(byte[] file, int magic)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(magic));
        return (file[(magic + 4)..(magic + 4 + length)], file[(magic + 4 + length)..]);
    }

    static byte[] Joined(ReadOnlySpan<byte> magic, byte[] header, byte[] body) => [.. magic, .. BitConverter.GetBytes(header.Length), .. header, .. body];
}
