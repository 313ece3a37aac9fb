using System.Text.Json.Nodes;
using Retort.Evidence.Terms;

namespace Retort.Cli;

/// <summary>What the verbs of terms print with --json.</summary>
static class TermsJson
{
    /// <summary>The fields an entry is hashed by, its hash, and whether the reading is old.</summary>
    public static JsonObject Entry(TermsEntry entry, DateOnly today, int maxAgeDays)
    {
        JsonObject json = [];
        foreach ((string name, IReadOnlyList<string> values, bool isList) in CanonicalTerms.Fields(entry))
        {
            string[] path = name.Split('.');
            JsonObject at = json;
            foreach (string step in path[..^1])
            {
                at = at[step] as JsonObject ?? Nest(at, step);
            }

            at[path[^1]] = isList ? new JsonArray([.. values.Select(v => (JsonNode)v)]) : values[0];
        }

        json["sha256"] = CanonicalTerms.Sha256(entry);
        json["stale"] = entry.IsStale(today, maxAgeDays);
        return json;
    }

    public static object Verdict(TermsVerdict verdict) => new
    {
        verdict = verdict is TermsVerdict.Open ? "open" : "closed",
        on = verdict.On,
        max_age_days = verdict.MaxAgeDays,
        register_sha256 = verdict.RegisterSha256,
        uses = verdict.Uses.Select(u => new
        {
            role = KebabName.Of(u.Use.Role),
            reference = u.Use.Model.Reference,
            purpose = KebabName.Of(u.Use.Purpose),
            declared = u.Use.Declared,
            @class = KebabName.Of(u.Class),
            entries = u.Entries.Select(e => new { e.Entry.Id, e.Sha256, @class = KebabName.Of(e.Entry.Class), permission_sha256 = e.Permission?.Sha256 }),
            own = u.Use.Own is { } own ? new { own.Address, read = own.At, own.Sha256, own.Says?.Field, own.Says?.Label, own.Says?.Basis, own.Says?.Link, own.Says?.Note, own.Unread } : null,
            u.Notes,
        }),
        obligations = ((verdict as TermsVerdict.Open)?.Obligations ?? []).Select(o => new { entry = o.Entry, kind = KebabName.Of(Kind(o)), o.Sentence }),
        reasons = ((verdict as TermsVerdict.Closed)?.Reasons ?? []).Select(r => new { kind = KebabName.Of(r.Kind), entry = r.Entry?.Id, document = r.Entry?.Document, clause = r.Entry?.Clause, link = r.Entry?.Link, r.Sentence }),
    };

    public static object Diff(TermsDiff diff) => new
    {
        old_sha256 = diff.OldSha256,
        new_sha256 = diff.NewSha256,
        added = diff.Added.Select(e => new { e.Id, @class = KebabName.Of(e.Class) }),
        removed = diff.Removed.Select(e => new { e.Id, @class = KebabName.Of(e.Class) }),
        changed = diff.Changed.Select(c => new { c.New.Id, stricter = c.IsStricter, looser = c.IsLooser, fields = c.Fields.Select(f => new { f.Name, f.Old, f.New }) }),
    };

    static JsonObject Nest(JsonObject at, string step)
    {
        JsonObject made = [];
        at[step] = made;
        return made;
    }

    static ObligationKind Kind(Obligation obligation) => obligation switch
    {
        Obligation.NamePrefix => ObligationKind.NamePrefix,
        Obligation.Notice => ObligationKind.Notice,
        Obligation.FlowDown => ObligationKind.FlowDown,
        Obligation.WithWeights => ObligationKind.WithWeights,
        _ => ObligationKind.Condition,
    };

    enum ObligationKind
    {
        NamePrefix,
        Notice,
        FlowDown,
        WithWeights,
        Condition,
    }
}
