using Retort.Guard.Limits;

namespace Retort.Guard.Bench;

/// <summary>What one worker used of a limit that others drain too.</summary>
/// <param name="Requests">Requests that were settled.</param>
/// <param name="Tokens">Tokens that were settled.</param>
/// <param name="Refusals">How often there was no room for the moment.</param>
public sealed record LimitDrainResult(long Requests, long Tokens, long Refusals);

/// <summary>Uses up one account's tokens of a day as one worker of a store, several reservations at a time, until nothing is left.</summary>
static class LimitDrain
{
    const int AtOnce = 8, Most = 64, Every = 500;

    /// <param name="onSettled">Called now and then with what was settled so far.</param>
    public static async Task<LimitDrainResult> Run(string folder, long tokensPerDay, int seed, Action<long> onSettled, TimeProvider time, CancellationToken stop)
    {
        using LeasedLimits limits = LeasedLimits.Open(folder, LimitTiming.Default, time);
        BoundScope[] scopes = [new(LimitScope.Account(1), new(null, null, tokensPerDay, null, null, null))];
        Queue<(Reservation Reservation, long Tokens)> open = new();
        Random random = new(seed);
        long requests = 0, tokens = 0, refusals = 0;
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            long most = random.Next(1, Most);
            LimitRefusal? refusal = limits.Reserve(scopes, Amounts.Of(most), out Reservation reservation);
            if (refusal is null)
            {
                open.Enqueue((reservation, most));
            }

            while (open.Count > (refusal is null ? AtOnce : 0))
            {
                (Reservation oldest, long reserved) = open.Dequeue();
                long used = random.NextInt64(1, reserved + 1);
                limits.Settle(oldest, Amounts.Of(used));
                tokens += used;
                if (++requests % Every == 0)
                {
                    limits.Renew();
                    onSettled(tokens);
                }
            }

            if (refusal is { RetryAfter: { } after })
            {
                refusals++;
                limits.Renew();
                if (after > TimeSpan.FromSeconds(10))
                {
                    // Only what was used stands in the way now, or less is left than this asked for.
                    return new(requests, tokens, refusals);
                }

                await Task.Delay(after, time, stop).ConfigureAwait(false);
            }
            else if (refusal is not null)
            {
                return new(requests, tokens, refusals);
            }
        }
    }
}
