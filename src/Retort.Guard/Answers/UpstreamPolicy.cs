namespace Retort.Guard.Answers;

/// <summary>How the upstream is asked: the section <c>upstream</c> of a policy.</summary>
/// <param name="Key">The environment variable that holds its key; null where it asks for none.</param>
/// <param name="Timeout">How long it may be silent, before an answer and within one.</param>
/// <param name="Heartbeat">After how long a silence a client hears a comment.</param>
public sealed record UpstreamPolicy(string? Key, TimeSpan Timeout, TimeSpan Heartbeat)
{
    const double MostSeconds = 86_400;

    /// <summary>What holds where a policy says nothing.</summary>
    public static UpstreamPolicy Default { get; } = new(null, TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(15));

    internal static UpstreamPolicy Of(YamlFields root)
    {
        YamlFields fields = root.Map("upstream");
        string? key = fields.Text("key");
        if (key is not null && !GuardPolicy.IsVariable(key))
        {
            fields.Fault("key", "must be the name of an environment variable, in capitals, digits and underscores; the key itself does not belong here");
            key = null;
        }

        UpstreamPolicy made = new(
            key, TimeSpan.FromSeconds(fields.Number("timeout_s", Default.Timeout.TotalSeconds, 1, MostSeconds)), TimeSpan.FromSeconds(fields.Number("heartbeat_s", Default.Heartbeat.TotalSeconds, 1, MostSeconds)));
        fields.Close();
        return made;
    }
}
