using System.Text.RegularExpressions;

namespace Retort.Evidence.Terms;

/// <summary>What a student is handed on with.</summary>
/// <param name="Name">As others will see it.</param>
/// <param name="Notices">The text of the notices shipped beside it; empty when there are none.</param>
/// <param name="Licences">The texts of the licence files shipped beside it.</param>
public sealed record StudentPapers(string Name, string Notices, IReadOnlyList<string> Licences);

/// <summary>Whether a student's papers meet what its teachers' terms left to be met.</summary>
/// <param name="Conditions">What only a reader can judge, met or not.</param>
public abstract record ExportVerdict(IReadOnlyList<Obligation> Conditions)
{
    public sealed record Met(IReadOnlyList<Obligation> Conditions) : ExportVerdict(Conditions);

    /// <param name="Obligations">At least one; each has its sentence.</param>
    public sealed record Unmet(IReadOnlyList<Obligation> Conditions, IReadOnlyList<Obligation> Obligations) : ExportVerdict(Conditions);
}

/// <summary>Compares a student's papers with the obligations of an open <see cref="TermsVerdict"/>.</summary>
public static partial class ExportGate
{
    public static ExportVerdict Check(IReadOnlyList<Obligation> obligations, StudentPapers papers)
    {
        string notices = OneLine(papers.Notices);
        string[] licences = [.. papers.Licences.Select(OneLine)];
        bool HasLicence(string title) => licences.Any(l => l.Contains(OneLine(title), StringComparison.OrdinalIgnoreCase));
        bool Met(Obligation o) => o switch
        {
            // Letter by letter: a licence that asks for "Llama" is not met by "llama".
            Obligation.NamePrefix p => papers.Name.StartsWith(p.Prefix, StringComparison.Ordinal),
            Obligation.Notice n => n.Choices.Any(t => notices.Contains(OneLine(t), StringComparison.Ordinal)),
            Obligation.FlowDown f => HasLicence(f.Title),
            Obligation.WithWeights w => HasLicence(w.Title),
            Obligation.Condition => true,
            _ => throw new ArgumentOutOfRangeException(nameof(obligations)),
        };
        Obligation[] conditions = [.. obligations.Where(o => o is Obligation.Condition)], unmet = [.. obligations.Where(o => !Met(o))];
        return unmet.Length == 0 ? new ExportVerdict.Met(conditions) : new ExportVerdict.Unmet(conditions, unmet);
    }

    static string OneLine(string text) => Blank().Replace(text, " ").Trim();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blank();
}
