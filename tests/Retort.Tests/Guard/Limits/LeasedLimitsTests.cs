using Microsoft.Data.Sqlite;
using Retort.Guard.Limits;
using Retort.Tests.Guard.Accounts;

namespace Retort.Tests.Guard.Limits;

public sealed class LeasedLimitsTests : IDisposable
{
    readonly LimitWorld _world = new();

    public void Dispose() => _world.Dispose();

    static ScopeLimits Only(long? requests = null, long? minute = null, long? day = null, long? pico = null, long? logprobs = null, long? streams = null) => new(requests, minute, day, pico, logprobs, streams);

    LimitRefusal? Reserve(LeasedLimits worker, ScopeLimits limits, Amounts amounts, out Reservation reservation, long account = 9) => worker.Reserve([new(LimitScope.Account(account), limits)], amounts, out reservation);

    /// <summary>A reservation's share may have been let go and its place in the file given to another by the time it is settled: what that one used stays written down.</summary>
    [Fact]
    public void ASettlementThatComesLongAfterLeavesWhatOthersUsedAlone()
    {
        LimitWorld world = _world;
        LeasedLimits worker = world.Join();
        Assert.Null(world.Reserve(worker, 3, Amounts.Of(0, 160, 0, isStream: false)));
        world.Clock.Pass(TimeSpan.FromHours(10));
        world.Renew(worker);
        world.Clock.Pass(LimitTiming.Default.Lease);
        world.Renew(worker);
        Assert.Null(world.Reserve(worker, 3, Amounts.Of(0, 500, 0, isStream: false)));
        Assert.Equal(0, world.Settle(1, Amounts.Of(0, 188, 0)).Overrun[(int)Quantity.DayMoney]);
        Assert.True(world.Settle(0, Amounts.Of(0, 60, 0)) is { HadEnded: true } late && late.Overrun[(int)Quantity.DayMoney] == 60);
        world.Clock.Pass(LimitTiming.Default.ReturnedWithin);
        LeasedLimits other = world.Join();
        Assert.NotNull(world.Reserve(other, 3, Amounts.Of(0, 813, 0, isStream: false)));
        Assert.Null(world.Reserve(other, 3, Amounts.Of(0, 812, 0, isStream: false)));
        Assert.Null(world.Broken());
    }

    /// <summary>Each limit refuses by itself, with its code, and with when to come again.</summary>
    [Fact]
    public void EachLimitRefusesWithWhenToComeAgain()
    {
        LeasedLimits worker = _world.Join();
        (ScopeLimits Limits, Amounts Amounts, string Code, double Seconds)[] cases =
        [
            (Only(requests: 1), Amounts.Of(1), "requests_per_minute_exceeded", 61),
            (Only(minute: 15), Amounts.Of(10), "tokens_per_minute_exceeded", 61),
            (Only(day: 15), Amounts.Of(10), "tokens_per_day_exceeded", 87_840),
            (Only(pico: 15), Amounts.Of(1, money: 10), "usd_per_day_exceeded", 87_840),
            (Only(logprobs: 15), Amounts.Of(20, logprobs: 10), "logprob_tokens_per_day_exceeded", 87_840),
            (Only(streams: 1), Amounts.Of(1), "streams_exceeded", 1),
        ];
        foreach ((int i, (ScopeLimits limits, Amounts amounts, string code, double seconds)) in cases.Index())
        {
            Assert.Null(Reserve(worker, limits, amounts, out Reservation first, 100 + i));
            if (!code.StartsWith("streams", StringComparison.Ordinal))
            {
                worker.Settle(first, amounts);
                worker.Renew();
            }

            LimitRefusal refusal = Reserve(worker, limits, amounts, out _, 100 + i)!;
            Assert.Equal((code, 429, LimitFault.Exceeded), (refusal.Code, refusal.Status, refusal.Fault));
            Assert.InRange(refusal.RetryAfter!.Value.TotalSeconds, seconds * 0.98, seconds);
            Assert.Equal(["retry-after", "retry-after-ms"], LimitStanding.Headers(refusal).Select(h => h.Key));
        }
    }

    [Fact]
    public void WhatNeverFitsIsSaidSo()
    {
        LeasedLimits worker = _world.Join();
        LimitRefusal refusal = Reserve(worker, Only(minute: 10), Amounts.Of(11), out _)!;
        Assert.Equal((LimitFault.TooLarge, "tokens_per_minute_too_large", null, 429), (refusal.Fault, refusal.Code, refusal.RetryAfter, refusal.Status));
        Assert.Equal("The limit of this account, tokens a minute is 10, and this request takes up to 11, more than that alone.", refusal.Message);
        Assert.Equal(403, Reserve(worker, Only(logprobs: 0), Amounts.Of(1, logprobs: 1), out _)!.Status);
        Assert.Null(Reserve(worker, Only(logprobs: 0), Amounts.Of(1), out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => Reserve(worker, Only(), Amounts.Of(-1), out _));
    }

    /// <summary>What is not used is free at once, what is used after its window, and a stream when it ends.</summary>
    [Fact]
    public void WindowsSlide()
    {
        LeasedLimits worker = _world.Join();
        ScopeLimits limits = Only(minute: 100, streams: 1);
        Assert.Null(Reserve(worker, limits, Amounts.Of(100), out Reservation first));
        Assert.NotNull(Reserve(worker, limits, Amounts.Of(1), out _));
        worker.Settle(first, Amounts.Of(60));
        Assert.Null(Reserve(worker, limits, Amounts.Of(40), out Reservation second));
        worker.Cancel(second);
        for (int second60 = 0; second60 < 60; second60++)
        {
            Assert.NotNull(Reserve(worker, limits, Amounts.Of(41), out _));
            _world.Clock.Pass(1);
            worker.Renew();
        }

        _world.Clock.Pass(2);
        Assert.Null(Reserve(worker, limits, Amounts.Of(100), out _));
    }

    /// <summary>All scopes or none: a group that is full leaves the account as it was.</summary>
    [Fact]
    public void AllScopesOrNone()
    {
        LeasedLimits worker = _world.Join();
        BoundScope group = new(LimitScope.Group(1), Only(minute: 100));
        BoundScope a = new(LimitScope.Account(1), Only(minute: 80)), b = new(LimitScope.Account(2), Only(minute: 80));
        Assert.Null(worker.Reserve([a, group], Amounts.Of(70), out Reservation first));
        LimitRefusal refusal = worker.Reserve([b, group], Amounts.Of(70), out _)!;
        Assert.Equal((true, "group_tokens_per_minute_exceeded"), (refusal.Scope.IsGroup, refusal.Code));
        Assert.Null(worker.Reserve([b], Amounts.Of(80), out _));
        worker.Cancel(first);
        Assert.Null(worker.Reserve([a, group], Amounts.Of(80), out _));
    }

    [Fact]
    public void AReservationEndsOnceAndByItselfInTheEnd()
    {
        LeasedLimits worker = _world.Join();
        ScopeLimits limits = Only(minute: 100, streams: 2);
        Assert.Null(Reserve(worker, limits, Amounts.Of(100), out Reservation left));
        Pass(worker, LimitTiming.Default.Reservation / 2);
        Assert.True(worker.Extend(left));
        Pass(worker, LimitTiming.Default.Reservation - TimeSpan.FromSeconds(4));
        Assert.NotNull(Reserve(worker, limits, Amounts.Of(1), out _));
        Pass(worker, TimeSpan.FromSeconds(4));
        Assert.False(worker.Extend(left));
        Assert.Null(Reserve(worker, limits, Amounts.Of(100), out Reservation second));
        Settlement late = worker.Settle(left, Amounts.Of(50));
        Assert.Equal((true, false, 50L), (late.HadEnded, late.IsWithin, late.Overrun[(int)Quantity.MinuteTokens]));
        worker.Settle(second, Amounts.Of(100));
        Assert.Throws<InvalidOperationException>(() => worker.Settle(second, Amounts.Of(1)));
        Assert.Throws<InvalidOperationException>(() => worker.Cancel(left));
        Assert.Throws<InvalidOperationException>(() => worker.Cancel(default));
    }

    /// <summary>Time with the renewals that keep a worker's lease.</summary>
    void Pass(LeasedLimits worker, TimeSpan time)
    {
        for (TimeSpan passed = default; passed < time; passed += LimitTiming.Default.Lease / 2.5)
        {
            _world.Clock.Pass(LimitTiming.Default.Lease / 2.5);
            worker.Renew();
        }
    }

    /// <summary>One worker holds what another needs: it is given within two renewals.</summary>
    [Fact]
    public void WhatOneHoldsAndAnotherNeedsIsGiven()
    {
        LeasedLimits rich = _world.Join(), poor = _world.Join();
        ScopeLimits limits = Only(streams: 10, day: 1000);
        Assert.Null(Reserve(rich, limits, Amounts.Of(600), out Reservation first));
        rich.Cancel(first);
        LimitRefusal refusal = Reserve(poor, limits, Amounts.Of(900), out _)!;
        Assert.InRange(refusal.RetryAfter!.Value, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1));
        rich.Renew();
        _world.Clock.Pass(refusal.RetryAfter.Value);
        Assert.Null(Reserve(poor, limits, Amounts.Of(900), out _));
    }

    /// <summary>New limits hold from the next request on, lower ones too.</summary>
    [Fact]
    public void NewLimitsHoldAtOnce()
    {
        LeasedLimits worker = _world.Join();
        Assert.Null(Reserve(worker, Only(minute: 1000), Amounts.Of(10), out Reservation first));
        worker.Settle(first, Amounts.Of(10));
        Assert.NotNull(Reserve(worker, Only(minute: 15), Amounts.Of(10), out _));
        Assert.Null(Reserve(worker, Only(minute: 20), Amounts.Of(10), out _));
        Assert.Equal(LimitFault.TooLarge, Reserve(worker, Only(minute: 5), Amounts.Of(10), out _)!.Fault);
    }

    [Fact]
    public void HeadersAreOpenAis()
    {
        LeasedLimits worker = _world.Join();
        BoundScope scope = new(LimitScope.Account(9), Only(requests: 20, minute: 1000));
        Assert.Equal(
            ["x-ratelimit-limit-requests: 20", "x-ratelimit-remaining-requests: 20", "x-ratelimit-reset-requests: 0ms", "x-ratelimit-limit-tokens: 1000", "x-ratelimit-remaining-tokens: 1000", "x-ratelimit-reset-tokens: 0ms"],
            worker.Standing(scope).Headers().Select(h => $"{h.Key}: {h.Value}"));
        Assert.Null(worker.Reserve([scope], Amounts.Of(300), out Reservation first));
        worker.Settle(first, Amounts.Of(120));
        _world.Clock.Pass(0.8);
        worker.Renew();
        Assert.Equal(
            ["x-ratelimit-limit-requests: 20", "x-ratelimit-remaining-requests: 19", "x-ratelimit-reset-requests: 59.2s", "x-ratelimit-limit-tokens: 1000", "x-ratelimit-remaining-tokens: 880", "x-ratelimit-reset-tokens: 59.2s"],
            worker.Standing(scope).Headers().Select(h => $"{h.Key}: {h.Value}"));
        Assert.Equal(["20ms", "1.2s", "6m0s", "1h1m1.5s"], ((long[])[20, 1200, 360_000, 3_661_500]).Select(LimitStanding.Duration));
    }

    /// <summary>Without a store that can be written nothing is begun, and nothing throws.</summary>
    [Fact]
    public void WithoutAStoreNothingBegins()
    {
        LeasedLimits worker = _world.Join();
        using SqliteConnection other = new($"Data Source={Path.Combine(_world.Folder, "limits.db")};Pooling=False");
        other.Open();
        using SqliteCommand drop = other.CreateCommand();
        drop.CommandText = "ALTER TABLE lease RENAME TO gone";
        drop.ExecuteNonQuery();
        LimitRefusal refusal = Reserve(worker, Only(minute: 100), Amounts.Of(10), out _)!;
        Assert.Equal((LimitFault.Unavailable, 503, "limits_unavailable"), (refusal.Fault, refusal.Status, refusal.Code));
        worker.Renew();
        Assert.NotNull(worker.LastFault);
        drop.CommandText = "ALTER TABLE gone RENAME TO lease";
        drop.ExecuteNonQuery();
        _world.Clock.Pass(2);
        Assert.Null(Reserve(worker, Only(minute: 100), Amounts.Of(10), out _));
    }

    [Fact]
    public void ReservingAndSettlingTakeNoMemory()
    {
        LeasedLimits worker = _world.Join();
        BoundScope[] scopes = [new(LimitScope.Account(9), Only(1_000_000, 1_000_000_000, 1_000_000_000, 1_000_000, 1_000_000, 10)), new(LimitScope.Group(1), Only(1_000_000, 1_000_000_000))];
        Amounts most = Amounts.Of(100, 5, 5), used = Amounts.Of(40, 2, 5);
        worker.Reserve(scopes, most, out Reservation open);
        Assert.Equal(0, KeyGateTests.Allocated(() =>
        {
            if (worker.Reserve(scopes, most, out Reservation reservation) is null)
            {
                worker.Settle(reservation, used);
            }
        }));
        worker.Settle(open, used);
        worker.Renew();
        Assert.Equal(1_000_000_000 - (1101 * 40), worker.Standing(scopes[0]).Remaining[(int)Quantity.MinuteTokens]);
    }

    /// <summary>Many threads of many workers at once: what all settled is what the limit allows, and no more.</summary>
    [Fact]
    public async Task ManyThreadsKeepOneLimit()
    {
        const long Limit = 20_000;
        LeasedLimits[] workers = [_world.Join(), _world.Join(), _world.Join()];
        BoundScope[] scopes = [new(LimitScope.Account(9), Only(day: Limit))];
        long settled = 0;
        await Task.WhenAll(Enumerable.Range(0, 9).Select(t => Task.Run(() =>
        {
            LeasedLimits worker = workers[t % 3];
            Random random = new(t);
            for (int i = 0; i < 2000; i++)
            {
                long most = random.Next(1, 20);
                if (worker.Reserve(scopes, Amounts.Of(most), out Reservation reservation) is null)
                {
                    long used = random.NextInt64(most + 1);
                    worker.Settle(reservation, Amounts.Of(used));
                    Interlocked.Add(ref settled, used);
                }

                if (i % 50 == 0)
                {
                    worker.Renew();
                }
            }
        })));
        Assert.InRange(settled, Limit / 2, Limit);
        Array.ForEach(workers, w => w.Renew());
        long left = Limit - settled;
        foreach (LeasedLimits worker in workers[1..])
        {
            _world.Leave(worker);
        }

        _world.Clock.Pass(1);
        Assert.True(left == 0 || workers[0].Reserve(scopes, Amounts.Of(left), out _) is null);
        Assert.NotNull(workers[0].Reserve(scopes, Amounts.Of(1), out _));
    }

    /// <summary>A worker's file that is gone or cut: all that it held counts as used.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WithoutItsFileAllOfADeadWorkersShareCountsAsUsed(bool isCut)
    {
        LeasedLimits dying = _world.Join();
        ScopeLimits limits = Only(day: 1000);
        Assert.Null(Reserve(dying, limits, Amounts.Of(600), out Reservation first));
        dying.Settle(first, Amounts.Of(1));
        _world.Kill(dying);
        string file = Directory.GetFiles(Path.Combine(_world.Folder, "limits")).Single();
        if (isCut)
        {
            File.WriteAllBytes(file, File.ReadAllBytes(file)[..100]);
        }
        else
        {
            File.Delete(file);
        }

        _world.Clock.Pass(LimitTiming.Default.ReturnedWithin);
        LeasedLimits next = _world.Join();
        Assert.NotNull(Reserve(next, limits, Amounts.Of(400), out _));
        Assert.Null(Reserve(next, limits, Amounts.Of(150), out _));
    }
}
