using System.Text.Json;
using Retort.Asking;

namespace Retort.Distill;

/// <summary>Why an answer is not trained on.</summary>
public enum Exclusion
{
    /// <summary>It was cut off, or ended in a way that is not its own.</summary>
    Unfinished,

    /// <summary>The model refused, or the endpoint filtered it.</summary>
    Refused,

    /// <summary>There is no text.</summary>
    Empty,

    /// <summary>The endpoint named another model than the one asked; a dated name of the same model is not another.</summary>
    OtherModel,

    /// <summary>More answers came than were asked for.</summary>
    Surplus,

    /// <summary>The endpoint gave it the name of an answer to another question.</summary>
    NotItsOwn,
}

/// <summary>An answer that is left out.</summary>
public sealed record Excluded(StoredAnswer Answer, Exclusion Why);

/// <summary>Which answers of a store are trained on, and why the others are not.</summary>
public sealed record Admission(IReadOnlyList<StoredAnswer> Admitted, IReadOnlyList<Excluded> Excluded)
{
    public static Admission Of(IReadOnlyList<StoredAnswer> answers)
    {
        // A name that several questions share says which of them it belongs to of none.
        HashSet<string> shared = [.. answers.Where(a => a.Response is { Length: > 0 }).GroupBy(a => a.Response!, StringComparer.Ordinal).Where(g => g.Select(a => a.Request).Distinct().Count() > 1).Select(g => g.Key)];
        List<StoredAnswer> admitted = [];
        List<Excluded> excluded = [];
        foreach (StoredAnswer answer in answers)
        {
            if (Fault(answer, shared) is { } why)
            {
                excluded.Add(new(answer, why));
            }
            else
            {
                admitted.Add(answer);
            }
        }

        return new(admitted, excluded);
    }

    /// <summary>What is left out, as JSON lines.</summary>
    public byte[] List() => [.. Excluded.SelectMany(e => JsonSerializer.SerializeToUtf8Bytes(
        new { id = e.Answer.Id, why = JsonNamingPolicy.SnakeCaseLower.ConvertName(e.Why.ToString()), model = e.Answer.Returned, finish = e.Answer.Choice.Finish }).Append((byte)'\n'))];

    static Exclusion? Fault(StoredAnswer a, HashSet<string> shared) =>
        a.Choice.Refusal is not null || a.Choice.Finish == "content_filter" ? Exclusion.Refused
        : a.Place >= AskedQuestion.Read(a.Body).Count ? Exclusion.Surplus
        : a.Response is { } name && shared.Contains(name) ? Exclusion.NotItsOwn
        : a.Returned is { } model && !Same(a.Asked.Model, model) ? Exclusion.OtherModel
        : string.IsNullOrWhiteSpace(a.Choice.Text) ? Exclusion.Empty
        : a.Choice.Finish is not (null or "stop") ? Exclusion.Unfinished
        : null;

    /// <summary>"small" answers as "small", or as "small-2026-01-31"; "small-large" is another.</summary>
    static bool Same(string asked, string returned)
    {
        string own = asked.Split('/')[^1], named = returned.Split('/')[^1];
        return named.Equals(own, StringComparison.OrdinalIgnoreCase)
            || (named.StartsWith(own, StringComparison.OrdinalIgnoreCase) && named[own.Length] is '-' or '@' or ':' && named[(own.Length + 1)..].All(c => char.IsAsciiDigit(c) || c == '-'));
    }
}
