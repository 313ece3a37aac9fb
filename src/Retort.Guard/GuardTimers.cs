namespace Retort.Guard;

/// <summary>What a server does beside requests: ten times a second limits are renewed and accounts looked at, once a second requests under way.</summary>
sealed class GuardTimers : IAsyncDisposable
{
    static readonly TimeSpan s_often = TimeSpan.FromMilliseconds(100);

    const int SeldomEvery = 10;

    readonly CancellationTokenSource _stop = new();
    readonly Task _running;

    GuardTimers(OpenPolicy? policy, PassageWatch watch, Action<string> log, TimeProvider time) => _running = Task.Run(() => Run(policy, watch, log, time, _stop.Token));

    public static GuardTimers Start(OpenPolicy? policy, PassageWatch watch, Action<string> log, TimeProvider time) => new(policy, watch, log, time);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    static async Task Run(OpenPolicy? policy, PassageWatch watch, Action<string> log, TimeProvider time, CancellationToken stop)
    {
        using PeriodicTimer timer = new(s_often, time);
        string? said = null;
        for (int tick = 1; await Tick(timer, stop).ConfigureAwait(false); tick++)
        {
            string? fault = Renew(policy);
            if (fault is not null && fault != said)
            {
                log(fault);
            }

            said = fault;
            if (tick % SeldomEvery == 0)
            {
                watch.Look(policy?.Limits);
            }
        }
    }

    /// <summary>Null where both could be read and written.</summary>
    static string? Renew(OpenPolicy? policy)
    {
        if (policy is null)
        {
            return null;
        }

        try
        {
            policy.Limits.Renew();
            policy.Keys.Poll();
        }
        catch (UserError e)
        {
            return e.Message;
        }

        return policy.Limits.LastFault ?? policy.Keys.LastFault ?? (policy.Keys.Faults is { Count: > 0 } faults ? $"the store was changed without the pepper: {string.Join(", ", faults)}" : null);
    }

    static async ValueTask<bool> Tick(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
