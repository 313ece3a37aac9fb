using System.Text.Json;
using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>
/// The rotary fields of <c>config.json</c>: rope_theta and rope_scaling at the top, or since transformers 5 both in rope_parameters. Kinds and
/// fields that are not known are refused by name, for any of them may change the numbers.
/// </summary>
static class RopeScalingJson
{
    static readonly string[] s_everywhere = ["rope_type", "type", "rope_theta"];

    /// <param name="context">max_position_embeddings.</param>
    public static (double Theta, RopeScaling? Scaling) Read(JsonFields json, int context)
    {
        JsonFields? old = json.Object("rope_scaling"), rope = json.Object("rope_parameters");
        RopeScaling? before = old is null ? null : Scaling(old, json, context);
        if (rope is null)
        {
            return (json.Double("rope_theta", old?.Double("rope_theta", 10000) ?? 10000), before);
        }

        RopeScaling? scaling = Scaling(rope, json, context);
        if (old is not null && before != scaling)
        {
            throw json.Wrong("rope_scaling", "rope_parameters says something else; make them agree.");
        }

        double theta = rope.Double("rope_theta", json.Double("rope_theta", 10000));
        return json.Double("rope_theta", theta) == theta ? (theta, scaling) : throw json.Wrong("rope_theta", $"rope_parameters says {theta}; make them agree.");
    }

    public static void Write(Utf8JsonWriter json, RopeScaling? scaling)
    {
        if (scaling is null)
        {
            json.WriteNull("rope_scaling");
            return;
        }

        json.WriteStartObject("rope_scaling");
        switch (scaling)
        {
            case RopeScaling.Linear s:
                json.WriteString("rope_type", "linear");
                json.WriteNumber("factor", s.Factor);
                break;
            case RopeScaling.Llama3 s:
                json.WriteString("rope_type", "llama3");
                json.WriteNumber("factor", s.Factor);
                json.WriteNumber("low_freq_factor", s.LowFrequencyFactor);
                json.WriteNumber("high_freq_factor", s.HighFrequencyFactor);
                json.WriteNumber("original_max_position_embeddings", s.OriginalContext);
                break;
            case RopeScaling.Yarn s:
                json.WriteString("rope_type", "yarn");
                json.WriteNumber("factor", s.Factor);
                json.WriteNumber("original_max_position_embeddings", s.OriginalContext);
                json.WriteNumber("attention_factor", s.AttentionFactor);
                json.WriteNumber("beta_fast", s.BetaFast);
                json.WriteNumber("beta_slow", s.BetaSlow);
                if (!s.Truncate)
                {
                    json.WriteBoolean("truncate", false);
                }

                break;
            default:
                throw new UserError("config.json has no field for a divisor of each rotary frequency", "rope_freqs.weight", "Convert to a .gguf file, or start from the model's Hugging Face folder.");
        }

        json.WriteEndObject();
    }

    static RopeScaling? Scaling(JsonFields rope, JsonFields config, int context)
    {
        string name = rope.Has("rope_type") ? "rope_type" : "type";
        switch (rope.Text(name, "default"))
        {
            case "default":
                Allow(rope);
                return null;
            case "linear":
                Allow(rope, "factor", "original_max_position_embeddings");
                return new RopeScaling.Linear(rope.Double("factor"));
            case "llama3":
                Allow(rope, "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings");
                return new RopeScaling.Llama3(rope.Double("factor"), rope.Double("low_freq_factor"), rope.Double("high_freq_factor"), Original(rope, config, context));
            case "yarn":
                Allow(rope, "factor", "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate");
                int original = Original(rope, config, context);
                double factor = rope.Double("factor", (double)context / Math.Max(1, original));
                return new RopeScaling.Yarn(factor, original, OrElse(rope, "beta_fast", 32), OrElse(rope, "beta_slow", 1), AttentionFactor(rope, factor), rope.Bool("truncate", true));
            default:
                throw rope.Wrong(name, "Of rotary scalings Retort computes linear, llama3 and yarn; choose a model with one of these or none.");
        }
    }

    static int Original(JsonFields rope, JsonFields config, int context) =>
        rope.Int("original_max_position_embeddings", config.Int("original_max_position_embeddings", context));

    /// <summary>transformers takes 0 for a number that is not given.</summary>
    static double OrElse(JsonFields rope, string name, double otherwise) => rope.Double(name, 0) is var given && given == 0 ? otherwise : given;

    static double AttentionFactor(JsonFields rope, double factor)
    {
        if (rope.Has("attention_factor"))
        {
            return rope.Double("attention_factor");
        }

        double m = rope.Double("mscale", 0), all = rope.Double("mscale_all_dim", 0);
        return m != 0 && all != 0 ? RopeScaling.Yarn.Magnitude(factor, m) / RopeScaling.Yarn.Magnitude(factor, all) : RopeScaling.Yarn.Magnitude(factor);
    }

    static void Allow(JsonFields rope, params string[] fields)
    {
        if (rope.Names.FirstOrDefault(n => !s_everywhere.Contains(n) && !fields.Contains(n) && rope.Has(n) && !(n == "partial_rotary_factor" && rope.Double(n, 1) == 1)) is { } other)
        {
            throw rope.Wrong(other, "Retort does not compute this; choose a model without it.");
        }
    }
}
