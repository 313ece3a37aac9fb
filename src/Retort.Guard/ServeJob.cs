using Retort.Model.Inference;

namespace Retort.Guard;

/// <summary>What a running server is.</summary>
/// <param name="Addresses">Where it listens.</param>
/// <param name="Model">What clients call the model.</param>
/// <param name="Bytes">Bytes of its matrices.</param>
/// <param name="CacheTokens">Tokens whose keys and values are kept.</param>
/// <param name="Cascade">What calibrating the cascade found; null without one.</param>
public sealed record ServeFacts(IReadOnlyList<string> Addresses, string Model, long Bytes, int CacheTokens, CascadeFacts? Cascade);

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
    /// <param name="onCalibrated">Called after every prompt of the calibration, with how many there are.</param>
    /// <param name="onStart">Called once it listens.</param>
    /// <exception cref="UserError">A model cannot be opened, the prompts cannot be read, or an address cannot be listened on.</exception>
    public static async Task Run(
        string reference, string? tokenizer, AnswerFormat format, int? cacheTokens, CascadeOptions? cascade, ServeOptions options, Action<int, int> onCalibrated, Action<ServeFacts> onStart, TimeProvider time, CancellationToken stop)
    {
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

        GuardHost host = await GuardHost.Start(student, teacher, facts?.Threshold ?? 0, options, time).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            onStart(new(host.Addresses, options.Name, model.Weights.Bytes, options.CacheTokens, facts));
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            await host.Stop().ConfigureAwait(false);
        }
    }

    static int Room(InferenceModel model, int answers)
    {
        int context = model.Weights.Config.Context;
        return (int)Math.Clamp(CacheBytes / (InferenceEngine.CacheBytes(model.Weights.Config, 32) / 32), context, (long)context * answers);
    }
}
