namespace Retort.Model.Llama;

/// <summary>How rotary frequencies are changed so that a model reads further than it was trained to; <see cref="RotaryFrequencies"/> computes it.
/// The kinds and their fields are those of transformers' modeling_rope_utils.</summary>
public abstract record RopeScaling
{
    RopeScaling()
    {
    }

    /// <summary>Throws a <see cref="UserError"/> that names the first field no scaling can have.</summary>
    /// <param name="config">The model that is scaled.</param>
    /// <param name="where">The file the scaling came from.</param>
    public abstract void Validate(LlamaConfig config, string where);

    /// <summary>Every frequency divided by the factor (Chen et al., arXiv 2306.15595).</summary>
    public sealed record Linear(double Factor) : RopeScaling
    {
        public override void Validate(LlamaConfig config, string where) => Check(Factor > 0 && double.IsFinite(Factor), where, "factor", Factor, "a positive number");
    }

    /// <summary>Llama 3.1: frequencies that turn less than <paramref name="LowFrequencyFactor"/> times within the original context are divided by
    /// the factor, those that turn more than <paramref name="HighFrequencyFactor"/> times are kept, and between the two lies a straight line.</summary>
    /// <param name="OriginalContext">Tokens the model was first trained to read.</param>
    public sealed record Llama3(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContext) : RopeScaling
    {
        public override void Validate(LlamaConfig config, string where)
        {
            Check(Factor > 0 && double.IsFinite(Factor), where, "factor", Factor, "a positive number");
            Check(LowFrequencyFactor > 0, where, "low_freq_factor", LowFrequencyFactor, "a positive number");
            Check(HighFrequencyFactor > LowFrequencyFactor && double.IsFinite(HighFrequencyFactor), where, "high_freq_factor", HighFrequencyFactor, $"larger than low_freq_factor = {LowFrequencyFactor}");
            Check(OriginalContext > 0, where, "original_max_position_embeddings", OriginalContext, "a positive number");
        }
    }

    /// <summary>YaRN (Peng et al., arXiv 2309.00071): a ramp over the pairs of channels from kept to divided frequencies, and a factor on what
    /// attention sees.</summary>
    /// <param name="OriginalContext">Tokens the model was first trained to read.</param>
    /// <param name="BetaFast">Turns within the original context from which on a frequency is kept.</param>
    /// <param name="BetaSlow">Turns up to which it is divided by the factor.</param>
    /// <param name="AttentionFactor">Multiplies cosine and sine.</param>
    /// <param name="Truncate">The ramp begins and ends at whole pairs.</param>
    public sealed record Yarn(double Factor, int OriginalContext, double BetaFast, double BetaSlow, double AttentionFactor, bool Truncate) : RopeScaling
    {
        /// <summary>Tokens the scaled model reads.</summary>
        public int Context => (int)Math.Min(int.MaxValue, Math.Round(Factor * OriginalContext));

        /// <summary>What cosine and sine are multiplied by where a file does not say: 1 + 0.1·m·ln(factor).</summary>
        /// <param name="m">Field mscale or mscale_all_dim.</param>
        public static double Magnitude(double factor, double m = 1) => factor <= 1 ? 1 : (0.1 * m * Math.Log(factor)) + 1;

        public override void Validate(LlamaConfig config, string where)
        {
            Check(Factor > 0 && double.IsFinite(Factor), where, "factor", Factor, "a positive number");
            Check(OriginalContext > 0, where, "original_max_position_embeddings", OriginalContext, "a positive number");
            Check(BetaSlow > 0, where, "beta_slow", BetaSlow, "a positive number");
            Check(BetaFast >= BetaSlow && double.IsFinite(BetaFast), where, "beta_fast", BetaFast, $"at least beta_slow = {BetaSlow}");
            Check(AttentionFactor > 0 && float.IsFinite((float)AttentionFactor), where, "attention_factor", AttentionFactor, "a positive number");
            Check(config.RopeTheta > 1, where, "rope_theta", config.RopeTheta, "above 1 where rope_type is yarn");
        }
    }

    /// <summary>A divisor for every pair of channels, as llama.cpp stores them in rope_freqs.weight where they follow from no other kind.</summary>
    public sealed record Divisors(IReadOnlyList<float> Values) : RopeScaling
    {
        public bool Equals(Divisors? other) => other is not null && Values.SequenceEqual(other.Values);

        public override int GetHashCode() => Values.Aggregate(17, HashCode.Combine);

        public override void Validate(LlamaConfig config, string where)
        {
            if (Values.Count != config.HeadSize / 2)
            {
                throw new UserError($"there are {Values.Count} divisors of rotary frequencies for heads of {config.HeadSize} channels", where, "There must be one for every two channels.");
            }

            foreach (float value in Values)
            {
                Check(value > 0 && float.IsFinite(value), where, "a divisor of rotary frequencies", value, "a positive number");
            }
        }
    }

    static void Check(bool holds, string where, string field, double value, string rule)
    {
        if (!holds)
        {
            throw new UserError($"{field} is {value}", where, $"It must be {rule}.");
        }
    }
}
