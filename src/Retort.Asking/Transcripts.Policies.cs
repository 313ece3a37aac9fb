using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using Retort.Evidence.Terms;

namespace Retort.Asking;

/// <summary>What endpoints say themselves of training on their models' answers.</summary>
public sealed partial class Transcripts
{
    static readonly JsonSerializerOptions s_policy = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) } };

    sealed record PolicyRow(string Address, long At, string? Sha256, string? Says, string? Unread);

    /// <summary>The reading that counts: the latest that says something, else the latest. What an endpoint once said holds until it says something else. Null where none was made.</summary>
    public PolicyReading? Policy(Endpoint endpoint)
    {
        lock (_connection)
        {
            return _connection.QueryFirstOrDefault<PolicyRow>(
                "SELECT address AS Address, at AS At, sha256 AS Sha256, says AS Says, unread AS Unread FROM policy WHERE endpoint = @Address AND model = @Model ORDER BY says IS NULL, id DESC LIMIT 1", endpoint) is not { } row ? null
                : new(row.Address, DateTimeOffset.FromUnixTimeMilliseconds(row.At), row.Sha256, row.Says is null ? null : JsonSerializer.Deserialize<EndpointPolicy>(row.Says, s_policy), row.Unread);
        }
    }

    /// <summary>Writes one down.</summary>
    public Task Policy(Endpoint endpoint, PolicyReading reading) => Later((c, t) => c.Execute(
        "INSERT INTO policy (endpoint, model, at, address, sha256, says, unread) VALUES (@endpoint, @model, @at, @Address, @Sha256, @says, @Unread)",
        new { endpoint = endpoint.Address, model = endpoint.Model, at = reading.At.ToUnixTimeMilliseconds(), reading.Address, reading.Sha256, says = reading.Says is { } says ? JsonSerializer.Serialize(says, s_policy) : null, reading.Unread }, t));
}
