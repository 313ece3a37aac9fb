using Dapper;
using Microsoft.Data.Sqlite;

namespace Retort.Guard.Accounts;

/// <summary>What of an account is to be changed; null leaves it.</summary>
/// <param name="Linked">The group it is linked to; 0 for none.</param>
public sealed record AccountChange(string? Tier = null, Purposes? Purposes = null, bool? IsResearcher = null, long? Linked = null, IReadOnlyList<(TraitKind Kind, string Text)>? Traits = null);

/// <summary>Accounts, and the terms their owners accept.</summary>
public sealed partial class AccountStore
{
    const int LongestName = 100;

    /// <summary>Adds an account.</summary>
    /// <exception cref="UserError">The name is taken or none.</exception>
    public Account Add(string name, string tier, AccountChange facts)
    {
        Plain(name, "NAME");
        Plain(facts.Tier ?? tier, "--tier");
        return Change(w =>
        {
            if (w.One<long?>("SELECT id FROM account WHERE name = @name", new { name }) is not null)
            {
                throw new UserError("there is an account of this name", name, "Take another name, or change it: retort guard accounts set.");
            }

            long id = w.One<long>("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'account'), 0) + 1", new { });
            AccountRow row = With(new(id, name, tier, 0, null, null, Ms(w.Now), w.Change, []), facts, w);
            w.Run(
                "INSERT INTO account (id, name, tier, purposes, researcher, linked, made, changed, seal) VALUES (@Id, @Name, @Tier, @Purposes, @Researcher, @Linked, @Made, @Changed, @Seal)",
                row with { Seal = Pepper.Seal(row.Text) });
            Traits(w, id, facts);
            w.Event(AccountEventKind.AccountAdded, id, name, Detail(row, facts));
            return Of(row, null);
        });
    }

    /// <summary>Changes an account.</summary>
    /// <exception cref="UserError">There is none.</exception>
    public Account Set(string name, AccountChange facts) => Change(w =>
    {
        if (facts.Tier is { } tier)
        {
            Plain(tier, "--tier");
        }

        AccountRow old = Row(name, w.Transaction), row = With(old, facts, w) with { Changed = w.Change };
        w.Run("UPDATE account SET tier = @Tier, purposes = @Purposes, researcher = @Researcher, linked = @Linked, changed = @Changed, seal = @Seal WHERE id = @Id", row with { Seal = Pepper.Seal(row.Text) });
        Traits(w, row.Id, facts);
        w.Event(AccountEventKind.AccountChanged, row.Id, name, Detail(row, facts));
        return Of(row, Accepted(row.Id, w.Transaction));
    });

    /// <exception cref="UserError">There is none, or its row was changed without the pepper.</exception>
    public Account Account(string name) => Reading(() =>
    {
        AccountRow row = Row(name, null);
        return Of(row, Accepted(row.Id, null));
    });

    /// <summary>All, in the order they were added.</summary>
    public IReadOnlyList<Account> Accounts() => Reading(() => _connection.Query<AccountRow>(AccountRow.Select + " ORDER BY id").Select(r => Of(r, Accepted(r.Id, null))).ToArray());

    /// <summary>Which traits of an account are known, as keyed hashes.</summary>
    public IReadOnlyList<(TraitKind Kind, byte[] Hash)> TraitsOf(long account) => Reading(() =>
        _connection.Query<(string Kind, byte[] Hash)>("SELECT kind, hash FROM trait WHERE account = @account ORDER BY kind, hash", new { account }).Select(t => (Enum.Parse<TraitKind>(t.Kind), t.Hash)).ToArray());

    /// <summary>Publishes terms, which are in force from now on.</summary>
    /// <param name="document">A copy is kept as evidence: terms/SHA256 in the store's folder.</param>
    /// <exception cref="UserError">The version was published before, or the copy cannot be written.</exception>
    public PublishedTerms Publish(string version, string file, byte[] document)
    {
        Plain(version, "--version");
        Plain(System.IO.Path.GetFileName(file), "FILE");
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(document)), copies = System.IO.Path.Combine(Folder, "terms");
        StoreFile.MakeFolder(copies);
        AtomicFile.WriteAllBytes(System.IO.Path.Combine(copies, hash), document);
        return Change(w =>
        {
            if (w.One<string>("SELECT sha256 FROM terms WHERE version = @version", new { version }) is { } published)
            {
                throw new UserError(published == hash ? "this version is published already" : "another document is published as this version", version, published == hash ? "Nothing is to be done." : "What was accepted must not change: give the new document a new version.");
            }

            TermsRow row = new(w.One<long>("SELECT coalesce(max(id), 0) + 1 FROM terms", new { }), version, hash, System.IO.Path.GetFileName(file), Ms(w.Now), w.Change, []);
            w.Run("INSERT INTO terms (id, version, sha256, file, at, changed, seal) VALUES (@Id, @Version, @Sha256, @File, @At, @Changed, @Seal)", row with { Seal = Pepper.Seal(row.Text) });
            w.Event(AccountEventKind.TermsPublished, null, version, new { sha256 = hash, row.File });
            return Of(row);
        });
    }

    /// <summary>Writes down that an account's owner accepted terms.</summary>
    /// <exception cref="UserError">There is no such account or version.</exception>
    public Acceptance Accept(string account, string version, string who)
    {
        Plain(who, "--by");
        return Change(w =>
        {
            AccountRow owner = Row(account, w.Transaction);
            TermsRow terms = w.One<TermsRow>(TermsRow.Select + " WHERE version = @version", new { version }) ?? throw new UserError("no such version of the terms is published", version, "Published are shown by retort guard terms list.");
            AcceptanceRow row = new(w.One<long>("SELECT coalesce(max(id), 0) + 1 FROM acceptance", new { }), owner.Id, version, terms.Sha256, Ms(w.Now), who, []);
            w.Run("INSERT INTO acceptance (id, account, version, sha256, at, who, seal) VALUES (@Id, @Account, @Version, @Sha256, @At, @Who, @Seal)", row with { Seal = Pepper.Seal(row.Text) });
            AccountRow changed = owner with { Changed = w.Change };
            w.Run("UPDATE account SET changed = @Changed, seal = @Seal WHERE id = @Id", changed with { Seal = Pepper.Seal(changed.Text) });
            w.Event(AccountEventKind.TermsAccepted, owner.Id, version, new { sha256 = terms.Sha256, who });
            return Of(row);
        });
    }

    /// <summary>What was published, the one in force last.</summary>
    public IReadOnlyList<PublishedTerms> Terms() => Reading(() => _connection.Query<TermsRow>(TermsRow.Select + " ORDER BY id").Select(Of).ToArray());

    /// <summary>Checks that the terms a policy names are those in force.</summary>
    /// <exception cref="UserError">They are not published, superseded, or another document.</exception>
    public void Require(TermsPolicy policy, string where)
    {
        PublishedTerms? last = Terms() is { Count: > 0 } all ? all[^1] : null;
        string publish = $"Publish them: retort guard terms publish {policy.File ?? "FILE"} --version {policy.Version}.";
        if (last is null || last.Version != policy.Version)
        {
            throw new UserError($"version {policy.Version} of the terms is not in force; {(last is null ? "none is" : $"{last.Version} is")}", where, publish);
        }

        if (policy.File is { } file && Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(InputFile.ReadAll(file, 64 << 20))) != last.Sha256)
        {
            throw new UserError($"this is not the document that was published as version {policy.Version}", file, "Publish it under a new version, or put the published one back; a copy lies in the store's folder terms.");
        }
    }

    static AccountRow With(AccountRow row, AccountChange facts, Writing w) => row with
    {
        Tier = facts.Tier ?? row.Tier,
        Purposes = (long?)facts.Purposes ?? row.Purposes,
        Researcher = facts.IsResearcher switch { null => row.Researcher, true => row.Researcher ?? Ms(w.Now), false => null },
        Linked = facts.Linked switch { null => row.Linked, 0 => null, { } group => group },
    };

    void Traits(Writing w, long account, AccountChange facts)
    {
        foreach ((TraitKind kind, string text) in facts.Traits ?? [])
        {
            w.Run("INSERT INTO trait (account, kind, hash) VALUES (@account, @kind, @hash) ON CONFLICT DO NOTHING", new { account, kind = kind.ToString(), hash = Pepper.Trait(kind, text) });
        }
    }

    static object Detail(AccountRow row, AccountChange facts) =>
        new { row.Tier, purposes = ((Purposes)row.Purposes).ToString(), researcher = row.Researcher is not null, row.Linked, traits = facts.Traits?.Select(t => t.Kind.ToString()) ?? [] };

    AccountRow Row(string name, SqliteTransaction? transaction)
    {
        AccountRow row = _connection.QueryFirstOrDefault<AccountRow>(AccountRow.Select + " WHERE name = @name", new { name }, transaction)
            ?? throw new UserError("there is no such account", name, "All are shown by retort guard accounts list.");
        return Holds(row.Seal, row.Text) ? row : throw Unsealed($"account {row.Id}");
    }

    /// <summary>Of what an account accepted the newest terms.</summary>
    Acceptance? Accepted(long account, SqliteTransaction? transaction) => _connection.Query<AcceptanceRow>(
        "SELECT a.id AS Id, a.account AS Account, a.version AS Version, a.sha256 AS Sha256, a.at AS At, a.who AS Who, a.seal AS Seal FROM acceptance a JOIN terms t ON t.version = a.version WHERE a.account = @account ORDER BY t.id DESC, a.id", new { account }, transaction)
        .Where(r => Holds(r.Seal, r.Text)).Select(Of).FirstOrDefault();

    UserError Unsealed(string what) => new($"{what} was changed without the pepper", Path, "Nothing is done with it. Put back a copy of the store, or find who changed it.");

    static Account Of(AccountRow r, Acceptance? accepted) => new(r.Id, r.Name, r.Tier, (Purposes)r.Purposes, Time(r.Researcher), r.Linked, Time(r.Made), accepted);

    static Acceptance Of(AcceptanceRow r) => new(r.Version, r.Sha256, Time(r.At), r.Who);

    static PublishedTerms Of(TermsRow r) => new(r.Version, r.Sha256, r.File, Time(r.At));

    static void Plain(string text, string where)
    {
        if (text.Length is 0 or > LongestName || text.Any(char.IsControl) || text.Trim() != text)
        {
            throw new UserError($"this is no name: it must have 1 to {LongestName} characters, none of them a control character, and no space at its ends", where, "Give another.");
        }
    }
}
