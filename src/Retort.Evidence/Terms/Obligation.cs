namespace Retort.Evidence.Terms;

/// <summary>Something to be met when what was trained is handed on.</summary>
/// <param name="Entry">The id of the entry it comes from.</param>
public abstract record Obligation(string Entry)
{
    /// <summary>As an imperative, without its full stop.</summary>
    public abstract string Sentence { get; }

    /// <summary>The model's name begins with these letters.</summary>
    public sealed record NamePrefix(string Entry, string Prefix) : Obligation(Entry)
    {
        public override string Sentence => $"the name must begin with \"{Prefix}\"";
    }

    /// <summary>This text stands in the notices.</summary>
    /// <param name="Text">A bar stands between texts of which one will do.</param>
    public sealed record Notice(string Entry, string Text) : Obligation(Entry)
    {
        public IReadOnlyList<string> Choices => Text.Split('|');

        public override string Sentence => $"the notices must say {string.Join(" or ", Choices.Select(t => $"\"{t}\""))}";
    }

    /// <summary>A copy of this document goes along and binds whoever gets the model.</summary>
    public sealed record FlowDown(string Entry, string Title) : Obligation(Entry)
    {
        public override string Sentence => $"a licence file must hold \"{Title}\", whose terms bind whoever gets the model";
    }

    /// <summary>A copy of the licence of the weights that the student begins from.</summary>
    public sealed record WithWeights(string Entry, string Title) : Obligation(Entry)
    {
        public override string Sentence => $"a licence file must hold \"{Title}\" where a student begins from these weights";
    }

    /// <summary>What only a reader can judge.</summary>
    public sealed record Condition(string Entry, string Text) : Obligation(Entry)
    {
        public override string Sentence => Text;
    }

    /// <summary>Everything an entry leaves to be met by what was made with it in a role.</summary>
    public static IEnumerable<Obligation> Of(TermsEntry entry, TermsRole role)
    {
        TermsObligations o = entry.Obligations;
        IEnumerable<Obligation> prefix = o.NamePrefix is { } p ? [new NamePrefix(entry.Id, p)] : [];
        return
        [
            .. prefix, .. o.Notices.Select(t => new Notice(entry.Id, t)), .. o.FlowsDown.Select(t => new FlowDown(entry.Id, t)),
            .. role == TermsRole.BaseModel ? o.WithWeights.Select(t => new WithWeights(entry.Id, t)) : [], .. o.Conditions.Select(t => new Condition(entry.Id, t)),
        ];
    }
}
