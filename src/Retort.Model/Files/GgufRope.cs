using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>
/// Scaled rotary embeddings as llama.cpp keeps them: fields under rope.scaling for linear and yarn, and for Llama 3.1 the tensor
/// rope_freqs.weight, which divides each pair's frequency (src/llama-model.cpp and ggml's rope_yarn). Its yarn multiplies cosine and sine by
/// 1 + 0.1·ln(factor) and by rope.scaling.attn_factor.
/// </summary>
static class GgufRope
{
    public const string DivisorsTensor = "rope_freqs.weight";

    const double BetaFast = 32, BetaSlow = 1;

    /// <summary>Fields of yarn that llama.cpp passes over for these families, and the value it takes.</summary>
    static readonly (string Name, double Off)[] s_refused = [("yarn_ext_factor", 1), ("yarn_attn_factor", 1), ("yarn_log_multiplier", 0), ("yarn_beta_fast", BetaFast), ("yarn_beta_slow", BetaSlow)];

    /// <param name="file">Where the divisors are read from.</param>
    public static LlamaConfig Read(InputFile file, GgufHeader header, LlamaConfig config)
    {
        string at = $"{GgufModel.Architecture(config.Family)}.rope.scaling.", type = header.Text(at + "type") ?? "linear";
        double factor = header.Real(at + "factor") ?? header.Real($"{GgufModel.Architecture(config.Family)}.rope.scale_linear") ?? 1;
        factor = factor == 0 ? 1 : factor;
        double attention = header.Real(at + "attn_factor") ?? 1;
        foreach ((string name, double off) in s_refused)
        {
            if (header.Real(at + name) is { } value && value != off)
            {
                throw new UserError($"GGUF: {at}{name} is not supported", header.Where, "Take a model without it.");
            }
        }

        RopeScaling? scaling;
        switch (type)
        {
            case "none":
                scaling = null;
                break;
            case "linear":
                scaling = factor == 1 ? null : new RopeScaling.Linear(factor);
                break;
            case "yarn":
                int original = header.Whole(at + "original_context_length") is { } given and not 0 ? given : config.Context;
                scaling = new RopeScaling.Yarn(factor, original, BetaFast, BetaSlow, attention * RopeScaling.Yarn.Magnitude(factor), Truncate: true);
                break;
            default:
                throw new UserError($"GGUF: {at}type {JsonFields.Short(type)} is not supported", header.Where, "Of rotary scalings Retort computes linear, yarn and Llama 3's; take a model with one of these or none.");
        }

        if (attention != 1 && scaling is not RopeScaling.Yarn)
        {
            throw new UserError($"GGUF: {at}attn_factor is not supported", header.Where, "Take a model without it.");
        }

        if (header.Tensors.TryGetValue(DivisorsTensor, out GgufTensor? tensor))
        {
            if (scaling is not null)
            {
                throw new UserError($"GGUF: {DivisorsTensor} beside {at}type {type} is not supported", header.Where, "Take a model with one scaling.");
            }

            scaling = Divisors(file, header, tensor, config);
        }

        return scaling is RopeScaling.Yarn yarn ? config with { RopeScaling = yarn, Context = Math.Max(config.Context, yarn.Context) } : config with { RopeScaling = scaling };
    }

    /// <summary>Writes the fields, and gives what stands in <see cref="DivisorsTensor"/>; empty for none.</summary>
    /// <exception cref="UserError">llama.cpp has no field for it.</exception>
    public static float[] Write(GgufFields fields, LlamaConfig config, string where)
    {
        string architecture = GgufModel.Architecture(config.Family), at = $"{architecture}.rope.scaling.";
        switch (config.RopeScaling)
        {
            case null:
                return [];
            case RopeScaling.Linear s:
                fields.Text(at + "type", "linear");
                fields.Real(at + "factor", (float)s.Factor);
                return [];
            case RopeScaling.Yarn s:
                if ((s.BetaFast, s.BetaSlow) != (BetaFast, BetaSlow))
                {
                    throw new UserError($"llama.cpp's yarn has a beta_fast of {BetaFast} and a beta_slow of {BetaSlow}, and this model {s.BetaFast} and {s.BetaSlow}", where, "Write it as a folder.");
                }

                if (!s.Truncate)
                {
                    throw new UserError("llama.cpp begins and ends yarn's ramp at whole pairs, and this model's truncate is false", where, "Write it as a folder.");
                }

                fields.Text(at + "type", "yarn");
                fields.Real(at + "factor", (float)s.Factor);
                fields.Whole(at + "original_context_length", s.OriginalContext);
                if ((float)(s.AttentionFactor / RopeScaling.Yarn.Magnitude(s.Factor)) is var attention && attention != 1f)
                {
                    fields.Real(at + "attn_factor", attention);
                }

                return [];
            default:
                return config.Family != LlamaFamily.Llama
                    ? throw new UserError($"llama.cpp reads {DivisorsTensor} of Llama models only, and this one is a {config.Family}", where, "Write it as a folder.")
                    : config.RopeScaling is RopeScaling.Divisors d ? [.. d.Values] : DivisorsOf(config, (RopeScaling.Llama3)config.RopeScaling);
        }
    }

    static float[] DivisorsOf(LlamaConfig config, RopeScaling.Llama3 scaling) =>
        [.. RotaryFrequencies.Of(config with { RopeScaling = null }).Frequencies.Select(f => (float)RotaryFrequencies.Divisor(scaling, f))];

    /// <summary>The scaling of Llama 3.1 to 3.3 where the divisors are its own, so that a folder can be written again.</summary>
    static RopeScaling Divisors(InputFile file, GgufHeader header, GgufTensor tensor, LlamaConfig config)
    {
        if (tensor.Type != GgufType.F32 || tensor.Shape is not [int pairs] || pairs < 1 || pairs != config.HeadSize / 2)
        {
            throw new UserError($"GGUF: tensor {DivisorsTensor} is {string.Join(" × ", tensor.Shape)} of type {tensor.Type.Name}", header.Where, $"It must be {config.HeadSize / 2} numbers of type F32, one for every two channels of a head.");
        }

        float[] values = new float[pairs];
        byte[] bytes = new byte[tensor.Bytes];
        file.Read(bytes, tensor.Start);
        GgufBlocks.Read(values, bytes, tensor.Type);
        RopeScaling.Llama3 known = new(values.Max(), 1, 4, 8192);
        bool same = values.Max() > 1 && config.RopeTheta > 0 && DivisorsOf(config, known).Zip(values).All(v => Math.Abs(v.First - v.Second) <= 1e-5f * v.First);
        return same ? known : new RopeScaling.Divisors(values);
    }
}
