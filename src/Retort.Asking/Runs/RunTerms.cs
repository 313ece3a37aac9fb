using System.Text.Json;
using Retort.Evidence.Terms;

namespace Retort.Asking.Runs;

/// <summary>terms.json of a run folder: under which terms everything was used that the run was made with.</summary>
/// <param name="Register">Hash of the register it was decided by.</param>
/// <param name="On">The day.</param>
/// <param name="Owed">What the student's papers must meet.</param>
public sealed record RunTerms(string Register, DateOnly On, IReadOnlyList<RunTermsUse> Uses, IReadOnlyList<string> Owed)
{
    public const string FileName = "terms.json";

    static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    public static RunTerms Of(TermsVerdict.Open verdict) => new(
        verdict.RegisterSha256, verdict.On,
        [.. verdict.Uses.Select(u => new RunTermsUse(KebabName.Of(u.Use.Role), u.Use.Model.Reference, KebabName.Of(u.Class), u.Use.Declared, [.. u.Entries.Select(e => new RunTermsEntry(e.Entry.Id, e.Sha256, e.Permission is { } p ? new(p.Grantor, p.Recipient, p.Contract, p.Signed, p.Expires, [.. p.Entries], p.ContractSha256, p.Sha256) : null))], u.Use.Own is { } own ? RunTermsOwn.Of(own) : null))],
        [.. verdict.Obligations.Select(o => $"{o.Entry}: {o.Sentence}")]);

    /// <summary>States these uses in the folder's terms.json, in place of those it states.</summary>
    public void Write(string folder, Manifest manifest)
    {
        AtomicFile.WriteAllBytes(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, s_json));
        manifest.Add("terms", new Dictionary<string, string> { ["register"] = Register }, FileName);
    }

    /// <summary>States these uses besides those of other models and roles that the folder's terms.json holds. What says all of it already is left as it is.</summary>
    /// <exception cref="UserError">It cannot be read or written.</exception>
    public void Add(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            Write(folder, new(folder));
            return;
        }

        // When an endpoint's own word was read is no news where it says the same.
        static string State(RunTermsUse use) => JsonSerializer.Serialize(use with { Own = use.Own is { } own ? own with { Read = default } : null }, s_json);
        RunTerms before = Read(path);
        if (Uses.Any(u => !before.Uses.Any(b => State(b) == State(u))))
        {
            RunTermsUse[] others = [.. before.Uses.Where(b => !Uses.Any(u => (u.Role, u.Model) == (b.Role, b.Model)))];
            (this with { Uses = [.. Uses, .. others], Owed = [.. Owed.Union(before.Owed)] }).Write(folder, new(folder));
        }
    }

    /// <exception cref="UserError">It cannot be read.</exception>
    public static RunTerms Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<RunTerms>(TextFile.Read(path, 1 << 22), s_json) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new UserError("these are no terms of a run", path, "Put back a copy of the file, or leave the run's folder out.");
        }
    }
}

/// <param name="Role">teacher, base-model, judge or seed-data.</param>
/// <param name="Model">As it was named; an absolute path where it was read from disk.</param>
/// <param name="Class">The strictest of its entries.</param>
/// <param name="Declared">The entry that the user said applies; null where none was named.</param>
/// <param name="Own">What the endpoint's own list of models says; null where there is none to read, or another client was asked.</param>
public sealed record RunTermsUse(string Role, string Model, string Class, string? Declared, IReadOnlyList<RunTermsEntry> Entries, RunTermsOwn? Own = null);

/// <summary>An endpoint's own word, as it was read.</summary>
/// <param name="Sha256">Of what came; null where nothing did.</param>
/// <param name="Field">Field and value; null where there is none.</param>
/// <param name="Unread">Why it could not be read; null where it was.</param>
public sealed record RunTermsOwn(string Address, DateTimeOffset Read, string? Sha256, string? Field, string? Label, string? Basis, string? Link, string? Note, string? Unread)
{
    internal static RunTermsOwn Of(PolicyReading r) => new(r.Address, r.At, r.Sha256, r.Says?.Field, r.Says?.Label, r.Says?.Basis, r.Says?.Link, r.Says?.Note, r.Unread);
}

/// <param name="Sha256">Of what the entry said then.</param>
/// <param name="Permission">Null where the terms themselves allow it.</param>
public sealed record RunTermsEntry(string Id, string Sha256, RunPermission? Permission);

/// <summary>The provider's own word that opened a use.</summary>
public sealed record RunPermission(string Grantor, string Recipient, string Contract, DateOnly Signed, DateOnly Expires, IReadOnlyList<string> Entries, string ContractSha256, string Sha256);
