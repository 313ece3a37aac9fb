using System.Text.Json;
using Retort.Model.Llama;

namespace Retort.Guard.OpenAi;

/// <summary>What both kinds of completion ask for in the same words.</summary>
/// <param name="Count">n: answers to one prompt.</param>
/// <param name="Seed">Null draws one.</param>
/// <param name="IncludeUsage">Whether a stream ends with what was used.</param>
sealed record AnswerOptions(string? Model, SamplingOptions Sampling, int Count, ulong? Seed, bool Stream, bool IncludeUsage)
{
    public const int MostAnswers = 16;

    /// <param name="mostTokens">Tokens of an answer for which no number is given.</param>
    /// <param name="defaults">What the model's makers want where the request is silent.</param>
    public static AnswerOptions Read(RequestFields fields, int mostTokens, GenerationDefaults defaults)
    {
        fields.Only("frequency_penalty", IsZero);
        fields.Only("presence_penalty", IsZero);
        fields.Only("logit_bias", v => v.ValueKind == JsonValueKind.Object && !v.EnumerateObject().Any());
        fields.Passed("user", "metadata", "service_tier", "prompt_cache_key", "safety_identifier", "reasoning_effort", "verbosity");
        JsonElement? stream = fields.Get("stream_options");
        return new(
            fields.Text("model"),
            new SamplingOptions
            {
                Temperature = fields.Number("temperature", defaults.Temperature ?? 1, 0, 1000),
                TopP = fields.Number("top_p", defaults.TopP ?? 1, 1e-9, 1),
                TopK = fields.Whole("top_k", 0, int.MaxValue) ?? defaults.TopK ?? 0,
                MinP = fields.Number("min_p", defaults.MinP ?? 0, 0, 1),
                RepetitionPenalty = fields.Number("repetition_penalty", defaults.RepetitionPenalty ?? 1, 0.001, 1000),
                MaxTokens = fields.Whole("max_completion_tokens", 0, int.MaxValue) ?? fields.Whole("max_tokens", 0, int.MaxValue) ?? mostTokens,
                Stop = [.. fields.Texts("stop", 16).Where(s => s.Length > 0)],
            },
            fields.Whole("n", 1, MostAnswers) ?? 1,
            fields.Seed("seed"),
            fields.Flag("stream"),
            stream is { ValueKind: JsonValueKind.Object } o && o.TryGetProperty("include_usage", out JsonElement usage) && usage.ValueKind == JsonValueKind.True);
    }

    static bool IsZero(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.GetDouble() == 0;
}
