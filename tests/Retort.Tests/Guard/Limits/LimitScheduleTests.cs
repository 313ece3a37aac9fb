using FsCheck;
using FsCheck.Fluent;
using Retort.Guard.Limits;

namespace Retort.Tests.Guard.Limits;

/// <summary>Thousands of schedules of several workers on one store: interleaved, disconnected, killed, late.</summary>
public sealed class LimitScheduleTests
{
    /// <summary>What happens next, by four small numbers: to whom, and how much.</summary>
    public readonly record struct Step(byte What, byte Who, byte A, byte B);

    [Fact]
    public void WhatIsUsedAndSetAsideIsWithinEveryLimitAtEveryInstant()
    {
        Gen<Step> step = from what in Gen.Choose(0, 99) from who in Gen.Choose(0, 255) from a in Gen.Choose(0, 255) from b in Gen.Choose(0, 255) select new Step((byte)what, (byte)who, (byte)a, (byte)b);
        Arbitrary<Step[]> schedules = Arb.From(step.ArrayOf(), steps => steps.Length == 0 ? [] : Enumerable.Range(0, steps.Length).Select(i => (Step[])[.. steps[..i], .. steps[(i + 1)..]]));
        int reserved = 0, refused = 0, killed = 0, ended = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000).WithStartSize(20).WithEndSize(120).WithQuietOnSuccess(true), Prop.ForAll(schedules, steps =>
        {
            using LimitWorld world = new();
            world.Join();
            world.Join();
            foreach (Step next in steps)
            {
                Take(world, next);
                if (world.Broken() is { } broken)
                {
                    throw new InvalidOperationException($"{broken} after {next}");
                }
            }

            AssertEverythingEnds(world);
        }));
        Assert.True(reserved > 10_000 && refused > 1_000 && killed > 500 && ended > 100, $"{reserved} reserved, {refused} refused, {killed} killed, {ended} ended by themselves");

        void Take(LimitWorld world, Step step)
        {
            LeasedLimits worker = world.Workers[step.Who % world.Workers.Count];
            switch (step.What)
            {
                case < 40:
                    Amounts most = Amounts.Of(step.A % 60, step.B * 2, step.B % 16, isStream: step.What % 4 != 0);
                    bool isRefused = world.Reserve(worker, 1 + (step.B % 3), most) is not null;
                    (reserved, refused) = isRefused ? (reserved, refused + 1) : (reserved + 1, refused);
                    break;
                case < 65 when world.Open.Count > 0:
                    // Now and then more than was set aside, as an endpoint may count.
                    int index = step.A % world.Open.Count;
                    Amounts held = world.Open[index].Amounts;
                    long part = step.B % 10;
                    ended += world.Settle(index, Amounts.Of(held[(int)Quantity.DayTokens] * part / 8, held[(int)Quantity.DayMoney] * part / 8, held[(int)Quantity.DayLogprobs] * part / 8)).HadEnded ? 1 : 0;
                    break;
                case < 70 when world.Open.Count > 0:
                    LimitWorld.Held cancelled = world.Open[step.A % world.Open.Count];
                    cancelled.Worker.Cancel(cancelled.Reservation);
                    world.Open.RemoveAt(step.A % world.Open.Count);
                    break;
                case < 85:
                    world.Renew(worker);
                    break;
                case < 95:
                    world.Clock.Pass(step.A < 200 ? TimeSpan.FromMilliseconds(step.B * 4) : step.A < 250 ? TimeSpan.FromSeconds(step.B / 4.0) : TimeSpan.FromMinutes(step.B * 8));
                    break;
                case < 97:
                    world.Kill(worker);
                    world.Join();
                    killed++;
                    break;
                case 97:
                    world.Leave(worker);
                    world.Join();
                    break;
                case 98 when world.Workers.Count < 4:
                    world.Join();
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>All are killed: what they had set aside is free within the stated time, and what was used is not forgotten.</summary>
    static void AssertEverythingEnds(LimitWorld world)
    {
        foreach (LeasedLimits worker in world.Workers.ToArray())
        {
            world.Kill(worker);
        }

        world.Clock.Pass(LimitTiming.Default.ReturnedWithin);
        LeasedLimits after = world.Join();
        for (int account = 1; account <= 3; account++)
        {
            Amounts free = default;
            for (int q = 0; q < Amounts.Count; q++)
            {
                free[q] = Math.Max(LimitWorld.ScopesOf(account).Min(s => s.Limits[(Quantity)q]!.Value - world.Counted(s.Scope, q)), 0);
            }

            if (free[(int)Quantity.Requests] >= 1)
            {
                free[(int)Quantity.Requests] = 1;
                Assert.Null(world.Reserve(after, account, free));
                Assert.Null(world.Broken());
                world.Settle(0, default);
            }
        }

        Assert.Empty(Directory.GetFiles(Path.Combine(world.Folder, "limits")).Skip(1));
    }
}
