using System.Text.Json;
using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>
/// Hugging Face's <c>config.json</c> to and from <see cref="LlamaConfig"/>. Defaults are transformers'. Whatever would change the numbers and
/// is not computed here is refused by name; fields that do not (dropout, cache, initialisation) are passed over.
/// </summary>
static class ModelConfigJson
{
    const string Unsupported = "Retort does not compute this; choose a model without it.";

    /// <param name="generation">generation_config.json, whose end tokens win over the configuration's; may be null.</param>
    public static LlamaConfig Parse(JsonFields json, JsonFields? generation)
    {
        LlamaFamily family = Family(json);
        RefuseUnsupported(json, family);
        int hidden = json.Int("hidden_size"), heads = json.Int("num_attention_heads"), vocabulary = json.Int("vocab_size");
        if (!json.Has("head_dim") && family != LlamaFamily.Qwen3 && (heads < 1 || hidden % heads != 0))
        {
            throw json.Wrong("num_attention_heads", $"It must divide hidden_size = {hidden} where head_dim is not given.");
        }

        int context = json.Int("max_position_embeddings", family == LlamaFamily.Llama ? 2048 : 32768);
        (double theta, RopeScaling? scaling) = RopeScalingJson.Read(json, context);
        LlamaConfig config = new()
        {
            Family = family,
            Hidden = hidden,
            Layers = json.Int("num_hidden_layers"),
            Heads = heads,
            KeyValueHeads = json.Int("num_key_value_heads", heads),
            HeadSize = json.Int("head_dim", family == LlamaFamily.Qwen3 ? 128 : hidden / heads),
            FeedForward = json.Int("intermediate_size"),
            Vocabulary = vocabulary,
            // Qwen's recipe for YaRN leaves the trained length in max_position_embeddings.
            Context = scaling is RopeScaling.Yarn yarn ? Math.Max(context, yarn.Context) : context,
            NormEpsilon = (float)json.Double("rms_norm_eps", 1e-6),
            RopeTheta = theta,
            RopeScaling = scaling,
            TiedHead = json.Bool("tie_word_embeddings", false),
            AttentionBias = family == LlamaFamily.Qwen2,
            BeginToken = Tokens(json, "bos_token_id", vocabulary) is [int begin, ..] ? begin : null,
            EndTokens = (generation is null ? null : Tokens(generation, "eos_token_id", vocabulary)) ?? Tokens(json, "eos_token_id", vocabulary) ?? [],
        };
        config.Validate(json.Where);
        return config;
    }

    public static byte[] Write(LlamaConfig config, NumberType type)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteStartArray("architectures");
            json.WriteStringValue(Architecture(config.Family));
            json.WriteEndArray();
            json.WriteString("model_type", ModelType(config.Family));
            json.WriteNumber("hidden_size", config.Hidden);
            json.WriteNumber("intermediate_size", config.FeedForward);
            json.WriteNumber("num_hidden_layers", config.Layers);
            json.WriteNumber("num_attention_heads", config.Heads);
            json.WriteNumber("num_key_value_heads", config.KeyValueHeads);
            json.WriteNumber("head_dim", config.HeadSize);
            json.WriteNumber("vocab_size", config.Vocabulary);
            json.WriteNumber("max_position_embeddings", config.Context);
            json.WriteString("hidden_act", "silu");
            json.WriteNumber("rms_norm_eps", config.NormEpsilon);
            json.WriteNumber("rope_theta", config.RopeTheta);
            RopeScalingJson.Write(json, config.RopeScaling);
            json.WriteBoolean("tie_word_embeddings", config.TiedHead);
            json.WriteBoolean("attention_bias", config.AttentionBias);
            json.WriteBoolean("mlp_bias", false);
            WriteTokens(json, config);
            json.WriteString("torch_dtype", type switch { NumberType.F16 => "float16", NumberType.BF16 => "bfloat16", _ => "float32" });
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    static void WriteTokens(Utf8JsonWriter json, LlamaConfig config)
    {
        if (config.BeginToken is int begin)
        {
            json.WriteNumber("bos_token_id", begin);
        }
        else
        {
            json.WriteNull("bos_token_id");
        }

        switch (config.EndTokens)
        {
            case []:
                json.WriteNull("eos_token_id");
                break;
            case [int end]:
                json.WriteNumber("eos_token_id", end);
                break;
            default:
                json.WriteStartArray("eos_token_id");
                foreach (int end in config.EndTokens)
                {
                    json.WriteNumberValue(end);
                }

                json.WriteEndArray();
                break;
        }
    }

    static string ModelType(LlamaFamily family) => family switch { LlamaFamily.Qwen2 => "qwen2", LlamaFamily.Qwen3 => "qwen3", _ => "llama" };

    static string Architecture(LlamaFamily family) => family switch { LlamaFamily.Qwen2 => "Qwen2ForCausalLM", LlamaFamily.Qwen3 => "Qwen3ForCausalLM", _ => "LlamaForCausalLM" };

    static LlamaFamily Family(JsonFields json)
    {
        LlamaFamily family = json.Text("model_type") switch
        {
            "llama" => LlamaFamily.Llama,
            "qwen2" => LlamaFamily.Qwen2,
            "qwen3" => LlamaFamily.Qwen3,
            "mixtral" or "qwen2_moe" or "qwen3_moe" => throw json.Wrong("model_type", "Its layers are mixtures of experts, which Retort does not compute; supported are llama, qwen2 and qwen3."),
            "mistral" or "gemma2" or "gemma3" or "gemma3_text" => throw json.Wrong("model_type", "Its attention looks back through a sliding window, which Retort does not compute; supported are llama, qwen2 and qwen3."),
            "gemma" => throw json.Wrong("model_type", "Its norms, embedding scale and gelu are ones that Retort does not compute; supported are llama, qwen2 and qwen3."),
            _ => throw json.Wrong("model_type", "Supported are llama, qwen2 and qwen3."),
        };
        if (json.Array("architectures") is { } architectures &&
            !architectures.Any(a => a.ValueKind == JsonValueKind.String && a.GetString() == Architecture(family)))
        {
            throw json.Wrong("architectures", $"A {ModelType(family)} model that writes text is a {Architecture(family)}.");
        }

        return family;
    }

    static void RefuseUnsupported(JsonFields json, LlamaFamily family)
    {
        if (json.Text("hidden_act", "silu") != "silu")
        {
            throw json.Wrong("hidden_act", "Only silu is supported.");
        }

        if (family != LlamaFamily.Qwen2 && json.Bool("attention_bias", false))
        {
            throw json.Wrong("attention_bias", "It would add self_attn.o_proj.bias, which Retort does not compute; choose a model without it.");
        }

        if (json.Bool("mlp_bias", false))
        {
            throw json.Wrong("mlp_bias", Unsupported);
        }

        if (json.Has("quantization_config"))
        {
            throw json.Wrong("quantization_config", "Use an unquantised copy of the model.");
        }

        if (json.Double("partial_rotary_factor", 1) != 1)
        {
            throw json.Wrong("partial_rotary_factor", Unsupported);
        }

        if (json.Bool("rope_interleaved", false))
        {
            throw json.Wrong("rope_interleaved", Unsupported);
        }

        // transformers' Qwen configurations name a window that they use only where use_sliding_window says so.
        if (json.Bool("use_sliding_window", false) || (family == LlamaFamily.Llama && json.Has("sliding_window")))
        {
            throw json.Wrong(json.Has("sliding_window") ? "sliding_window" : "use_sliding_window", Unsupported);
        }

        foreach (string experts in (string[])["num_experts", "num_local_experts"])
        {
            if (json.Int(experts, 0) != 0)
            {
                throw json.Wrong(experts, "Mixtures of experts are not computed; choose a model without them.");
            }
        }

        if (json.Array("layer_types") is { } layers && layers.Any(l => l.ValueKind != JsonValueKind.String || l.GetString() != "full_attention"))
        {
            throw json.Wrong("layer_types", "Only full_attention is supported.");
        }
    }

    static IReadOnlyList<int>? Tokens(JsonFields json, string name, int vocabulary) =>
        json.Ints(name) is not { } tokens ? null
        : tokens.All(t => t >= 0 && t < vocabulary) ? tokens
        : throw json.Wrong(name, $"Tokens run from 0 to vocab_size - 1 = {vocabulary - 1}.");
}
