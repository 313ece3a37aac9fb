using System.Text.Json;
using Retort.Model.Files;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Files;

public sealed class GgufTests : IDisposable
{
    const int Mutations = 10_000;

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>The same model in llama.cpp's file and in llama2.c's, each with its vocabulary.</summary>
    [Fact]
    public void TheRealTeacherIsTheSameInBothFiles()
    {
        OpenModel gguf = ModelReference.Open(Shared.Folder("teachers/stories260K/stories260K.gguf")), bin = ModelReference.Open(Shared.Folder("teachers/stories260K/stories260K.bin"));
        Assert.Equal(bin.Weights.Config with { EndTokens = [], TiedHead = false }, gguf.Weights.Config with { EndTokens = [] });
        Assert.Equal(bin.Weights.Head.Span, gguf.Weights.Head.Span);
        foreach ((WeightSlice a, WeightSlice b) in bin.Weights.Slices().Zip(gguf.Weights.Slices().Where(s => s.Name != gguf.Weights.Head.Name)))
        {
            Assert.Equal(a.Name, b.Name);
            Assert.Equal(a.Span, b.Span);
        }

        Tokenizer own = Tokenizer.Open(gguf.TokenizerPath!), other = Tokenizer.Open(bin.TokenizerPath!);
        Assert.Equal(other.Hash, own.Hash);
        Assert.Equal(other.Encode("Once upon a time, Lily 🦉 met\n a dog."), own.Encode("Once upon a time, Lily 🦉 met\n a dog."));
    }

    [Theory]
    [InlineData(LlamaFamily.Llama, true)]
    [InlineData(LlamaFamily.Llama, false)]
    [InlineData(LlamaFamily.Qwen2, true)]
    [InlineData(LlamaFamily.Qwen3, false)]
    public void EveryTensorAndSettingIsRead(LlamaFamily family, bool tied)
    {
        LlamaWeights made = Scratch.Weights(Scratch.Tiny(family, tied));
        LlamaWeights read = GgufModel.Read(_scratch.Write("m.gguf", GgufBytes.Model(made).ToArray()));
        Assert.Equal(JsonSerializer.Serialize(made.Config with { RopeTheta = 0 }), JsonSerializer.Serialize(read.Config with { RopeTheta = 0 }));
        Assert.Equal(made.Config.RopeTheta, read.Config.RopeTheta, 1e-3);
        foreach ((WeightSlice a, WeightSlice b) in made.Slices().Zip(read.Slices()))
        {
            Assert.Equal(a.Span, b.Span);
        }
    }

    [Fact]
    public void ABlockIsItsScalesAndItsNumbers()
    {
        byte[] Half(double x) => BitConverter.GetBytes((Half)x);
        Random random = new(3);
        int[] Draw(int count, int low, int high) => [.. Enumerable.Range(0, count).Select(_ => random.Next(low, high))];

        int[] q = Draw(32, -128, 128);
        Check(GgufType.Q8_0, [.. Half(0.25), .. q.Select(x => (byte)x)], q.Select(x => 0.25 * x));

        q = Draw(32, 0, 16);
        Check(GgufType.Q4_0, [.. Half(-0.5), .. Enumerable.Range(0, 16).Select(i => (byte)(q[i] | (q[i + 16] << 4)))], q.Select(x => -0.5 * (x - 8)));

        q = Draw(256, 0, 16);
        int[] s = Draw(8, 0, 64), t = Draw(8, 0, 64);
        byte[] scales = new byte[12];
        for (int i = 0; i < 4; i++)
        {
            scales[i] = (byte)(s[i] | (s[i + 4] >> 4 << 6));
            scales[i + 4] = (byte)(t[i] | (t[i + 4] >> 4 << 6));
            scales[i + 8] = (byte)((s[i + 4] & 15) | ((t[i + 4] & 15) << 4));
        }

        byte[] pairs = [.. Enumerable.Range(0, 128).Select(i => (byte)(q[(i / 32 * 64) + (i % 32)] | (q[(i / 32 * 64) + 32 + (i % 32)] << 4)))];
        Check(GgufType.Q4_K, [.. Half(0.125), .. Half(0.0625), .. scales, .. pairs], q.Select((x, i) => (0.125 * s[i / 32] * x) - (0.0625 * t[i / 32])));

        q = Draw(256, 0, 64);
        s = Draw(16, -128, 128);
        byte[] low = new byte[128], high = new byte[64];
        for (int half = 0; half < 2; half++)
        {
            for (int i = 0; i < 32; i++)
            {
                int[] runs = [q[(half * 128) + i], q[(half * 128) + 32 + i], q[(half * 128) + 64 + i], q[(half * 128) + 96 + i]];
                low[(half * 64) + i] = (byte)((runs[0] & 15) | ((runs[2] & 15) << 4));
                low[(half * 64) + 32 + i] = (byte)((runs[1] & 15) | ((runs[3] & 15) << 4));
                high[(half * 32) + i] = (byte)((runs[0] >> 4) | (runs[1] >> 4 << 2) | (runs[2] >> 4 << 4) | (runs[3] >> 4 << 6));
            }
        }

        Check(GgufType.Q6_K, [.. low, .. high, .. s.Select(x => (byte)x), .. Half(0.03125)], q.Select((x, i) => 0.03125 * s[i / 16] * (x - 32)));
        Check(GgufType.F16, [.. Half(1.5), .. Half(-2)], [1.5, -2]);
        Check(GgufType.BF16, [0xC0, 0x3F, 0x00, 0xC0], [1.5, -2]);
    }

    static void Check(GgufType type, byte[] bytes, IEnumerable<double> expected)
    {
        float[] wanted = [.. expected.Select(x => (float)x)], numbers = new float[wanted.Length];
        Assert.Equal(wanted.Length / type.BlockLength * type.BlockBytes, bytes.Length);
        GgufBlocks.Read(numbers, bytes, type);
        for (int i = 0; i < wanted.Length; i++)
        {
            Assert.Equal(wanted[i], numbers[i], 1e-5f * Math.Max(1, Math.Abs(wanted[i])));
        }
    }

    [Fact]
    public void AVocabularyOverBytesIsRead()
    {
        Tokenizer made = BytePairTrainer.Train(["the cat sat on the mat, the cat 12 sat", "Łódź and 🦉 the mat"], 300, ["<|im_start|>", "<|im_end|>"]);
        made.Save(_scratch.Folder);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(_scratch["tokenizer.json"]));
        Dictionary<int, string> byId = json.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject().ToDictionary(t => t.Value.GetInt32(), t => t.Name);
        int[] special = [.. json.RootElement.GetProperty("added_tokens").EnumerateArray().Select(t => t.GetProperty("id").GetInt32())];
        foreach (JsonElement token in json.RootElement.GetProperty("added_tokens").EnumerateArray())
        {
            byId[token.GetProperty("id").GetInt32()] = token.GetProperty("content").GetString()!;
        }

        string[] merges = [.. json.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(m => m.ValueKind == JsonValueKind.Array ? $"{m[0].GetString()} {m[1].GetString()}" : m.GetString()!)];
        string pattern = json.RootElement.GetProperty("pre_tokenizer").ToString();
        string pre = pattern.Contains("{1,3}", StringComparison.Ordinal) ? "llama-bpe" : pattern.Contains("?i:", StringComparison.Ordinal) ? "qwen2" : "gpt-2";
        GgufBytes file = new GgufBytes().Text("tokenizer.ggml.model", "gpt2").Text("tokenizer.ggml.pre", pre).Texts("tokenizer.ggml.tokens", [.. Enumerable.Range(0, byId.Count).Select(i => byId[i])])
            .Texts("tokenizer.ggml.merges", merges).Numbers("tokenizer.ggml.token_type", [.. Enumerable.Range(0, byId.Count).Select(i => special.Contains(i) ? 3f : 1f)]).Whole("tokenizer.ggml.eos_token_id", (uint)special[^1]);
        Tokenizer read = Tokenizer.Open(_scratch.Write("v.gguf", file.ToArray()));
        foreach (string text in (string[])["the cat sat 123 4567\n\n  on <|im_start|>the mat<|im_end|>", "Łódź! don't DON'T", "🦉\t  \r\n x"])
        {
            Assert.Equal(made.Encode(text), read.Encode(text));
            Assert.Equal(text, read.Decode(read.Encode(text), skipSpecial: false));
        }

        Assert.Equal(special[^1], read.EndToken);
    }

    [Fact]
    public void AScoreThatIsNoNumberIsNamed()
    {
        string[] tokens = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"), "a"];
        string path = _scratch.Write("v.gguf", new GgufBytes().Text("tokenizer.ggml.model", "llama").Texts("tokenizer.ggml.tokens", tokens).Numbers("tokenizer.ggml.scores", [.. new float[259], float.NaN]).ToArray());
        Assert.Contains("the score of token 259 is no number", Assert.Throws<UserError>(() => GgufVocabulary.Read(path)).What, StringComparison.Ordinal);
    }

    public static TheoryData<string, Func<GgufBytes, GgufBytes>> Wrong => new()
    {
        { "version 1 is not supported", f => { f.Version = 1; return f; } },
        { "big-endian", f => { f.Version = 0x03000000; return f; } },
        { "general.architecture is missing", f => f.Without("general.architecture") },
        { "the architecture mamba is not supported", f => f.Without("general.architecture").Text("general.architecture", "mamba") },
        { "llama.block_count is missing", f => f.Without("llama.block_count") },
        { "llama.block_count must be a whole number", f => f.Without("llama.block_count").Text("llama.block_count", "two") },
        { "num_hidden_layers is 0", f => f.Without("llama.block_count").Whole("llama.block_count", 0) },
        { "num_attention_heads is 0", f => f.Without("llama.attention.key_length").Without("llama.attention.value_length").Without("llama.attention.head_count").Whole("llama.attention.head_count", 0) },
        { "llama.rope.scaling.type longrope is not supported", f => f.Text("llama.rope.scaling.type", "longrope") },
        { "llama.rope.scaling.yarn_ext_factor is not supported", f => f.Real("llama.rope.scaling.yarn_ext_factor", 0.5f) },
        { "llama.rope.scaling.attn_factor is not supported", f => f.Real("llama.rope.scaling.attn_factor", 0.5f) },
        { "factor is -2", f => f.Real("llama.rope.scaling.factor", -2) },
        { "llama.expert_count is not supported", f => f.Whole("llama.expert_count", 8) },
        { "llama.rope.dimension_count is 2", f => f.Whole("llama.rope.dimension_count", 2) },
        { "general.architecture is given twice", f => f.Text("general.architecture", "llama") },
        { "tensor blk.1.ffn_up.weight is missing", f => f.Without("blk.1.ffn_up.weight") },
        { "tensor blk.2.ffn_up.weight is none", f => f.Tensor("blk.2.ffn_up.weight", [1, 1], 0, new byte[4]) },
        { "tensor rope_freqs.weight is 3 of type F32", f => f.Tensor("rope_freqs.weight", [3], 0, new byte[12]) },
        { "a divisor of rotary frequencies is 0", f => f.Tensor("rope_freqs.weight", [2], 0, new byte[8]) },
        { "rope_freqs.weight beside llama.rope.scaling.type yarn", f => f.Text("llama.rope.scaling.type", "yarn").Tensor("rope_freqs.weight", [2], 0, new byte[8]) },
        { "tensor output_norm.weight is 8, the metadata says 16", f => f.Without("output_norm.weight").Tensor("output_norm.weight", [8], 0, new byte[32]) },
        { "tensor output_norm.weight is of type Q5_K, which is not supported", f => f.Without("output_norm.weight").Tensor("output_norm.weight", [16], 13, new byte[32]) },
        { "do not divide into blocks of 32", f => f.Without("output_norm.weight").Tensor("output_norm.weight", [16], 8, new byte[34]) },
        { "lie outside of the file", f => f.Tensor("last", [1024], 0, new byte[64]) },
        { "NaN", f => f.Without("output_norm.weight").Tensor("output_norm.weight", [16], 0, [.. Enumerable.Repeat((byte)0xff, 64)]) },
        { "more than the file can hold", f => f.Put("many", 9, [.. BitConverter.GetBytes(8u), .. BitConverter.GetBytes(1UL << 40)]) },
        { "an array of arrays", f => f.Put("deep", 9, [.. BitConverter.GetBytes(9u), .. BitConverter.GetBytes(1UL), .. new byte[12]]) },
        { "of the unknown type 77", f => f.Put("odd", 77, []) },
        { "general.alignment is 3", f => f.Whole("general.alignment", 3) },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void WhatIsWrongIsNamed(string what, Func<GgufBytes, GgufBytes> change)
    {
        string path = _scratch.Write("m.gguf", change(GgufBytes.Model(Scratch.Weights(Scratch.Tiny(LlamaFamily.Llama, true)))).ToArray());
        UserError error = Assert.Throws<UserError>(() => GgufModel.Read(path));
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.StartsWith(path, error.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void ACutFileSaysSo()
    {
        byte[] whole = GgufBytes.Model(Scratch.Weights(Scratch.Tiny(LlamaFamily.Qwen2, true))).ToArray();
        foreach (int length in Enumerable.Range(0, 3000).Append(whole.Length - 1))
        {
            string path = _scratch.Write("m.gguf", whole[..length]);
            Assert.Throws<UserError>(() => GgufModel.Read(path));
        }
    }

    [Fact]
    public void MutatedFilesEndInAModelOrASentence()
    {
        byte[] good = GgufBytes.Model(Scratch.Weights(Scratch.Tiny(LlamaFamily.Llama, true))).Text("tokenizer.ggml.model", "gpt2").Texts("tokenizer.ggml.tokens", ["a", "b", "ab"]).Texts("tokenizer.ggml.merges", ["a b"]).ToArray();
        int head = good.AsSpan().LastIndexOf("blk.1.attn_k.weight"u8) + 60, read = 0;
        Random random = new(5);
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bytes = [.. good];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                int at = random.Next(head);
                bytes[at] = random.Next(4) switch { 0 => 0, 1 => 255, 2 => (byte)(bytes[at] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
            }

            string path = _scratch.Write("m.gguf", random.Next(10) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (Action<string> open in (Action<string>[])[p => GgufModel.Read(p), p => InferenceGguf.Open(p), p => GgufVocabulary.Read(p)])
            {
                try
                {
                    open(path);
                    read++;
                }
                catch (UserError)
                {
                }
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 8 << 20, $"mutation {i} allocates {GC.GetAllocatedBytesForCurrentThread() - before} bytes");
        }

        Assert.InRange(read, 100, (3 * Mutations) - 100);
    }
}
