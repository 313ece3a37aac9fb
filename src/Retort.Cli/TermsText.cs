using System.Globalization;
using Retort.Evidence.Terms;

namespace Retort.Cli;

/// <summary>What the verbs of terms print for a reader.</summary>
static class TermsText
{
    const string Disclaimer = "Bookkeeping of what somebody read on a day, not legal advice.";

    public static IEnumerable<string> List(TermsRegister register, DateOnly today, int maxAgeDays)
    {
        int id = register.Entries.Max(e => e.Id.Length), path = register.Entries.Max(e => KebabName.Of(e.Path).Length), c = register.Entries.Max(e => ClassName(e).Length);
        string Row(string first, string second, string third, string read, string stale, string last) => $"{first.PadRight(id)}  {second.PadRight(path)}  {third.PadRight(c)}  {read,-10}  {stale,-5}  {last}";
        yield return Row("id", "path", "class", "read", "stale", "teacher");
        foreach (TermsEntry e in register.Entries)
        {
            yield return Row(e.Id, KebabName.Of(e.Path), ClassName(e), Day(e.Read), e.IsStale(today, maxAgeDays) ? "stale" : "", e.Teacher);
        }

        int stale = register.Entries.Count(e => e.IsStale(today, maxAgeDays)), reported = register.Entries.Count(e => e.Evidence == TermsEvidence.Reported);
        yield return "";
        yield return $"{register.Entries.Count} entries; {stale} stale on {Day(today)}, read more than {maxAgeDays} days before";
        if (reported > 0)
        {
            yield return "? the document itself was not read, so the entry opens nothing";
        }

        yield return $"register {register.Sha256}";
        yield return Disclaimer;
    }

    public static IEnumerable<string> Entry(TermsEntry e, DateOnly today, int maxAgeDays)
    {
        yield return $"{e.Id}: {KebabName.Of(e.Class)}, {e.Class.Meaning()}";
        yield return "";
        foreach ((string name, string? value) in new (string, string?)[]
        {
            ("teacher", $"{e.Teacher} ({e.Provider})"), ("path", KebabName.Of(e.Path)), ("hosts", Joined(e.Covers.Hosts)), ("models", Joined(e.Covers.Models)), ("files", Joined([.. e.Covers.Files.Select(f => f.Sha256)])),
            ("document", e.Document), ("version", e.Version), ("effective", e.Effective is { } d ? Day(d) : null), ("clause", e.Clause), ("link", e.Link), ("licence", e.Licence), ("region", e.Region),
            ("text hash", e.TextSha256), ("read", Day(e.Read) + (e.IsStale(today, maxAgeDays) ? ", STALE" : e.IsFixed ? ", and does not grow old" : "")), ("evidence", e.Evidence == TermsEvidence.Original ? null : "reported: the document itself was not read"),
            ("training", e.Says.Training), ("collection", e.Says.Collection), ("benchmarking", e.Says.Benchmarking), ("synthetic data", e.Says.SyntheticData), ("indemnity", e.Says.Indemnity), ("note", e.Note),
        })
        {
            foreach (string line in value is null ? [] : Field(name, value))
            {
                yield return line;
            }
        }

        foreach (string line in Owed("What is trained under it, once handed on:", [.. Obligation.Of(e, TermsRole.BaseModel)]))
        {
            yield return line;
        }

        yield return "";
        yield return $"entry {CanonicalTerms.Sha256(e)}";
        yield return Disclaimer;
    }

    /// <summary>A closed gate, with what opens it in a recipe.</summary>
    public static IEnumerable<string> ForRecipe(TermsVerdict.Closed verdict)
    {
        TermsRole[] roles = [.. verdict.Reasons.Where(r => r.Kind == TermsReasonKind.NoEntry).Select(r => r.Use.Role).Distinct()];
        string[] keys = [.. roles.Where(r => r != TermsRole.Judge).Select(r => r == TermsRole.BaseModel ? "student" : "teacher").Distinct()];
        string declare = string.Join(" and ", (IEnumerable<string>)[.. keys.Length > 0 ? [$"terms: {{{string.Join(", ", keys.Select(k => k + ": ID"))}}}"] : (string[])[], .. roles.Contains(TermsRole.Judge) ? ["admit: {judge: {terms: ID}}"] : (string[])[]]) + " in the recipe";
        return Verdict(verdict, []).Select(l => l.Replace("--permission FILE", "terms: {permissions: [FILE]} in the recipe", StringComparison.Ordinal).Replace("--terms ID", declare, StringComparison.Ordinal));
    }

    public static IEnumerable<string> Verdict(TermsVerdict verdict, IReadOnlyList<TermsPermission> permissions)
    {
        foreach (CheckedUse u in verdict.Uses)
        {
            yield return $"{(u.Reasons.Count == 0 ? "OPEN" : "CLOSED")}: {u.Use.Model.Reference} as {KebabName.Of(u.Use.Role).Replace('-', ' ')}, to {KebabName.Of(u.Use.Purpose)}";
            foreach (AppliedEntry a in u.Entries)
            {
                yield return "";
                yield return $"{a.Entry.Id}: {KebabName.Of(a.Entry.Class)}";
                foreach (string line in (IEnumerable<string>)[.. Wrapped($"{a.Entry.Document}: {a.Entry.Clause}; read on {Day(a.Entry.Read)}", "  "), .. Wrapped(a.Entry.Says.Training, "  ")])
                {
                    yield return line;
                }

                if (a.Entry.Link is { } link)
                {
                    yield return $"  {link}";
                }

                if (a.Permission is { } p)
                {
                    yield return $"  opened by {p.Contract} of {p.Grantor} for {p.Recipient}, until {Day(p.Expires)}";
                }
            }

            foreach (string line in (IEnumerable<string>)[.. Bulleted("Why it is closed:", u.Reasons.Select(Why)), .. Bulleted("Besides:", u.Notes.Concat(u.Use.Own is { } own && u.Reasons.All(r => r.Kind != TermsReasonKind.Endpoint) ? [UpperFirst(own.Sentence)] : []).Select(n => n + "."))])
            {
                yield return line;
            }
        }

        foreach (string line in Owed("To be met once the student is handed on:", (verdict as TermsVerdict.Open)?.Obligations ?? []))
        {
            yield return line;
        }

        if (verdict is TermsVerdict.Closed closed)
        {
            yield return "";
            yield return closed.Reasons.Any(r => r.Kind == TermsReasonKind.NoEntry) ? "--terms ID says which entry applies; retort terms list shows them." : "What the provider allowed you in writing opens it: --permission FILE.";
        }

        foreach (TermsPermission p in permissions.Where(p => !verdict.Uses.SelectMany(u => u.Entries).Any(e => e.Permission == p)))
        {
            yield return "";
            yield return $"The permission {p.Contract} opened nothing here: it is for {string.Join(", ", p.Entries)} to {string.Join(", ", p.Purposes.Select(KebabName.Of))}, from {Day(p.Signed)} to {Day(p.Expires)}.";
        }

        yield return "";
        yield return $"register {verdict.RegisterSha256}";
        yield return Disclaimer;
    }

    public static IEnumerable<string> Diff(TermsDiff diff)
    {
        if (diff.IsEmpty)
        {
            yield return "No entry differs.";
        }

        foreach (TermsEntry e in diff.Added)
        {
            yield return $"+ {e.Id}: {KebabName.Of(e.Class)}";
        }

        foreach (TermsEntry e in diff.Removed)
        {
            yield return $"- {e.Id}: {KebabName.Of(e.Class)}";
        }

        foreach (ChangedEntry c in diff.Changed)
        {
            yield return $"~ {c.New.Id}{(c.IsStricter ? ": STRICTER" : c.IsLooser ? ": looser" : "")}";
            foreach (ChangedField f in c.Fields)
            {
                yield return $"    {f.Name}: {f.Old ?? "nothing"} -> {f.New ?? "nothing"}";
            }
        }

        yield return "";
        yield return $"{diff.Added.Count} added, {diff.Removed.Count} removed, {diff.Changed.Count} changed, of them {diff.Changed.Count(c => c.IsStricter)} stricter";
    }

    static string Why(TermsReason r) => r.Entry is null ? UpperFirst(r.Why) + "." : $"{r.Entry.Id}: {r.Why}.";

    static IEnumerable<string> Owed(string head, IReadOnlyList<Obligation> obligations) => Bulleted(head, obligations.Select(o => $"{UpperFirst(o.Sentence).TrimEnd('.')} ({o.Entry})."));

    static IEnumerable<string> Bulleted(string head, IEnumerable<string> sentences)
    {
        string[] all = [.. sentences];
        return all.Length == 0 ? [] : ["", head, .. all.SelectMany(s => Wrapped(s, "    ").Select((line, i) => i == 0 ? "  - " + line[4..] : line))];
    }

    static IEnumerable<string> Field(string name, string value) => Wrapped(value, new string(' ', 16)).Select((line, i) => i == 0 ? name.PadRight(16) + line[16..] : line);

    static IEnumerable<string> Wrapped(string text, string indent)
    {
        const int Columns = 100;
        string line = indent;
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > indent.Length && line.Length + 1 + word.Length > Columns)
            {
                yield return line;
                line = indent;
            }

            line += line.Length > indent.Length ? " " + word : word;
        }

        yield return line;
    }

    static string ClassName(TermsEntry e) => KebabName.Of(e.Class) + (e.Evidence == TermsEvidence.Reported ? " ?" : "");

    static string? Joined(IReadOnlyList<string> values) => values.Count == 0 ? null : string.Join(", ", values);

    static string UpperFirst(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
