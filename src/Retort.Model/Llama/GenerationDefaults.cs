namespace Retort.Model.Llama;

/// <summary>How its makers want a model's texts drawn, as generation_config.json says it; null where it is silent.</summary>
/// <param name="Temperature">0 where the file says do_sample: false.</param>
public sealed record GenerationDefaults(double? Temperature, int? TopK, double? TopP, double? MinP, double? RepetitionPenalty)
{
    public static GenerationDefaults None { get; } = new(null, null, null, null, null);

    /// <summary>These values over the options' own where the file names them.</summary>
    public SamplingOptions Over(SamplingOptions options) => options with
    {
        Temperature = Temperature ?? options.Temperature,
        TopK = TopK ?? options.TopK,
        TopP = TopP ?? options.TopP,
        MinP = MinP ?? options.MinP,
        RepetitionPenalty = RepetitionPenalty ?? options.RepetitionPenalty,
    };
}
