using Retort.Evidence.Ledger;
using Retort.Guard.Answers;
using Retort.Guard.Detector;
using Retort.Model.Inference;

namespace Retort.Guard;

/// <summary>What a running server is.</summary>
/// <param name="Addresses">Where it listens.</param>
/// <param name="Model">What clients call the model.</param>
/// <param name="Bytes">Bytes of its matrices.</param>
/// <param name="CacheTokens">Tokens whose keys and values are kept.</param>
/// <param name="Cascade">What calibrating the cascade found; null without one.</param>
/// <param name="Policy">The policy's file; null where nobody guards.</param>
public sealed record ServeFacts(IReadOnlyList<string> Addresses, string Model, long Bytes, int CacheTokens, CascadeFacts? Cascade, string? Policy);

/// <summary>What a running guarded server is.</summary>
/// <param name="Addresses">Where it listens.</param>
/// <param name="Model">The model, or the upstream's host.</param>
/// <param name="Policy">The policy's file; null where there are no accounts.</param>
public sealed record GuardFacts(IReadOnlyList<string> Addresses, string Model, string? Policy);

/// <summary>Serves a model until it is told to stop.</summary>
public static class ServeJob
{
    /// <summary>Memory for keys and values where no number of tokens is given.</summary>
    const long CacheBytes = 1L << 30;

    /// <summary>1 open the student · 2 open the teacher and calibrate, for a cascade · 3 listen · 4 until told to stop, then let answers end.</summary>
    /// <param name="reference">The model.</param>
    /// <param name="tokenizer">A tokenizer's path that goes before the one beside the model.</param>
    /// <param name="cacheTokens">Tokens whose keys and values are kept; null takes what a gibibyte holds, and at least one context.</param>
    /// <param name="cascade">A teacher behind the model, or null.</param>
    /// <param name="guard">The policy's file; null to serve whoever asks.</param>
    /// <param name="log">Takes what an owner should know, without prompts and keys.</param>
    /// <param name="onCalibrated">Called after every prompt of the calibration, with how many there are.</param>
    /// <param name="onStart">Called once it listens.</param>
    /// <exception cref="UserError">A model cannot be opened, the prompts cannot be read, or an address cannot be listened on.</exception>
    public static async Task Run(
        string reference, string? tokenizer, AnswerFormat format, int? cacheTokens, CascadeOptions? cascade, ServeOptions options, string? guard, Func<string, string?> environment, Action<string> log, Action<int, int> onCalibrated, Action<ServeFacts> onStart,
        TimeProvider time, CancellationToken stop)
    {
        GuardPolicy? policy = guard is null ? null : GuardPolicy.Read(guard);
        InferenceModel model = InferenceModel.Open(reference, tokenizer, format);
        options = options with { CacheTokens = cacheTokens ?? Room(model, options.Answers) };
        Voice student = Voice.Of(model, options.Name, new(options.Threads, options.CacheTokens, options.Answers), options.Queue, time);
        Voice? teacher = null;
        CascadeFacts? facts = null;
        if (cascade is not null)
        {
            InferenceModel larger = InferenceModel.Open(cascade.Teacher, format: cascade.Format);
            teacher = Voice.Of(larger, System.IO.Path.GetFileNameWithoutExtension(System.IO.Path.TrimEndingDirectorySeparator(cascade.Teacher)), new(options.Threads, Room(larger, options.Answers), options.Answers), options.Queue, time);
            facts = await Cascade.Calibrate(student, teacher, PromptFile.Read(cascade.Prompts), cascade.Agree, cascade.MostTokens, onCalibrated, time, stop).ConfigureAwait(false);
        }

        if (policy is not null)
        {
            OwnModel own = new(new(student, teacher, facts?.Threshold ?? 0, options, time));
            await RunGuarded(own, policy, options.Urls, environment, at => onStart(new(at, options.Name, model.Weights.Bytes, options.CacheTokens, facts, policy.Path)), log, time, stop).ConfigureAwait(false);
            teacher?.Dispose();
            student.Dispose();
            return;
        }

        GuardHost host = await GuardHost.Start(student, teacher, facts?.Threshold ?? 0, options, time).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            onStart(new(host.Addresses, options.Name, model.Weights.Bytes, options.CacheTokens, facts, null));
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            await host.Stop().ConfigureAwait(false);
        }
    }

    /// <summary>Serves an upstream: 1 open the policy · 2 listen · 3 until told to stop, then let answers end.</summary>
    /// <param name="guard">The policy's file; null for none: everybody may ask, and requests are hardened all the same.</param>
    /// <param name="log">Takes what an owner should know, without prompts and keys.</param>
    /// <exception cref="UserError">The policy, its stores or a secret is not as it should be, or an address cannot be listened on.</exception>
    public static async Task RunUpstream(string upstream, string? guard, string urls, Func<string, string?> environment, Action<GuardFacts> onStart, Action<string> log, TimeProvider time, CancellationToken stop)
    {
        Uri url = UpstreamModel.Url(upstream);
        GuardPolicy? policy = guard is null ? null : GuardPolicy.Read(guard);
        using UpstreamModel model = new(url, Key(policy, environment));
        await RunGuarded(model, policy, urls, environment, at => onStart(new(at, url.Host, policy?.Path)), log, time, stop).ConfigureAwait(false);
    }

    static async Task RunGuarded(IModel model, GuardPolicy? policy, string urls, Func<string, string?> environment, Action<IReadOnlyList<string>> onStart, Action<string> log, TimeProvider time, CancellationToken stop)
    {
        if (policy is null)
        {
            await Listen(model, null, urls, onStart, log, time, stop).ConfigureAwait(false);
            return;
        }

        OpenPolicy open = OpenPolicy.Open(policy, environment, LedgerHome.Of(environment), time);
        await using (open.ConfigureAwait(false))
        {
            DetectorWatch detector = DetectorWatch.Start(open, log, time);
            await using (detector.ConfigureAwait(false))
            {
                await Listen(model, open, urls, onStart, log, time, stop).ConfigureAwait(false);
            }
        }
    }

    static async Task Listen(IModel model, OpenPolicy? policy, string urls, Action<IReadOnlyList<string>> onStart, Action<string> log, TimeProvider time, CancellationToken stop)
    {
        GuardedServer server = await GuardedServer.Start(model, policy, urls, log, time).ConfigureAwait(false);
        await using (server.ConfigureAwait(false))
        {
            onStart(server.Addresses);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            await server.Stop().ConfigureAwait(false);
        }
    }

    static string? Key(GuardPolicy? policy, Func<string, string?> environment) => policy?.Upstream.Key is not { } variable ? null
        : environment(variable) is { Length: > 0 } key ? key
        : throw new UserError("the environment has no key for the upstream", variable, $"Set {variable}, or leave upstream.key out of the policy.");

    static int Room(InferenceModel model, int answers)
    {
        int context = model.Weights.Config.Context;
        return (int)Math.Clamp(CacheBytes / (InferenceEngine.CacheBytes(model.Weights.Config, 32) / 32), context, (long)context * answers);
    }
}
