namespace Retort.Guard.Indicators;

/// <summary>What became of a bundle that was brought in.</summary>
public abstract record ImportVerdict
{
    ImportVerdict()
    {
    }

    /// <summary>In one sentence, without its full stop.</summary>
    public abstract string Sentence { get; }

    /// <summary>It holds from now on, and what it revokes no longer does.</summary>
    public sealed record Accepted(IndicatorBundle Bundle) : ImportVerdict
    {
        public override string Sentence => $"bundle {Bundle.Sequence} of {Bundle.Issuer} holds until {Bundle.Expires:yyyy-MM-dd}: {Bundle.Templates.Count} templates, {Bundle.Revokes.Count} bundles revoked, TLP:{BundleFile.Light(Bundle.Light).ToUpperInvariant()}";
    }

    /// <summary>The policy names no issuer whose key signed it.</summary>
    public sealed record Untrusted : ImportVerdict
    {
        public override string Sentence => "no key that the policy trusts has signed this bundle";
    }

    /// <summary>Signed by a trusted key, in another issuer's name.</summary>
    public sealed record AnothersName(string Issuer) : ImportVerdict
    {
        public override string Sentence => $"the bundle is in the name of {Issuer}, and none of its keys has signed it";
    }

    /// <summary>Its sequence is not above the last one seen.</summary>
    public sealed record Replayed(int Sequence, int Last) : ImportVerdict
    {
        public override string Sentence => $"bundle {Sequence} is not newer than {Last}, the last of its issuer that was taken";
    }

    public sealed record Expired(DateTimeOffset At) : ImportVerdict
    {
        public override string Sentence => $"the bundle held until {At:yyyy-MM-dd HH:mm:ss'Z'}";
    }

    /// <summary>Issued later than now, by more than clocks differ.</summary>
    public sealed record FromTheFuture(DateTimeOffset At) : ImportVerdict
    {
        public override string Sentence => $"the bundle was issued at {At:yyyy-MM-dd HH:mm:ss'Z'}, which is yet to come";
    }
}
