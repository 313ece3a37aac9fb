using Retort.Asking;

namespace Retort.Tests.Asking;

/// <summary>An endpoint with a limit, played through without waiting.</summary>
public class PaceTests
{
    readonly Clock _clock = new();

    [Fact]
    public void AFixedRateIsSpacedEvenly()
    {
        Pace pace = new(600, null, _clock);
        Assert.Equal([0, 0.1, 0.2, 0.3], Enumerable.Range(0, 4).Select(_ => Seconds(pace.Turn(1))));
        pace.Limited(LimitFacts.None with { RetryAfter = TimeSpan.FromSeconds(5) });
        Assert.Equal(5, Seconds(pace.Turn(1)), 6);
        Assert.Equal(600, pace.Rate);
    }

    [Fact]
    public void TokensAreSpacedToo()
    {
        Pace pace = new(6000, 60_000, _clock);
        Assert.Equal([0, 2, 2.5], new long[] { 2000, 500, 1 }.Select(tokens => Seconds(pace.Turn(tokens))));
    }

    [Fact]
    public void ANamedLimitIsTaken()
    {
        Pace pace = new(null, null, _clock);
        Assert.Null(pace.Rate);
        pace.Heard(LimitFacts.None with { Requests = 3000 });
        Assert.Equal(2955, pace.Rate!.Value, 6);
        pace.Heard(LimitFacts.None with { RequestsLeft = 0, RequestsReset = TimeSpan.FromSeconds(7) });
        Assert.Equal(7, Seconds(pace.Turn(1)), 6);
    }

    /// <summary>Unknown limits of all sizes are held to 95 % and more, at few refusals; the first seconds, in which it is found, are not counted.</summary>
    [Theory]
    [InlineData(60)]
    [InlineData(3000)]
    [InlineData(60_000)]
    public void AnUnknownLimitIsFoundAndHeld(double limit)
    {
        Pace pace = new(null, null, _clock);
        Play(pace, limit, seconds: 60);
        (int answered, int refused) = Play(pace, limit, seconds: 120);
        Assert.InRange(answered, 0.95 * limit * 2, 1.03 * limit * 2);
        Assert.InRange(refused, 0, 0.05 * limit * 2);
    }

    /// <summary>An endpoint that refills evenly and lets a second's worth come at once, three at least.</summary>
    (int Answered, int Refused) Play(Pace pace, double limit, double seconds)
    {
        double most = Math.Max(3, limit / 60), allowance = most, filled = Seconds(_clock.GetTimestamp());
        (int answered, int refused) = (0, 0);
        for (double end = filled + seconds; Seconds(_clock.GetTimestamp()) < end;)
        {
            // As many come at a time as a busy network brings.
            double at = Math.Max(Seconds(pace.Turn(1)), Seconds(_clock.GetTimestamp()) + 0.0002);
            _clock.Pass(at - Seconds(_clock.GetTimestamp()));
            pace.Sent();
            allowance = Math.Min(most, allowance + ((at - filled) * limit / 60));
            filled = at;
            if (allowance < 1)
            {
                refused++;
                pace.Limited(LimitFacts.None);
                continue;
            }

            allowance--;
            answered++;
        }

        return (answered, refused);
    }

    static double Seconds(long stamp) => (stamp - 1) / (double)TimeSpan.TicksPerSecond;
}
