using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Retort.Model;
using Retort.Model.Inference;

namespace Retort.Guard.Bench;

/// <summary>What a replay measured at the clients.</summary>
/// <param name="Requests">Answers that came whole.</param>
/// <param name="Refused">Answers refused because the queue was full.</param>
/// <param name="FirstTokenP50">Milliseconds from sending to the first token.</param>
/// <param name="TokensPerSP50">Tokens a second of one answer after its first; 1 answer in 100 was slower than P99.</param>
/// <param name="PromptTokensPerS">Tokens read a second, of all answers, over the whole replay.</param>
/// <param name="TokensPerS">Tokens written a second.</param>
public sealed record ServeBenchResult(int Requests, int Refused, double FirstTokenP50, double FirstTokenP99, double TokensPerSP50, double TokensPerSP99, double PromptTokensPerS, double TokensPerS, double Seconds);

/// <summary>Replays a trace against a server of its own on this machine, clients and all.</summary>
public static class ServeBench
{
    /// <exception cref="UserError">The model or the trace cannot be read, or a request does not fit the model's context.</exception>
    public static async Task<ServeBenchResult> Run(string reference, AnswerFormat format, IReadOnlyList<TracedRequest> trace, int threads, int answers, Action<int> onDone, TimeProvider time, CancellationToken stop)
    {
        InferenceModel model = InferenceModel.Open(reference, format: format);
        int context = model.Weights.Config.Context, longest = trace.Max(r => r.Prompt + r.Answer);
        if (longest > context)
        {
            throw new UserError($"a request takes {longest} tokens, the model's context is {context}", reference, "Shrink the requests with --shrink.");
        }

        GuardHost host = await GuardHost.Start(model, new("bench", "http://127.0.0.1:0", threads, answers * ((longest + 31) / 32 * 32), answers, trace.Count), time).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            using HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = trace.Count }) { BaseAddress = new(host.Addresses[0]), Timeout = Timeout.InfiniteTimeSpan };
            int vocabulary = model.Weights.Config.Vocabulary;
            await Ask(http, new(TimeSpan.Zero, 64, 32), vocabulary, seed: -1, stop).ConfigureAwait(false);
            long start = Stopwatch.GetTimestamp();
            int done = 0;
            Timing?[] timings = await Task.WhenAll(trace.Select(async (request, i) =>
            {
                await Task.Delay(request.At, time, stop).ConfigureAwait(false);
                Timing? timing = await Ask(http, request, vocabulary, i, stop).ConfigureAwait(false);
                onDone(Interlocked.Increment(ref done));
                return timing;
            })).ConfigureAwait(false);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Timing[] whole = [.. timings.OfType<Timing>()];
            double[] first = [.. whole.Select(t => t.First).Order()], rates = [.. whole.Where(t => t.Tokens > 1).Select(t => t.Rate).OrderDescending()];
            return new(
                whole.Length, timings.Length - whole.Length, At(first, 0.5), At(first, 0.99), At(rates, 0.5), At(rates, 0.99),
                trace.Where((_, i) => timings[i] is not null).Sum(r => r.Prompt) / seconds, whole.Sum(t => t.Tokens) / seconds, seconds);
        }
    }

    /// <param name="First">Milliseconds to the first token.</param>
    /// <param name="Rate">Tokens a second after it.</param>
    sealed record Timing(double First, double Rate, int Tokens);

    static double At(double[] sorted, double share) => sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];

    /// <returns>Null where the server was full.</returns>
    static async Task<Timing?> Ask(HttpClient http, TracedRequest request, int vocabulary, int seed, CancellationToken stop)
    {
        RandomStream random = new((ulong)seed);
        int[] prompt = [.. Enumerable.Range(0, request.Prompt).Select(_ => 3 + random.NextInt(vocabulary - 3))];
        using HttpRequestMessage message = new(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent(JsonSerializer.Serialize(new { prompt, max_tokens = request.Answer, temperature = 0, stream = true, logprobs = 0, stream_options = new { include_usage = true } }), Encoding.UTF8, "application/json"),
        };
        long start = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, stop).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.TooManyRequests)
        {
            return null;
        }

        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(stop).ConfigureAwait(false));
        int tokens = 0;
        long first = 0, last = 0;
        while (await reader.ReadLineAsync(stop).ConfigureAwait(false) is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal) && !line.Contains("\"choices\":[]", StringComparison.Ordinal))
            {
                if (line.Contains("\"error\"", StringComparison.Ordinal))
                {
                    throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"request {seed}: {line}"));
                }

                last = Stopwatch.GetTimestamp();
                first = first == 0 ? last : first;
                tokens++;
            }
        }

        return new(Stopwatch.GetElapsedTime(start, first).TotalMilliseconds, tokens > 1 ? (tokens - 1) / Stopwatch.GetElapsedTime(first, last).TotalSeconds : 0, tokens);
    }
}
