using System.Text.Json;
using Dapper;

namespace Retort.Asking;

public sealed partial class Transcripts
{
    static readonly JsonSerializerOptions s_facts = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>What the latest probe saw of an endpoint's model; null where none was made.</summary>
    public ProbeFacts? Probed(Endpoint endpoint)
    {
        lock (_connection)
        {
            return _connection.QueryFirstOrDefault<string>("SELECT facts FROM probe WHERE endpoint = @Address AND model = @Model ORDER BY id DESC LIMIT 1", endpoint) is { } facts ? JsonSerializer.Deserialize<ProbeFacts>(facts, s_facts) : null;
        }
    }

    /// <summary>How many were made.</summary>
    public long Probes(Endpoint endpoint)
    {
        lock (_connection)
        {
            return _connection.ExecuteScalar<long>("SELECT count(*) FROM probe WHERE endpoint = @Address AND model = @Model", endpoint);
        }
    }

    /// <summary>Writes one down, with its time.</summary>
    public Task Probed(Endpoint endpoint, ProbeFacts facts) => Later((c, t) => c.Execute(
        "INSERT INTO probe (endpoint, model, at, facts) VALUES (@Address, @Model, @now, @text)", new { endpoint.Address, endpoint.Model, now = Now(), text = JsonSerializer.Serialize(facts, s_facts) }, t));
}
