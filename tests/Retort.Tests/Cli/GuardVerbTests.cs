using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Retort.Cli;
using Retort.Guard.Accounts;
using Retort.Guard.Limits;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>retort guard, and workers that are killed, each as a process of its own.</summary>
public sealed class GuardVerbTests : IDisposable
{
    const string Secret = "a-pepper-of-this-test-0123456789abcdef";

    readonly Scratch _scratch = new();
    readonly (string, string)[] _environment;

    public GuardVerbTests()
    {
        _scratch.Write("terms.md", "Be kind.");
        _scratch.Write("guard.yaml", "store: store\npepper: TEST_PEPPER\nterms: {file: terms.md, version: v1, grace_days: 1, accept_at: here}\ntiers: [{name: free, streams: 2}, {name: pro}]\n");
        _environment = [("TEST_PEPPER", Secret), ("RETORT_HOME", _scratch["home"])];
    }

    public void Dispose() => _scratch.Dispose();

    DoorRun Run(params string[] arguments) => ProcessRun.Of(_environment, ["guard", .. arguments, "--guard", _scratch["guard.yaml"]]);

    AccountStore Store() => AccountStore.Open(_scratch["store"], Pepper.Of("P", _ => Secret), TimeProvider.System);

    [Fact]
    public void AKeyIsMadeShownOnceRotatedAndRevoked()
    {
        Assert.Contains("made the key that signs your ledgers", Run("accounts", "add", "acme", "--tier", "free", "--purpose", "batch", "--purpose", "judge", "--trait", "payment=4242 tok").Error, StringComparison.Ordinal);
        Assert.Equal("", Run("terms", "publish", _scratch["terms.md"], "--version", "v1").Error);
        Assert.Equal("", Run("terms", "accept", "acme", "--version", "v1", "--by", "its owner").Error);
        DoorRun made = Run("keys", "make", "acme", "--scopes", "chat,models", "--expires", "90d");
        string key = made.Output.TrimEnd('\n');
        Assert.Matches("^rt_[0-9a-z]{12}_[0-9A-Za-z]{49}$", key);
        string id = key.Substring(3, 12);
        Assert.Contains($"key {id}, shown this once", made.Error, StringComparison.Ordinal);
        JsonElement next = Run("keys", "rotate", id, "--overlap", "24h", "--json").Json;
        Assert.Equal(ExitCode.Done, Run("keys", "revoke", id).Code);
        JsonElement[] keys = [.. Run("keys", "list", "--json").Json.GetProperty("keys").EnumerateArray()];
        Assert.Equal(["active", "revoked"], keys.Select(k => k.GetProperty("state").GetString()).Order(StringComparer.Ordinal));

        // Both are met by a gate of this process as the verbs left them.
        using AccountStore store = Store();
        KeyGate gate = KeyGate.Open(store, new(_scratch["terms.md"], "v1", TimeSpan.Zero, "here"), TimeProvider.System);
        Assert.IsType<KeyVerdict.Refused>(gate.Check(key, KeyScopes.Chat));
        Assert.IsType<KeyVerdict.Passes>(gate.Check(next.GetProperty("key").GetString(), KeyScopes.Chat));
        Assert.Equal(6, store.Events().Count);
        Assert.Equal(7, next.GetProperty("ledger").GetProperty("entries").GetInt64() + 1);
        JsonElement account = Run("accounts", "show", "acme", "--json").Json;
        Assert.Equal((2, "its owner"), (account.GetProperty("keys").GetArrayLength(), account.GetProperty("account").GetProperty("accepted").GetProperty("who").GetString()));
        foreach (string file in Directory.GetFiles(_scratch.Folder, "*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)))
        {
            using FileStream open = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[open.Length];
            open.ReadExactly(bytes);
            Assert.All((string[])[key[16..59], Secret, "4242 tok"], s => Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(s))));
        }
    }

    [Theory]
    [InlineData("accounts add acme --tier gold", "--tier", "the policy has no tier 'gold'")]
    [InlineData("accounts add acme --purpose fun", "--purpose", "must be one of evaluation, batch, judge, agent")]
    [InlineData("accounts show nobody", "nobody", "there is no such account")]
    [InlineData("keys make nobody", "nobody", "there is no such account")]
    [InlineData("keys rotate aaaaaaaaaaaa --overlap soon", "--overlap", "'soon' is no length of time")]
    [InlineData("keys revoke aaaaaaaaaaaa", "aaaaaaaaaaaa", "there is no such key")]
    [InlineData("terms accept acme", "guard terms accept", "--version V is missing")]
    [InlineData("terms publish nowhere.md --version v2", "nowhere.md", "there is no such file")]
    public void BadInputIsOneSentence(string line, string where, string what) => Run(line.Split(' ')).Refused(where, what);

    [Fact]
    public void WithoutPepperOrPolicyNothingIsDone()
    {
        ProcessRun.Of("guard", "accounts", "list", "--guard", _scratch["guard.yaml"]).Refused("TEST_PEPPER", "the environment has no pepper");
        ProcessRun.Of("guard", "accounts", "list", "--guard", _scratch["none.yaml"]).Refused(_scratch["none.yaml"], "there is no such policy");
        Assert.False(Directory.Exists(_scratch["store"]));
    }

    /// <summary>Killed at any moment of a rotation: the store is whole, and the old key is either as it was or replaced by one that is there.</summary>
    [Theory]
    [InlineData("accounts.db-wal")]
    [InlineData("accounts.db-shm")]
    [InlineData("ledger/lock")]
    [InlineData("ledger/checkpoint")]
    public void AKilledRotationIsWholeOrNotAtAll(string file)
    {
        Run("accounts", "add", "acme");
        string key = Run("keys", "make", "acme").Output.TrimEnd('\n'), id = key.Substring(3, 12);
        ProcessRun.KilledAt(_scratch["store"], file, 1, _environment, "guard", "keys", "rotate", id, "--guard", _scratch["guard.yaml"]);

        // Whether the kill came in time or the rotation was done before it, the same must hold.
        using AccountStore store = Store();
        Assert.Empty(store.Faults());
        IReadOnlyList<ApiKey> keys = store.Keys();
        ApiKey old = keys.Single(k => k.Id == id);
        Assert.Equal(old.Successor is null ? 1 : 2, keys.Count);
        Assert.True(old.Successor is null == (old.Replaced is null) && (old.Successor is null || keys.Any(k => k.Id == old.Successor)));
        Assert.IsType<KeyVerdict.Passes>(KeyGate.Open(store, null, TimeProvider.System).Check(key, KeyScopes.Chat));

        // The next change brings the ledger up to both.
        Assert.Equal(ExitCode.Done, Run("keys", "make", "acme").Code);
        using AccountStore after = Store();
        Assert.Equal(after.Events().Count + 1, Run("keys", "make", "acme", "--json").Json.GetProperty("ledger").GetProperty("entries").GetInt64() - 1);
    }

    /// <summary>Two programs drain one limit: together they use what it allows and no more.</summary>
    [Fact]
    public void TwoProgramsOnOneStoreKeepOneLimit()
    {
        const int Limit = 300_000;
        using Process a = ProcessRun.Begin("bench", "limits", _scratch["shared"], "--tokens", $"{Limit}", "--seed", "1", "--json"), b = ProcessRun.Begin("bench", "limits", _scratch["shared"], "--tokens", $"{Limit}", "--seed", "2", "--json");
        long[] used = [.. ((Process[])[a, b]).Select(p => (Output: p.StandardOutput.ReadToEndAsync(), Error: p.StandardError.ReadToEndAsync())).ToArray().Select(p => JsonDocument.Parse(p.Output.Result).RootElement.GetProperty("tokens").GetInt64())];
        Assert.InRange(used.Sum(), Limit - 200, Limit);
    }

    /// <summary>A worker is killed while it reserves and settles: nothing it had settled is forgotten, and what it held is free within the stated time.</summary>
    [Fact]
    public void AKilledWorkersUseIsKeptAndItsShareReturned()
    {
        const int Limit = 1_000_000_000;
        string store = _scratch["killed"];
        long settled = 0;
        using (Process process = ProcessRun.Begin("bench", "limits", store, "--tokens", $"{Limit}"))
        {
            for (int i = 0; i < 40; i++)
            {
                string line = process.StandardError.ReadLine()!;
                settled = long.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture);
            }

            process.Kill();
            process.WaitForExit();
        }

        long ends = Number("SELECT ends FROM worker"), held = Number("SELECT sum(amount) FROM lease WHERE quantity = 2");
        Assert.True(held > 0);
        GuardClock clock = new() { Now = DateTimeOffset.FromUnixTimeMilliseconds(ends) + LimitTiming.Default.Margin };
        BoundScope[] scopes = [new(LimitScope.Account(1), new(null, null, Limit, null, null, null))];
        using (LeasedLimits next = LeasedLimits.Open(store, LimitTiming.Default, clock))
        {
            long used = Number("SELECT sum(amount) FROM used WHERE quantity = 2");
            Assert.InRange(used, settled, settled + (Limit / 10));
            Assert.Equal(0, Number("SELECT count(*) FROM lease"));
            Assert.Null(next.Reserve(scopes, Amounts.Of(Limit - used), out _));
            Assert.NotNull(next.Reserve(scopes, Amounts.Of(1), out _));
        }

        long Number(string sql)
        {
            using SqliteConnection connection = new($"Data Source={Path.Combine(store, "limits.db")};Pooling=False");
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = sql;
            return (long)command.ExecuteScalar()!;
        }
    }
}
