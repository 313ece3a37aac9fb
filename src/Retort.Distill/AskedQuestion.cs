using System.Text.Json;
using Retort.Asking;

namespace Retort.Distill;

/// <summary>What a stored question was, from the body that was sent.</summary>
/// <param name="Count">Answers it asked for.</param>
public sealed record AskedQuestion(IReadOnlyList<Turn> Turns, int Count)
{
    public static AskedQuestion Read(byte[] body)
    {
        JsonElement json = JsonElement.Parse(body);
        return new(
            [.. json.GetProperty("messages").EnumerateArray().Select(m => new Turn(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))],
            json.TryGetProperty("n", out JsonElement n) ? n.GetInt32() : 1);
    }
}
