using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

/// <summary>GGUF files put together value by value, right ones and wrong ones.</summary>
public sealed class GgufBytes
{
    const int Alignment = 32;

    readonly List<(string Key, byte[] Value)> _fields = [];
    readonly List<(string Name, int[] Shape, uint Type, byte[] Data)> _tensors = [];

    public uint Version { get; set; } = 3;

    public GgufBytes Text(string key, string value) => Put(key, 8, Spelled(value));

    public GgufBytes Whole(string key, uint value) => Put(key, 4, BitConverter.GetBytes(value));

    public GgufBytes Real(string key, float value) => Put(key, 6, BitConverter.GetBytes(value));

    public GgufBytes Flag(string key, bool value) => Put(key, 7, [value ? (byte)1 : (byte)0]);

    public GgufBytes Texts(string key, IReadOnlyList<string> values) => Put(key, 9, [.. BitConverter.GetBytes(8u), .. BitConverter.GetBytes((ulong)values.Count), .. values.SelectMany(Spelled)]);

    public GgufBytes Numbers(string key, float[] values) => Put(key, 9, [.. BitConverter.GetBytes(6u), .. BitConverter.GetBytes((ulong)values.Length), .. MemoryMarshal.AsBytes<float>(values)]);

    public GgufBytes Without(string key)
    {
        _fields.RemoveAll(f => f.Key == key);
        _tensors.RemoveAll(t => t.Name == key);
        return this;
    }

    public GgufBytes Put(string key, uint type, byte[] value)
    {
        _fields.Add((key, [.. BitConverter.GetBytes(type), .. value]));
        return this;
    }

    public GgufBytes Tensor(string name, int[] shape, uint type, byte[] data)
    {
        _tensors.Add((name, shape, type, data));
        return this;
    }

    public GgufBytes Tensor(string name, WeightSlice slice) => Tensor(name, [.. slice.Shape], 0, MemoryMarshal.AsBytes<float>(slice.Span.ToArray()).ToArray());

    public byte[] ToArray()
    {
        MemoryStream head = new();
        head.Write("GGUF"u8);
        head.Write(BitConverter.GetBytes(Version));
        head.Write(BitConverter.GetBytes((ulong)_tensors.Count));
        head.Write(BitConverter.GetBytes((ulong)_fields.Count));
        foreach ((string key, byte[] value) in _fields)
        {
            head.Write(Spelled(key));
            head.Write(value);
        }

        long at = 0;
        foreach ((string name, int[] shape, uint type, byte[] data) in _tensors)
        {
            head.Write(Spelled(name));
            head.Write(BitConverter.GetBytes((uint)shape.Length));
            foreach (int extent in shape.Reverse())
            {
                head.Write(BitConverter.GetBytes((ulong)extent));
            }

            head.Write(BitConverter.GetBytes(type));
            head.Write(BitConverter.GetBytes((ulong)at));
            at += (data.Length + Alignment - 1) / Alignment * Alignment;
        }

        foreach (byte[] data in _tensors.Select(t => t.Data))
        {
            head.Write(new byte[(Alignment - (head.Length % Alignment)) % Alignment]);
            head.Write(data);
        }

        return head.ToArray();
    }

    static byte[] Spelled(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text), all = new byte[8 + bytes.Length];
        BinaryPrimitives.WriteInt64LittleEndian(all, bytes.Length);
        bytes.CopyTo(all, 8);
        return all;
    }

    /// <summary>A whole model; a Llama's query and key rows are put into llama.cpp's order.</summary>
    public static GgufBytes Model(LlamaWeights weights)
    {
        LlamaConfig c = weights.Config;
        string a = c.Family.ToString().ToLowerInvariant();
        GgufBytes file = new GgufBytes().Text("general.architecture", a).Whole($"{a}.context_length", (uint)c.Context).Whole($"{a}.embedding_length", (uint)c.Hidden).Whole($"{a}.block_count", (uint)c.Layers)
            .Whole($"{a}.feed_forward_length", (uint)c.FeedForward).Whole($"{a}.attention.head_count", (uint)c.Heads).Whole($"{a}.attention.head_count_kv", (uint)c.KeyValueHeads)
            .Whole($"{a}.attention.key_length", (uint)c.HeadSize).Whole($"{a}.attention.value_length", (uint)c.HeadSize).Real($"{a}.attention.layer_norm_rms_epsilon", c.NormEpsilon).Real($"{a}.rope.freq_base", (float)c.RopeTheta)
            .Whole("tokenizer.ggml.bos_token_id", (uint)c.BeginToken!).Whole("tokenizer.ggml.eos_token_id", (uint)c.EndTokens[0]).Whole("tokenizer.ggml.eot_token_id", (uint)c.EndTokens[1]);
        file.Tensor("token_embd.weight", weights.Embedding).Tensor("output_norm.weight", weights.FinalNorm);
        if (!c.TiedHead)
        {
            file.Tensor("output.weight", weights.Head);
        }

        for (int i = 0; i < c.Layers; i++)
        {
            LayerWeights l = weights.Layers[i];
            (string, WeightSlice?)[] parts =
            [
                ("attn_norm.weight", l.AttentionNorm), ("attn_v.weight", l.Value), ("attn_output.weight", l.Output), ("ffn_norm.weight", l.FeedForwardNorm), ("ffn_gate.weight", l.Gate), ("ffn_up.weight", l.Up),
                ("ffn_down.weight", l.Down), ("attn_q.bias", l.QueryBias), ("attn_k.bias", l.KeyBias), ("attn_v.bias", l.ValueBias), ("attn_q_norm.weight", l.QueryNorm), ("attn_k_norm.weight", l.KeyNorm),
            ];
            foreach ((string name, WeightSlice? slice) in parts)
            {
                if (slice is not null)
                {
                    file.Tensor($"blk.{i}.{name}", slice);
                }
            }

            foreach ((string name, WeightSlice slice) in (ReadOnlySpan<(string, WeightSlice)>)[("attn_q.weight", l.Query), ("attn_k.weight", l.Key)])
            {
                int columns = slice.Shape[1], half = c.HeadSize / 2;
                float[] rows = slice.Span.ToArray();
                for (int row = 0; row < slice.Shape[0] && c.Family == LlamaFamily.Llama; row++)
                {
                    int within = row % c.HeadSize, head = row - within;
                    slice.Span.Slice((head + (within % 2 * half) + (within / 2)) * columns, columns).CopyTo(rows.AsSpan(row * columns));
                }

                file.Tensor($"blk.{i}.{name}", [.. slice.Shape], 0, MemoryMarshal.AsBytes<float>(rows).ToArray());
            }
        }

        return file;
    }
}
