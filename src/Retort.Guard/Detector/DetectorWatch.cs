using System.Buffers.Binary;
using Retort.Guard.Accounts;

namespace Retort.Guard.Detector;

/// <summary>
/// The detector beside a server: takes what the path offers, looks for groups now and then, and writes what follows into the table that the path reads.
/// A group's members are observed; those against whom there is enough in particular are asked to verify themselves. What a look no longer finds is taken back.
/// </summary>
sealed class DetectorWatch : IAsyncDisposable
{
    const string Reason = "Accounts that this one is likely to belong with divide a long list of prompts among them";

    readonly OpenPolicy _policy;
    readonly Population _population = new();
    readonly Action<string> _log;
    readonly TimeProvider _time;
    readonly CancellationTokenSource _stop = new();
    readonly Dictionary<long, AccountResponse> _given = [];
    readonly Task _running;
    long _cases, _dropped;

    DetectorWatch(OpenPolicy policy, Action<string> log, TimeProvider time)
    {
        (_policy, _log, _time) = (policy, log, time);
        foreach (string prompt in policy.Policy.Detector.Known.SelectMany(PromptFile.Read))
        {
            _population.Learn(prompt);
        }

        _running = Task.Run(Run);
    }

    /// <exception cref="UserError">A file of known prompts cannot be read.</exception>
    public static DetectorWatch Start(OpenPolicy policy, Action<string> log, TimeProvider time) => new(policy, log, time);

    /// <summary>Ends when the feed is closed and empty.</summary>
    internal Task Running => _running;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    async Task Run()
    {
        long looked = _time.GetTimestamp();
        while (await Next().ConfigureAwait(false) is { } waiting)
        {
            using (waiting)
            {
                Add(waiting);
            }

            if (_time.GetElapsedTime(looked) >= _policy.Policy.Detector.Every)
            {
                Look();
                looked = _time.GetTimestamp();
            }
        }
    }

    async ValueTask<WaitingRequest?> Next()
    {
        try
        {
            return await _policy.Feed.Take(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    void Add(WaitingRequest waiting)
    {
        if (SeenBody.Read(waiting) is { } seen)
        {
            _population.Add(seen, _population[seen.Account] is null ? Facts(seen.Account) : null);
        }
    }

    /// <summary>1 look for groups · 2 what follows for each account · 3 what is no longer found is taken back.</summary>
    internal void Look()
    {
        if (_policy.Feed.Dropped is var dropped && dropped > _dropped)
        {
            _log($"{dropped - _dropped} requests found no room before the detector and were not looked at");
            _dropped = dropped;
        }

        Dictionary<long, AccountResponse> now = [];
        foreach (DrainVerdict verdict in new DrainDetector(_population, DetectorOptions.Default).Assess().Where(v => v.Acted.Count > 0))
        {
            string name = verdict.Finding.Members.Select(m => _given.GetValueOrDefault(m.Account)?.Case).OfType<string>().FirstOrDefault() ?? $"{_time.GetUtcNow():yyyyMMdd}-{++_cases}";
            HashSet<long> acted = [.. verdict.Acted];
            foreach (long account in verdict.Finding.Members.Select(m => m.Account))
            {
                now[account] = _given.GetValueOrDefault(account) is { Step: ResponseStep.Verify } held ? held
                    : new(acted.Contains(account) ? ResponseStep.Verify : ResponseStep.Observe, _policy.Policy.Detector.IsShadow, name, Reason, _time.GetUtcNow(), null);
            }
        }

        foreach ((long account, AccountResponse response) in now)
        {
            Give(account, response);
        }

        foreach (long account in _given.Keys.Where(a => !now.ContainsKey(a)).ToArray())
        {
            Give(account, null);
        }
    }

    void Give(long account, AccountResponse? response)
    {
        if (_given.GetValueOrDefault(account)?.Step == response?.Step)
        {
            return;
        }

        _policy.Responses.Set(account, response);
        _log($"account {account}: {(response is null ? "nothing more is done" : $"{response.Step.ToString().ToLowerInvariant()}{(response.IsShadow ? " (shadow: only said)" : "")}, case {response.Case}")}");
        if (response is null)
        {
            _given.Remove(account);
        }
        else
        {
            _given[account] = response;
        }
    }

    AccountFacts Facts(long account)
    {
        IReadOnlyList<(TraitKind Kind, byte[] Hash)> traits = _policy.Store.TraitsOf(account);
        return new(Trait(TraitKind.Payment), Trait(TraitKind.Organisation), Purposes.None, IsResearcher: false);

        ulong Trait(TraitKind kind) => traits.FirstOrDefault(t => t.Kind == kind).Hash is { } hash ? BinaryPrimitives.ReadUInt64LittleEndian(hash) : 0;
    }
}
