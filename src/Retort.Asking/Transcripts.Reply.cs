using Dapper;

namespace Retort.Asking;

public sealed partial class Transcripts
{
    /// <summary>What a question was answered; null where it was not. The body is left in the store.</summary>
    /// <param name="key">The question's hash.</param>
    public Reply? Reply(byte[] key)
    {
        lock (_connection)
        {
            (long id, string? model, string? fingerprint, string? response, long? prompt, long? completion) = _connection.QueryFirstOrDefault<(long, string?, string?, string?, long?, long?)>(
                "SELECT r.id, a.model, a.fingerprint, a.response, a.prompt_tokens, a.completion_tokens FROM request r JOIN answer a ON a.request = r.id WHERE r.key = @key", new { key });
            return id == 0 ? null : new(
                model, fingerprint, response,
                [.. _connection.Query<(string Text, string? Finish, string? Refusal, byte[]? LogProbabilities)>("SELECT text, finish, refusal, logprobs FROM choice WHERE request = @id ORDER BY place", new { id })
                    .Select(c => new Choice(c.Text, c.Finish, c.Refusal, c.LogProbabilities))],
                (int?)prompt, (int?)completion, null, LimitFacts.None);
        }
    }
}
