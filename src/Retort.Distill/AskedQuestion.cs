using System.Text.Json;
using Retort.Asking;

namespace Retort.Distill;

/// <summary>What a stored question was, from the body that was sent.</summary>
/// <param name="Count">Answers it asked for.</param>
/// <param name="Stop">Texts that end an answer and are not part of it.</param>
/// <param name="TopLogProbabilities">Likeliest tokens a place that it asked for; null where it asked for no probabilities.</param>
public sealed record AskedQuestion(IReadOnlyList<Turn> Turns, int Count, int? TopLogProbabilities, IReadOnlyList<string> Stop)
{
    public static AskedQuestion Read(byte[] body)
    {
        JsonElement json = JsonElement.Parse(body);
        return new(
            [.. json.GetProperty("messages").EnumerateArray().Select(m => new Turn(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))],
            json.TryGetProperty("n", out JsonElement n) ? n.GetInt32() : 1,
            json.TryGetProperty("logprobs", out JsonElement asked) && asked.ValueKind == JsonValueKind.True ? json.TryGetProperty("top_logprobs", out JsonElement top) ? top.GetInt32() : 0 : null,
            json.TryGetProperty("stop", out JsonElement stop) && stop.ValueKind == JsonValueKind.Array ? [.. stop.EnumerateArray().Select(s => s.GetString() ?? "")] : []);
    }
}
