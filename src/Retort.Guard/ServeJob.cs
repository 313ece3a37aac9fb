using Retort.Model;
using Retort.Model.Inference;

namespace Retort.Guard;

/// <summary>What a running server is.</summary>
/// <param name="Addresses">Where it listens.</param>
/// <param name="Model">What clients call the model.</param>
/// <param name="Bytes">Bytes of its matrices.</param>
/// <param name="CacheTokens">Tokens whose keys and values are kept.</param>
public sealed record ServeFacts(IReadOnlyList<string> Addresses, string Model, long Bytes, int CacheTokens);

/// <summary>Serves a model until it is told to stop.</summary>
public static class ServeJob
{
    /// <summary>Memory for keys and values where no number of tokens is given.</summary>
    const long CacheBytes = 1L << 30;

    /// <param name="reference">The model.</param>
    /// <param name="tokenizer">A tokenizer's path that goes before the one beside the model.</param>
    /// <param name="cacheTokens">Tokens whose keys and values are kept; null takes what a gibibyte holds, and at least one context.</param>
    /// <param name="onStart">Called once it listens.</param>
    /// <exception cref="UserError">The model cannot be opened, or an address cannot be listened on.</exception>
    public static async Task Run(string reference, string? tokenizer, AnswerFormat format, int? cacheTokens, ServeOptions options, Action<ServeFacts> onStart, TimeProvider time, CancellationToken stop)
    {
        InferenceModel model = InferenceModel.Open(reference, tokenizer, format);
        int context = model.Weights.Config.Context, tokens = cacheTokens ?? (int)Math.Clamp(CacheBytes / (InferenceEngine.CacheBytes(model.Weights.Config, 32) / 32), context, (long)context * options.Answers);
        GuardHost host = await GuardHost.Start(model, options with { CacheTokens = tokens }, time).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            onStart(new(host.Addresses, options.Name, model.Weights.Bytes, tokens));
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            await host.Stop().ConfigureAwait(false);
        }
    }
}
