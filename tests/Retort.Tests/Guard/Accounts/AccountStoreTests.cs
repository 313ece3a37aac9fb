using System.Text;
using Microsoft.Data.Sqlite;
using Retort.Evidence.Ledger;
using Retort.Guard.Accounts;

namespace Retort.Tests.Guard.Accounts;

public sealed class AccountStoreTests : IDisposable
{
    readonly AccountWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void AnAccountsFactsAreKept()
    {
        AccountStore store = _world.Store;
        Account added = store.Add("acme", "free", new(Purposes: Purposes.Batch | Purposes.Judge, IsResearcher: true, Traits: [(TraitKind.Payment, "4242  FP"), (TraitKind.Address, "1 Road")]));
        Assert.Equal(added, store.Account("acme"));
        Assert.Equal(("free", Purposes.Batch | Purposes.Judge, _world.Clock.Now, null), (added.Tier, added.Purposes, added.ResearcherSince, added.Linked));
        _world.Clock.Pass(10);
        Account set = store.Set("acme", new(Tier: "pro", Linked: 7));
        Assert.Equal(added with { Tier = "pro", Linked = 7 }, set);
        Assert.Equal(set with { Linked = null, ResearcherSince = null }, store.Set("acme", new(IsResearcher: false, Linked: 0)));

        // Traits are alike for accounts that share them, whatever case and spaces.
        store.Add("other", "free", new(Traits: [(TraitKind.Payment, " 4242 fp ")]));
        byte[] shared = store.TraitsOf(2).Single().Hash;
        Assert.Contains(store.TraitsOf(1), t => t.Kind == TraitKind.Payment && t.Hash.AsSpan().SequenceEqual(shared));
        Assert.NotEqual(AccountWorld.Pepper().Trait(TraitKind.Address, "4242 fp"), shared);
        Assert.Throws<UserError>(() => store.Add("acme", "free", new()));
        Assert.Throws<UserError>(() => store.Add("a\tb", "free", new()));
        Assert.Throws<UserError>(() => store.Set("nobody", new()));
        Assert.Equal([AccountEventKind.AccountAdded, AccountEventKind.AccountChanged, AccountEventKind.AccountChanged, AccountEventKind.AccountAdded], store.Events().Select(e => e.Kind));
    }

    [Fact]
    public void AnotherPepperIsRefused()
    {
        UserError error = Assert.Throws<UserError>(() => AccountStore.Open(_world.Store.Folder, AccountWorld.Pepper(new string('x', 40)), _world.Clock));
        Assert.Contains("another pepper", error.What, StringComparison.Ordinal);
    }

    /// <summary>Whoever changes a row without the pepper is noticed, and no key gains by it; so is a row taken out or put back as it was.</summary>
    [Theory]
    [InlineData("UPDATE api_key SET revoked = NULL", "key ")]
    [InlineData("UPDATE api_key SET scopes = 15", "key ")]
    [InlineData("UPDATE api_key SET expires = 99999999999999", "key ")]
    [InlineData("UPDATE api_key SET hash = zeroblob(32)", "key ")]
    [InlineData("UPDATE api_key SET account = 2", "key ")]
    [InlineData("UPDATE account SET tier = 'pro' WHERE id = 1", "account 1")]
    [InlineData("UPDATE account SET linked = 9, changed = changed + 1 WHERE id = 1", "account 1")]
    [InlineData("UPDATE terms SET sha256 = 'aa'", "terms 1")]
    [InlineData("UPDATE acceptance SET who = 'somebody'", "acceptance 1")]
    [InlineData("DELETE FROM acceptance", "the rows together")]
    [InlineData("DELETE FROM api_key", "the rows together")]
    [InlineData("UPDATE api_key SET (revoked, changed, seal) = (SELECT revoked, changed, seal FROM before)", "the rows together")]
    [InlineData("INSERT INTO api_key SELECT 'aaaaaaaaaaaa', account, hash, scopes, made, expires, replaced, NULL, successor, changed, seal FROM api_key", "key aaaaaaaaaaaa")]
    public void ATamperedStoreIsRefused(string sql, string named)
    {
        string key = _world.Key(scopes: KeyScopes.Chat);
        _world.Store.Add("other", "free", new());
        _world.Store.Publish("1", "t", "one"u8.ToArray());
        _world.Store.Accept("acme", "1", "its owner");
        Run("CREATE TABLE before AS SELECT * FROM api_key", changes: false);
        _world.Store.Revoke(AccountWorld.IdOf(key));
        Assert.Empty(_world.Store.Faults());
        Run(sql);
        Assert.Contains(_world.Store.Faults(), f => f.StartsWith(named, StringComparison.Ordinal));

        // What is changed by right afterwards does not seal over it.
        _world.Store.Add("third", "free", new());
        Assert.Contains(_world.Store.Faults(), f => f.StartsWith(named, StringComparison.Ordinal));
        UserError error = Assert.Throws<UserError>(() => KeyGate.Open(_world.Store, null, _world.Clock));
        Assert.Contains("without the pepper", error.What, StringComparison.Ordinal);
    }

    void Run(string sql, bool changes = true)
    {
        using SqliteConnection connection = new($"Data Source={Path.Combine(_world.Store.Folder, "accounts.db")};Pooling=False;Foreign Keys=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.Equal(changes, command.ExecuteNonQuery() > 0);
    }

    /// <summary>A gate that runs leaves out what was changed under it.</summary>
    [Fact]
    public void ARunningGateLeavesOutWhatIsNotSealed()
    {
        string key = _world.Key(), good = _world.Key();
        KeyGate gate = KeyGate.Open(_world.Store, null, _world.Clock);
        Run($"UPDATE api_key SET scopes = 0, changed = 1000000 WHERE id = '{AccountWorld.IdOf(key)}'");
        gate.Poll();
        Assert.Equal(KeyRefusal.Unknown, Assert.IsType<KeyVerdict.Refused>(gate.Check(key, KeyScopes.Chat)).Why);
        Assert.IsType<KeyVerdict.Passes>(gate.Check(good, KeyScopes.Chat));
        Assert.Equal([$"key {AccountWorld.IdOf(key)}"], gate.Faults);
    }

    /// <summary>Damage anywhere in the file is an error in one sentence, never a key that passes by it.</summary>
    [Fact]
    public void ADamagedFileIsAnErrorInOneSentence()
    {
        string key = _world.Key();
        _world.Store.Revoke(AccountWorld.IdOf(key));
        using (SqliteConnection connection = new($"Data Source={Path.Combine(_world.Store.Folder, "accounts.db")};Pooling=False"))
        {
            connection.Open();
            using SqliteCommand checkpoint = connection.CreateCommand();
            checkpoint.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            checkpoint.ExecuteNonQuery();
        }

        byte[] whole = _world.Files().Single(f => f.Path.EndsWith("accounts.db", StringComparison.Ordinal)).Bytes;
        Random random = new(3);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = [.. whole];
            for (int n = random.Next(1, 40); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            string folder = _world.Scratch[$"damaged{i}"];
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(Path.Combine(folder, "accounts.db"), i % 50 == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            Exception? e = Record.Exception(() =>
            {
                using AccountStore store = AccountStore.Open(folder, AccountWorld.Pepper(), _world.Clock);
                Assert.IsNotType<KeyVerdict.Passes>(KeyGate.Open(store, null, _world.Clock).Check(key, KeyScopes.Chat));
            });
            Assert.True(e is null or UserError, e?.ToString());
            refused += e is null ? 0 : 1;
            Directory.Delete(folder, recursive: true);
        }

        Assert.InRange(refused, 20, 300);
    }

    /// <summary>Every event has its entry, in order; one can be opened alone, and a changed event fits no entry.</summary>
    [Fact]
    public void EveryEventHasAnEntryInTheLedger()
    {
        string key = _world.Key();
        LedgerHome home = new(_world.Scratch["home"], Path.Combine(_world.Scratch["home"], "ledger.key"), "test");
        Assert.Equal(3, AccountLedger.Record(_world.Store, home).Size);
        _world.Store.Publish("1", "t", "one"u8.ToArray());
        _world.Store.Accept("acme", "1", "its owner");
        _world.Store.Rotate(AccountWorld.IdOf(key), TimeSpan.FromHours(1));
        _world.Store.Revoke(AccountWorld.IdOf(key));
        _world.Store.Revoke(AccountWorld.IdOf(key));
        Assert.Equal(7, AccountLedger.Record(_world.Store, home).Size);
        Assert.Equal(7, AccountLedger.Record(_world.Store, home).Size);

        string folder = Path.Combine(_world.Store.Folder, "ledger");
        using LedgerKey signer = home.Key(Checkpoint.Read(Path.Combine(folder, TileReader.CheckpointName)).Origin);
        TileReader log = TileReader.Open(folder, signer.Public);
        CommitmentSecret secret = CommitmentSecret.Read(Path.Combine(_world.Store.Folder, "ledger.secret"));
        IReadOnlyList<AccountEvent> events = _world.Store.Events();
        Assert.Equal([AccountEventKind.AccountAdded, AccountEventKind.KeyMade, AccountEventKind.TermsPublished, AccountEventKind.TermsAccepted, AccountEventKind.KeyRotated, AccountEventKind.KeyRevoked], events.Select(e => e.Kind));
        foreach (AccountEvent e in events)
        {
            byte[] leaf = AccountLedger.Leaf(e, secret);
            Assert.Equal(LedgerVerdict.Holds, log.Prove(e.Number).Verify(leaf, signer.Public));
            Assert.NotEqual(LedgerVerdict.Holds, log.Prove(e.Number).Verify(AccountLedger.Leaf(e with { Detail = "{}", Subject = "x" }, secret), signer.Public));
            Assert.DoesNotContain("its owner", Encoding.UTF8.GetString(leaf), StringComparison.Ordinal);
        }

        // A store from before is noticed: its next events would have the numbers of entries that are there.
        Run("DELETE FROM event WHERE id = (SELECT max(id) FROM event)");
        Assert.Contains("older than its ledger", Assert.Throws<UserError>(() => AccountLedger.Record(_world.Store, home)).What, StringComparison.Ordinal);
    }

    /// <summary>Neither a key's secret nor the pepper nor a trait is in any file, event or text of a result.</summary>
    [Fact]
    public void NoSecretIsInAnyFile()
    {
        _world.Store.Add("acme", "free", new(Traits: [(TraitKind.Organisation, "Institute of Secrets")]));
        MadeKey made = _world.Store.MakeKey("acme", KeyScopes.All, null), next = _world.Store.Rotate(made.Key.Id, TimeSpan.Zero);
        LedgerHome home = new(_world.Scratch["home"], Path.Combine(_world.Scratch["home"], "ledger.key"), "test");
        AccountLedger.Record(_world.Store, home);
        string[] secrets = [made.Text[16..59], next.Text[16..59], AccountWorld.PepperText, "Institute of Secrets", "institute of secrets"];
        foreach ((string path, byte[] bytes) in _world.Files())
        {
            Assert.All(secrets, s => Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(s))));
            Assert.All(secrets, s => Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes(s))));
            Assert.NotEqual("", path);
        }

        string told = $"{made} {next} {AccountWorld.Pepper()} {string.Join(' ', _world.Store.Events())} {Assert.Throws<UserError>(() => _world.Store.Revoke(made.Text)).Message}";
        Assert.All(secrets, s => Assert.DoesNotContain(s, told, StringComparison.Ordinal));
    }
}
