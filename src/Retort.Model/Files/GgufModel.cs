using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>
/// Models of llama.cpp's file format: Llama, Qwen2 and Qwen3 (github.com/ggml-org/llama.cpp, src/llama-arch.cpp for the names). Of Llama's
/// query and key rows llama.cpp turns neighbouring channels together; they are moved into Hugging Face's order.
/// </summary>
static class GgufModel
{
    /// <summary>Fields that change numbers in ways the forward pass does not know, by the end of their name.</summary>
    static readonly string[] s_refused = ["attention.sliding_window", "expert_count", "attention.logit_softcapping", "final_logit_softcapping", "logit_scale", "residual_scale", "embedding_scale"];

    /// <exception cref="UserError">The file is no model of these families, is broken, or does not fit in memory.</exception>
    /// <param name="memory">Bytes that may be used; by default what the runtime says is there.</param>
    public static LlamaWeights Read(string path, long? memory = null)
    {
        using InputFile file = InputFile.Open(path);
        GgufHeader header = GgufHeader.Read(file);
        LlamaConfig config = GgufRope.Read(file, header, Config(header));
        config.Validate($"{path}, metadata");
        CheckTensors(header, config);
        MemoryLimit.Check(config, path, memory);
        LlamaWeights weights = new(config);
        foreach ((string name, WeightSlice slice) in Names(weights))
        {
            Fill(file, header, name, slice);
        }

        if (config.Family == LlamaFamily.Llama)
        {
            foreach (LayerWeights layer in weights.Layers)
            {
                HeadOrder.Split(layer.Query, config.HeadSize);
                HeadOrder.Split(layer.Key, config.HeadSize);
            }
        }

        return weights;
    }

    /// <summary>llama.cpp's name of a family.</summary>
    public static string Architecture(LlamaFamily family) => family switch { LlamaFamily.Qwen2 => "qwen2", LlamaFamily.Qwen3 => "qwen3", _ => "llama" };

    public static LlamaConfig Config(GgufHeader header)
    {
        string architecture = header.Text("general.architecture") ?? throw header.Fault("general.architecture is missing");
        LlamaFamily family = architecture switch
        {
            "llama" => LlamaFamily.Llama,
            "qwen2" => LlamaFamily.Qwen2,
            "qwen3" => LlamaFamily.Qwen3,
            _ => throw new UserError($"GGUF: the architecture {JsonFields.Short(architecture)} is not supported", header.Where, "Only llama, qwen2 and qwen3 are."),
        };
        foreach (string name in s_refused)
        {
            string key = $"{architecture}.{name}";
            if (header.Fields.TryGetValue(key, out GgufValue? value) && !IsOff(value))
            {
                throw new UserError($"GGUF: {key} is not supported", header.Where, "Take a model without it.");
            }
        }

        int heads = header.NeedWhole($"{architecture}.attention.head_count"), hidden = header.NeedWhole($"{architecture}.embedding_length");
        int headSize = header.Whole($"{architecture}.attention.key_length") ?? (heads > 0 ? hidden / heads : 0);
        foreach (string key in (string[])[$"{architecture}.rope.dimension_count", $"{architecture}.attention.value_length"])
        {
            if (header.Whole(key) is { } size && size != headSize)
            {
                throw new UserError($"GGUF: {key} is {size} and a head has {headSize} channels", header.Where, "Models that rotate a part of each head are not supported.");
            }
        }

        if (!header.Tensors.TryGetValue("token_embd.weight", out GgufTensor? embedding))
        {
            throw header.Fault("tensor token_embd.weight is missing");
        }

        return new()
        {
            Family = family,
            Hidden = hidden,
            Layers = header.NeedWhole($"{architecture}.block_count"),
            Heads = heads,
            KeyValueHeads = header.Whole($"{architecture}.attention.head_count_kv") ?? heads,
            HeadSize = headSize,
            FeedForward = header.NeedWhole($"{architecture}.feed_forward_length"),
            Vocabulary = embedding.Shape[0],
            Context = header.NeedWhole($"{architecture}.context_length"),
            TiedHead = !header.Tensors.ContainsKey("output.weight"),
            AttentionBias = header.Tensors.ContainsKey("blk.0.attn_q.bias"),
            NormEpsilon = (float)(header.Real($"{architecture}.attention.layer_norm_rms_epsilon") ?? throw header.Fault($"{architecture}.attention.layer_norm_rms_epsilon is missing")),
            RopeTheta = header.Real($"{architecture}.rope.freq_base") ?? 10000,
            BeginToken = header.Whole("tokenizer.ggml.bos_token_id"),
            EndTokens = [.. new[] { "eos", "eot", "eom" }.Select(n => header.Whole($"tokenizer.ggml.{n}_token_id")).OfType<int>().Distinct()],
        };
    }

    static bool IsOff(GgufValue value) => value is GgufValue.Text { Value: "none" } || (value is GgufValue.Whole whole && whole.Value == 0);

    /// <summary>Every tensor of a model under llama.cpp's name.</summary>
    public static IEnumerable<(string Name, WeightSlice Slice)> Names(LlamaWeights weights)
    {
        IEnumerable<WeightSlice> outer = weights.Config.TiedHead ? [weights.Embedding, weights.FinalNorm] : [weights.Embedding, weights.FinalNorm, weights.Head];
        return outer.Concat(weights.Layers.SelectMany(l => l.Slices)).Select(s => (NameOf(s.Name), s));
    }

    /// <summary>Compares every tensor's name and shape with the metadata.</summary>
    /// <exception cref="UserError">A tensor is missing, misshapen, or none that such a model has.</exception>
    public static void CheckTensors(GgufHeader header, LlamaConfig config)
    {
        HashSet<string> used = new(StringComparer.Ordinal);
        foreach ((string name, int[] shape) in LlamaWeights.Plan(config).Select(t => (NameOf(t.Name), t.Shape)))
        {
            GgufTensor tensor = header.Tensors.GetValueOrDefault(name) ?? throw header.Fault($"tensor {name} is missing");
            if (!tensor.Shape.SequenceEqual(shape))
            {
                throw header.Fault($"tensor {name} is {string.Join(" × ", tensor.Shape)}, the metadata says {string.Join(" × ", shape)}");
            }

            used.Add(name);
        }

        if (header.Tensors.Keys.FirstOrDefault(n => !used.Contains(n) && n != GgufRope.DivisorsTensor) is { } unknown)
        {
            throw new UserError($"GGUF: tensor {JsonFields.Short(unknown)} is none that a {config.Family} model has here", header.Where, "Only Llama, Qwen2 and Qwen3 models are supported.");
        }
    }

    /// <summary>llama.cpp's name of a tensor, from Hugging Face's.</summary>
    internal static string NameOf(string name)
    {
        string[] parts = name.Split('.');
        return parts switch
        {
            ["model", "embed_tokens", ..] => "token_embd.weight",
            ["model", "norm", ..] => "output_norm.weight",
            ["lm_head", ..] => "output.weight",
            _ => $"blk.{parts[2]}.{Part(parts[^2])}.{parts[^1]}",
        };

        static string Part(string part) => part switch
        {
            "input_layernorm" => "attn_norm",
            "q_proj" => "attn_q",
            "k_proj" => "attn_k",
            "v_proj" => "attn_v",
            "o_proj" => "attn_output",
            "post_attention_layernorm" => "ffn_norm",
            "gate_proj" => "ffn_gate",
            "up_proj" => "ffn_up",
            "down_proj" => "ffn_down",
            "q_norm" => "attn_q_norm",
            _ => "attn_k_norm",
        };
    }

    static void Fill(InputFile file, GgufHeader header, string name, WeightSlice slice)
    {
        GgufTensor tensor = header.Tensors[name];
        Span<float> values = slice.Span;
        int blocks = Math.Max(1, (1 << 20) / tensor.Type.BlockBytes), step = blocks * tensor.Type.BlockLength;
        byte[] bytes = new byte[Math.Min(tensor.Bytes, (long)blocks * tensor.Type.BlockBytes)];
        for (int from = 0; from < values.Length; from += step)
        {
            Span<float> part = values.Slice(from, Math.Min(step, values.Length - from));
            Span<byte> coded = bytes.AsSpan(0, part.Length / tensor.Type.BlockLength * tensor.Type.BlockBytes);
            file.Read(coded, tensor.Start + ((long)from / tensor.Type.BlockLength * tensor.Type.BlockBytes));
            GgufBlocks.Read(part, coded, tensor.Type);
        }

        ModelFolder.CheckFinite(values, name, file.Path, "The file is damaged; copy or download it again.");
    }
}
