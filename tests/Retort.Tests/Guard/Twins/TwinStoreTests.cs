using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Retort.Guard.Twins;

namespace Retort.Tests.Guard.Twins;

public sealed class TwinStoreTests : IDisposable
{
    readonly TwinWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task BothAreCommittedToAndTheCoinSaysWhichIsServed()
    {
        List<int> coins = [];
        using (TwinStore twins = _world.Open())
        {
            for (int i = 1; i <= 40; i++)
            {
                TwinTicket ticket = twins.Reserve($"request {i}", suspected: false)!;
                Assert.Equal(i, ticket.Number);
                string served = await twins.Serve(ticket, "7", $"prompt {i}", $"first {i}", $"second {i}");
                int coin = TwinSeed.Of(_world.Secret, 1).Coin(i);
                Assert.Equal(coin == 0 ? $"first {i}" : $"second {i}", served);
                coins.Add(coin);

                // In the published log before the answer is had.
                TwinEntry.Twin entry = _world.Entries().OfType<TwinEntry.Twin>().Last();
                Assert.Equal((i, 1), (entry.Number, entry.Epoch));
                Assert.Equal(_world.Secret.Commit($"twin {i}/first", Encoding.UTF8.GetBytes($"first {i}")).ToString(), entry.First);
                Assert.Equal(_world.Secret.Commit($"twin {i}/second", Encoding.UTF8.GetBytes($"second {i}")).ToString(), entry.Second);
            }
        }

        Assert.InRange(coins.Sum(), 8, 32);
        TwinEntry[] all = _world.Entries();
        Assert.IsType<TwinEntry.Seed>(all[0]);
        Assert.Equal(new TwinEntry.Numbers(1, 1, 256), all[1]);
        Assert.All(Directory.GetFiles(_world.Folder, "*", SearchOption.AllDirectories), file => Assert.DoesNotContain("second 3", Encoding.Latin1.GetString(ReadShared(file)), StringComparison.Ordinal));
    }

    /// <summary>A process that is killed anywhere: what was served has its entry, what has no entry was not served and is void, and no text without an entry stays.</summary>
    [Theory]
    [InlineData(TwinStep.Begun)]
    [InlineData(TwinStep.TextsKept)]
    [InlineData(TwinStep.Published)]
    internal async Task AKillAtAnyStepLeavesNoServedTwinWithoutItsEntry(TwinStep step)
    {
        HashSet<long> served = [], killed = [];
        for (int run = 0; run < 4; run++)
        {
            int left = 3;
            using TwinStore twins = _world.Open(onStep: s =>
            {
                if (s == step && --left == 0)
                {
                    throw new Killed();
                }
            });
            try
            {
                while (true)
                {
                    TwinTicket ticket = twins.Reserve("r", suspected: false)!;
                    killed.Add(ticket.Number);
                    await twins.Serve(ticket, "1", "p", "a", "b");
                    Assert.True(killed.Remove(ticket.Number) && served.Add(ticket.Number));
                }
            }
            catch (Killed)
            {
            }
        }

        Assert.Equal((8, 4), (served.Count, killed.Count));
        using (TwinStore twins = _world.Open())
        {
            Assert.All(served, n => Assert.NotNull(twins.Show(n)));
            Assert.All(killed, n => Assert.Equal(step == TwinStep.Published, twins.Show(n) is not null));
        }

        TwinNumbers numbers = _world.Numbers();
        Assert.Superset(served, numbers.Twins.ToHashSet());
        Assert.Empty(numbers.Twins.Intersect(numbers.Voids));
        Assert.Equal(step == TwinStep.Published ? 12 : 8, numbers.Twins.Count);
        Assert.Equal(TwinStore.Block, numbers.Open().Count());
        Assert.Equal(5 * TwinStore.Block, numbers.Last);
    }

    [Fact]
    public async Task ManyAtOnceAreWrittenTogether()
    {
        int commits = 0;
        ConcurrentDictionary<long, string> served = new();
        using (TwinStore twins = _world.Open(onStep: s => commits += s == TwinStep.Published ? 1 : 0))
        {
            await Parallel.ForAsync(0, 300, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            {
                TwinTicket ticket = twins.Reserve(i.ToString(CultureInfo.InvariantCulture), suspected: false)!;
                Assert.True(served.TryAdd(ticket.Number, await twins.Serve(ticket, "1", "p", $"first {i}", $"second {i}")));
            });
            Assert.All(served, pair => Assert.Equal(pair.Value, twins.Show(pair.Key)!.Answers.Served));
        }

        Assert.Equal(Enumerable.Range(1, 300).Select(n => (long)n), _world.Numbers().Twins.Order());
        Assert.InRange(commits, 1, 300);
    }

    [Fact]
    public async Task ANumberThatIsGivenUpIsDeclaredVoid()
    {
        using TwinStore twins = _world.Open();
        twins.GiveUp(twins.Reserve("a", suspected: false)!);
        await twins.Serve(twins.Reserve("b", suspected: false)!, "1", "p", "x", "y");
        Assert.Equal([1L], _world.Numbers().Voids);
        Assert.Equal([2L], _world.Numbers().Twins);
    }

    [Fact]
    public void TheSharesArePolicyAndTheDrawIsKeyed()
    {
        using TwinStore twins = _world.Open(new(0.1, 0.5, TimeSpan.FromDays(1)));
        string[] requests = [.. Enumerable.Range(0, 4000).Select(i => $"chatcmpl-{i}")];
        bool[] usual = [.. requests.Select(r => twins.Reserve(r, suspected: false) is not null)], suspected = [.. requests.Select(r => twins.Reserve(r, suspected: true) is not null)];
        Assert.InRange(usual.Count(t => t), 330, 470);
        Assert.InRange(suspected.Count(t => t), 1880, 2120);
        Assert.True(usual.Zip(suspected).All(pair => !pair.First || pair.Second), "who is twinned at the lower share is at the higher");
        TwinSeed first = TwinSeed.Of(_world.Secret, 1), second = TwinSeed.Of(_world.Secret, 2);
        Assert.InRange(requests.Count(r => first.Draws(r, 0.1) == second.Draws(r, 0.1)), 3100, 3450);
    }

    [Fact]
    public async Task AnEpochEndsAndItsSeedIsCommittedToBeforeItsNumbers()
    {
        using (TwinStore twins = _world.Open())
        {
            await twins.Serve(twins.Reserve("a", suspected: false)!, "1", "p", "x", "y");
        }

        _world.Clock.Pass(TimeSpan.FromDays(31));
        using (TwinStore twins = _world.Open())
        {
            Assert.Equal(2, twins.Reserve("b", suspected: false)!.Seed.Epoch);
        }

        TwinEntry[] all = _world.Entries();
        Assert.Equal([1, 2], all.OfType<TwinEntry.Seed>().Select(s => s.Epoch));
        Assert.Equal([(1, 1L), (2, 257L)], all.OfType<TwinEntry.Numbers>().Select(n => (n.Epoch, n.From)));
        Assert.True(Array.IndexOf(all, all.OfType<TwinEntry.Seed>().Last()) < Array.IndexOf(all, all.OfType<TwinEntry.Numbers>().Last()));
        Assert.Equal(255, _world.Numbers().Voids.Count);
        Assert.NotEqual(TwinSeed.Of(_world.Secret, 1).Key.ToArray(), TwinSeed.Of(_world.Secret, 2).Key.ToArray());
    }

    [Fact]
    public async Task TextsAreKeptAsLongAsThePolicySaysAndTheLedgerStays()
    {
        using TwinStore twins = _world.Open(new(1, 1, TimeSpan.FromDays(10)));
        await twins.Serve(twins.Reserve("a", suspected: false)!, "1", "p", "x", "y");
        _world.Clock.Pass(TimeSpan.FromDays(6));
        await twins.Serve(twins.Reserve("b", suspected: false)!, "1", "p", "x", "y");
        Assert.Equal(0, twins.Forget());
        _world.Clock.Pass(TimeSpan.FromDays(5));
        Assert.Equal(1, twins.Forget());
        Assert.Null(twins.Show(1));
        Assert.NotNull(twins.Show(2));
        Assert.Equal(2, _world.Numbers().Twins.Count);
    }

    [Fact]
    public async Task WithoutThePepperNoTextIsOpened()
    {
        using (TwinStore twins = _world.Open())
        {
            await twins.Serve(twins.Reserve("a", suspected: false)!, "1", "p", "x", "y");
        }

        using TwinStore other = _world.Open(pepper: "another-pepper-of-this-test-0123456789");
        Assert.Contains("twin 1 cannot be opened", Assert.Throws<UserError>(() => other.Show(1)).What, StringComparison.Ordinal);
        Assert.Throws<UserError>(() => _world.Open());
    }

    static byte[] ReadShared(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    sealed class Killed : Exception;
}
