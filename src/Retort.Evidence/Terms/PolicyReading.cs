namespace Retort.Evidence.Terms;

/// <summary>One reading of an endpoint's own list of models, for what it says of training on one model's answers.</summary>
/// <param name="Address">What was asked for, or the file it was kept in.</param>
/// <param name="At">When.</param>
/// <param name="Sha256">Of what came, 64 small hexadecimal digits; null where nothing did.</param>
/// <param name="Says">Null where the model's record has none of the fields, or could not be read.</param>
/// <param name="Unread">Why it could not be read; null where it was.</param>
public sealed record PolicyReading(string Address, DateTimeOffset At, string? Sha256, EndpointPolicy? Says, string? Unread = null)
{
    /// <summary>What was read where and when, as a sentence without its full stop.</summary>
    public string Sentence
    {
        get
        {
            string said = Says is { } says ? $"the endpoint's own word: {says.Field}" : Unread is { } why ? $"what the endpoint itself says was not read, which changes nothing: {why}" : "the endpoint itself says nothing of training on the model's answers";
            return FormattableString.Invariant($"{said} ({Address}, {At.UtcDateTime:yyyy-MM-dd HH:mm} UTC)");
        }
    }
}
