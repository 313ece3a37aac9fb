using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Model.Files;

/// <summary>Writes a model as one GGUF file that llama.cpp and Ollama run, whole or not at all (<see cref="AtomicFile"/>).</summary>
public static class GgufWriter
{
    const int Alignment = 32;

    /// <summary>Numbers coded at once.</summary>
    const int Chunk = 1 << 16;

    /// <param name="name">What the model is called, for people.</param>
    /// <param name="tokenizer">Its vocabulary, which must be of a kind llama.cpp knows.</param>
    /// <param name="chatTemplate">How conversations are laid out, or null.</param>
    /// <param name="type">How matrices are coded; norms and biases stay F32; matrices whose rows do not divide into the type's blocks become F16, as llama.cpp has it.</param>
    /// <exception cref="UserError">llama.cpp knows no such tokenizer, a weight is beyond the type's range, or the file cannot be written.</exception>
    public static void Write(string path, LlamaWeights weights, Tokenizer tokenizer, string? chatTemplate, string name, GgufType type, CancellationToken stop = default)
    {
        LlamaConfig c = weights.Config;
        string architecture = GgufModel.Architecture(c.Family);
        GgufFields fields = new();
        fields.Text("general.architecture", architecture);
        fields.Text("general.name", name);
        fields.Whole("general.file_type", type.FileType);
        fields.Whole("general.quantization_version", 2);
        fields.Whole($"{architecture}.context_length", c.Context);
        fields.Whole($"{architecture}.embedding_length", c.Hidden);
        fields.Whole($"{architecture}.block_count", c.Layers);
        fields.Whole($"{architecture}.feed_forward_length", c.FeedForward);
        fields.Whole($"{architecture}.attention.head_count", c.Heads);
        fields.Whole($"{architecture}.attention.head_count_kv", c.KeyValueHeads);
        fields.Whole($"{architecture}.attention.key_length", c.HeadSize);
        fields.Whole($"{architecture}.attention.value_length", c.HeadSize);
        fields.Whole($"{architecture}.rope.dimension_count", c.HeadSize);
        fields.Whole($"{architecture}.vocab_size", c.Vocabulary);
        fields.Real($"{architecture}.attention.layer_norm_rms_epsilon", c.NormEpsilon);
        fields.Real($"{architecture}.rope.freq_base", (float)c.RopeTheta);
        float[] divisors = GgufRope.Write(fields, c, path);
        GgufVocabulary.Write(fields, tokenizer.Definition, c);
        if (chatTemplate is not null)
        {
            fields.Text("tokenizer.chat_template", chatTemplate);
        }

        (string Name, WeightSlice Slice, GgufType Type)[] tensors = [.. GgufModel.Names(weights).Select(t => (t.Name, t.Slice, Coded(t.Slice, type)))];
        foreach ((string tensor, WeightSlice slice, GgufType coded) in tensors)
        {
            fields.Tensor(tensor, slice.Shape, coded, Alignment);
        }

        if (divisors.Length > 0)
        {
            fields.Tensor(GgufRope.DivisorsTensor, [divisors.Length], GgufType.F32, Alignment);
        }

        AtomicFile.Write(path, stream =>
        {
            stream.Write(fields.Head(Alignment));
            foreach ((string tensor, WeightSlice slice, GgufType coded) in tensors)
            {
                bool turned = c.Family == LlamaFamily.Llama && (tensor.EndsWith("attn_q.weight", StringComparison.Ordinal) || tensor.EndsWith("attn_k.weight", StringComparison.Ordinal));
                Write(stream, path, tensor, turned ? HeadOrder.Joined(slice, c.HeadSize) : slice.Span, coded, stop);
            }

            if (divisors.Length > 0)
            {
                Write(stream, path, GgufRope.DivisorsTensor, divisors, GgufType.F32, stop);
            }
        });
    }

    static GgufType Coded(WeightSlice slice, GgufType type) =>
        slice.Shape.Count != 2 ? GgufType.F32 : slice.Shape[1] % type.BlockLength == 0 ? type : GgufType.F16;

    static void Write(Stream stream, string path, string name, ReadOnlySpan<float> values, GgufType type, CancellationToken stop)
    {
        byte[] coded = new byte[Chunk / type.BlockLength * type.BlockBytes];
        long written = 0;
        for (int at = 0; at < values.Length; at += Chunk)
        {
            stop.ThrowIfCancellationRequested();
            ReadOnlySpan<float> part = values.Slice(at, Math.Min(Chunk, values.Length - at));
            Span<byte> bytes = coded.AsSpan(0, part.Length / type.BlockLength * type.BlockBytes);
            if (!GgufBlocks.Write(bytes, part, type))
            {
                throw new UserError($"{name} holds a weight that {type.Name} cannot", path, "Write it as bf16 or f32.");
            }

            stream.Write(bytes);
            written += bytes.Length;
        }

        stream.Write(new byte[(Alignment - (int)(written % Alignment)) % Alignment]);
    }
}
