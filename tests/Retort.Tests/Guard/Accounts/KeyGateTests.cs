using Retort.Guard.Accounts;

namespace Retort.Tests.Guard.Accounts;

public sealed class KeyGateTests : IDisposable
{
    readonly AccountWorld _world = new();

    public void Dispose() => _world.Dispose();

    KeyGate Gate(AccountStore? store = null, TermsPolicy? terms = null) => KeyGate.Open(store ?? _world.Store, terms, _world.Clock);

    static KeyRefusal? Why(KeyVerdict verdict) => (verdict as KeyVerdict.Refused)?.Why;

    [Fact]
    public void AKeyPassesAndWhatIsLikeItDoesNot()
    {
        string key = _world.Key();
        KeyGate gate = Gate();
        KeyVerdict.Passes passes = Assert.IsType<KeyVerdict.Passes>(gate.Check("Bearer " + key, KeyScopes.Chat));
        Assert.Equal(("acme", AccountWorld.IdOf(key)), (passes.Account.Name, passes.Key.Id));
        string other = KeyText.Make();
        Assert.Equal(KeyRefusal.Unknown, Why(gate.Check(other, KeyScopes.Chat)));
        Assert.Equal(KeyRefusal.Unknown, Why(gate.Check(KeyText.Reseal(key[..16] + other[16..]), KeyScopes.Chat)));
        Assert.Equal(KeyRefusal.Mistyped, Why(gate.Check(key[..16] + other[16..], KeyScopes.Chat)));
        Assert.Equal(KeyRefusal.Malformed, Why(gate.Check("Basic YTpi", KeyScopes.Chat)));
        Assert.Equal(KeyRefusal.Missing, Why(gate.Check("", KeyScopes.Chat)));
    }

    [Fact]
    public void ScopesAndExpiryHold()
    {
        string chat = _world.Key(scopes: KeyScopes.Chat), brief = _world.Key(expires: _world.Clock.Now.AddHours(1));
        KeyGate gate = Gate();
        Assert.IsType<KeyVerdict.Passes>(gate.Check(chat, KeyScopes.Chat));
        Assert.Equal(KeyRefusal.OutOfScope, Why(gate.Check(chat, KeyScopes.Chat | KeyScopes.Logprobs)));
        _world.Clock.Pass(3599);
        Assert.IsType<KeyVerdict.Passes>(gate.Check(brief, KeyScopes.Chat));
        _world.Clock.Pass(1);
        Assert.Equal(KeyRefusal.Expired, Why(gate.Check(brief, KeyScopes.Chat)));
        Assert.Throws<UserError>(() => _world.Key(expires: _world.Clock.Now));
    }

    [Fact]
    public void ARotatedKeyGoesOnUntilTheOverlapEnds()
    {
        string old = _world.Key(scopes: KeyScopes.Chat);
        KeyGate gate = Gate();
        string next = _world.Store.Rotate(AccountWorld.IdOf(old), TimeSpan.FromHours(24)).Text;
        Assert.IsType<KeyVerdict.Passes>(gate.Check(next, KeyScopes.Chat));
        Assert.Equal(KeyRefusal.OutOfScope, Why(gate.Check(next, KeyScopes.Models)));
        _world.Clock.Pass(TimeSpan.FromHours(24) - TimeSpan.FromMilliseconds(1));
        Assert.IsType<KeyVerdict.Passes>(gate.Check(old, KeyScopes.Chat));
        _world.Clock.Pass(0.001);
        Assert.Equal(KeyRefusal.Expired, Why(gate.Check(old, KeyScopes.Chat)));
        Assert.IsType<KeyVerdict.Passes>(gate.Check(next, KeyScopes.Chat));
        Assert.Contains("replaced", Assert.Throws<UserError>(() => _world.Store.Rotate(AccountWorld.IdOf(old), TimeSpan.Zero)).What, StringComparison.Ordinal);
        string now = _world.Store.Rotate(AccountWorld.IdOf(next), TimeSpan.Zero).Text;
        Assert.Equal(KeyRefusal.Expired, Why(gate.Check(next, KeyScopes.Chat)));
        Assert.IsType<KeyVerdict.Passes>(gate.Check(now, KeyScopes.Chat));
    }

    /// <summary>Another program's revocation is met by the very next request here; nobody polls in between.</summary>
    [Fact]
    public void ARevocationElsewhereHoldsAtOnce()
    {
        string key = _world.Key();
        AccountStore elsewhere = _world.Open();
        KeyGate here = Gate(), there = Gate(elsewhere);
        Assert.IsType<KeyVerdict.Passes>(here.Check(key, KeyScopes.Chat));
        Assert.IsType<KeyVerdict.Passes>(there.Check(key, KeyScopes.Chat));
        elsewhere.Revoke(AccountWorld.IdOf(key));
        Assert.Equal(KeyRefusal.Revoked, Why(here.Check(key, KeyScopes.Chat)));
        Assert.Equal(KeyRefusal.Revoked, Why(there.Check(key, KeyScopes.Chat)));
        string fresh = _world.Key();
        Assert.IsType<KeyVerdict.Passes>(there.Check(fresh, KeyScopes.Chat));
    }

    /// <summary>A program that was killed between its change and saying so: the next look at SQLite's count of changes finds it.</summary>
    [Fact]
    public void AChangeThatNobodyRangForIsFoundByPolling()
    {
        string key = _world.Key();
        KeyGate gate = Gate();
        string word = Path.Combine(_world.Store.Folder, "accounts.version");
        byte[] before = File.ReadAllBytes(word);
        _world.Open().Revoke(AccountWorld.IdOf(key));
        using (FileStream file = new(word, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
        {
            file.Write(before);
        }

        Assert.IsType<KeyVerdict.Passes>(gate.Check(key, KeyScopes.Chat));
        gate.Poll();
        Assert.Equal(KeyRefusal.Revoked, Why(gate.Check(key, KeyScopes.Chat)));
    }

    [Fact]
    public void SupersededTermsHaveAGraceAndThenAreRefused()
    {
        TermsPolicy policy = new(null, "1", TimeSpan.FromDays(14), "https://example.com/terms");
        string key = _world.Key(), late = _world.Key("late");
        Assert.Contains("is not in force; none is", Assert.Throws<UserError>(() => Gate(terms: policy)).What, StringComparison.Ordinal);
        _world.Store.Publish("1", "terms.md", "one"u8.ToArray());
        KeyGate gate = Gate(terms: policy);
        KeyVerdict.TermsOutstanding first = Assert.IsType<KeyVerdict.TermsOutstanding>(gate.Check(key, KeyScopes.Chat));
        Assert.Equal((403, "terms_not_accepted", "1", null, "https://example.com/terms"), (first.Status, first.Code, first.Demand.Version, first.Demand.Accepted, first.Demand.AcceptAt));
        Acceptance accepted = _world.Store.Accept("acme", "1", "its owner");
        Assert.Equal(("1", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("one"u8)), _world.Clock.Now, "its owner"), (accepted.Version, accepted.Sha256, accepted.At, accepted.Who));
        Assert.Null(Assert.IsType<KeyVerdict.Passes>(gate.Check(key, KeyScopes.Chat)).Grace);

        _world.Clock.Pass(TimeSpan.FromDays(1));
        _world.Store.Publish("2", "terms.md", "two"u8.ToArray());
        TermsDemand grace = Assert.IsType<KeyVerdict.Passes>(gate.Check(key, KeyScopes.Chat)).Grace!;
        Assert.Equal(("2", "1", _world.Clock.Now + policy.Grace), (grace.Version, grace.Accepted, grace.GraceEnds));
        Assert.Equal($"superseded; accepted=\"1\"; current=\"2\"; sha256={grace.Sha256}; until=2026-12-13T09:00:00Z; accept=\"https://example.com/terms\"", grace.HeaderValue);

        // Who never accepted anything has no grace.
        Assert.IsType<KeyVerdict.TermsOutstanding>(gate.Check(late, KeyScopes.Chat));
        _world.Clock.Pass(policy.Grace);
        KeyVerdict.TermsOutstanding refused = Assert.IsType<KeyVerdict.TermsOutstanding>(gate.Check(key, KeyScopes.Chat));
        Assert.Equal(("terms_superseded", "2", "1"), (refused.Code, refused.Demand.Version, refused.Demand.Accepted));
        _world.Open().Accept("acme", "2", "its owner");
        Assert.Null(Assert.IsType<KeyVerdict.Passes>(gate.Check(key, KeyScopes.Chat)).Grace);
    }

    /// <summary>100,000 headers of all kinds: each has a verdict, none of them a pass, and none takes memory by its length.</summary>
    [Fact]
    public void AnyHeaderHasAVerdict()
    {
        string key = _world.Key();
        KeyGate gate = Gate();
        Random random = new(5);
        string[] pieces = ["Bearer ", "bearer", "Basic ", "rt_", key, key[..20], key[20..], "_", "' OR 1=1 --", "\0", "\r\n", "é", "\ud800", "🙂", "%00", ";DROP TABLE api_key", new string('a', 300), " ", "\t", "0", "rt_zzzzzzzzzzzz_"];
        Dictionary<KeyRefusal, int> seen = [];
        for (int i = 0; i < 100_000; i++)
        {
            string header = random.Next(3) switch
            {
                0 => string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => pieces[random.Next(pieces.Length)])),
                1 => "Bearer " + new string([.. key.Select(c => random.Next(20) == 0 ? (char)random.Next(i % 2 == 0 ? 128 : 65536) : c)]),
                _ => new string([.. Enumerable.Range(0, random.Next(100)).Select(_ => (char)random.Next(65536))]),
            };
            KeyVerdict verdict = gate.Check(header, KeyScopes.Chat);
            if (verdict is KeyVerdict.Passes)
            {
                Assert.Contains(key, header, StringComparison.Ordinal);
                continue;
            }

            KeyRefusal why = Assert.IsType<KeyVerdict.Refused>(verdict).Why;
            seen[why] = seen.GetValueOrDefault(why) + 1;
        }

        Assert.True(seen[KeyRefusal.Missing] > 100 && seen[KeyRefusal.Malformed] > 10_000 && seen[KeyRefusal.Mistyped] > 100, string.Join(", ", seen));
        string endless = "Bearer " + new string('a', 100_000_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        KeyVerdict last = gate.Check(endless, KeyScopes.Chat);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(KeyRefusal.Malformed, Why(last));
    }

    [Fact]
    public void AVerdictTakesNoMemory()
    {
        string key = _world.Key(), unknown = KeyText.Make();
        KeyGate gate = Gate();
        Assert.Equal(0, Allocated(() =>
        {
            gate.Check(key, KeyScopes.Chat);
            gate.Check(unknown, KeyScopes.Chat);
        }));
    }

    internal static long Allocated(Action run)
    {
        for (int i = 0; i < 100; i++)
        {
            run();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            run();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>Tables of all sizes find every key and nothing else.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(5000)]
    public void TheTableFindsEveryKey(int count)
    {
        Random random = new(count);
        Dictionary<ulong, (KeyPlace Place, byte[] Hash)> keys = [];
        while (keys.Count < count)
        {
            byte[] hash = new byte[32];
            random.NextBytes(hash);
            ulong id = keys.Count % 3 == 0 ? (ulong)keys.Count : (ulong)random.NextInt64();
            keys[id] = (KeyPlace.Of(hash, new("", 1, KeyScopes.All, default, null, null, null, null), new(1, "", "", Purposes.None, null, null, default, null), null, null), hash);
        }

        KeyTable table = KeyTable.Of(keys.ToDictionary(k => k.Key, k => k.Value.Place));
        Assert.All(keys, k => Assert.True(table.Find(k.Key).Opens(k.Value.Hash)));
        for (int i = 0; i < 1000; i++)
        {
            ulong id = (ulong)random.NextInt64();
            Assert.True(keys.ContainsKey(id) || !keys.Values.Any(k => table.Find(id).Opens(k.Hash)));
        }
    }
}
