using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Telemetry;

/// <summary>
/// Metrics and traces by OpenTelemetry's names for generative AI (semantic-conventions-genai, in development): token usage, duration, time to the first token and
/// between tokens. No prompt, answer, key or address is in any; an account is a keyed hash, and in traces alone.
/// </summary>
/// <param name="key">Of the hashes of accounts.</param>
sealed class GuardTelemetry(ReadOnlyMemory<byte> key, bool isLocal, TimeProvider time)
{
    /// <summary>Of the source of traces and of the meter.</summary>
    public const string Name = "Retort.Guard";

    /// <summary>Names of models that are told apart; a client can make up any number.</summary>
    const int MostModels = 200;

    static readonly ActivitySource s_traces = new(Name);
    static readonly Meter s_meter = new(Name);

    static readonly Histogram<long> s_usage = s_meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Tokens of questions and answers.", null, new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864] });

    static readonly InstrumentAdvice<double> s_long = new() { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] };

    static readonly Histogram<double> s_duration = s_meter.CreateHistogram("gen_ai.server.request.duration", "s", "From the request to the end of its answer.", null, s_long);

    static readonly Histogram<double> s_first = s_meter.CreateHistogram(
        "gen_ai.server.time_to_first_token", "s", "From the request to the answer's first part.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] });

    static readonly Histogram<double> s_each = s_meter.CreateHistogram(
        "gen_ai.server.time_per_output_token", "s", "Between the tokens of an answer, in the mean.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5] });

    readonly ConcurrentDictionary<string, string> _models = new(StringComparer.Ordinal);

    /// <summary>Notes one request once it is settled.</summary>
    public void Record(Passage passage, ApiError? refused)
    {
        bool isTraced = s_traces.HasListeners();
        if (!isTraced && !s_duration.Enabled)
        {
            return;
        }

        long now = time.GetTimestamp();
        TimeSpan took = time.GetElapsedTime(passage.Started, now);

        // The name that a refused request gives its model may be anything.
        bool isAnswered = passage.FirstPart != 0;
        string asked = isAnswered ? Known(passage.Facts.Model) : "", answered = isAnswered ? Known(passage.Seen.Model ?? "") : "";
        TagList tags = new()
        {
            { "gen_ai.operation.name", passage.Route.Operation },
            { "gen_ai.provider.name", isLocal ? "retort" : "openai" },
            { "gen_ai.request.model", asked },
            { "gen_ai.response.model", answered },
        };
        if (refused is not null)
        {
            tags.Add("error.type", refused.Code ?? "error");
        }

        s_duration.Record(took.TotalSeconds, tags);
        if (isAnswered)
        {
            TimeSpan first = time.GetElapsedTime(passage.Started, passage.FirstPart);
            s_first.Record(first.TotalSeconds, tags);
            (long prompt, long answer) = (passage.Seen.PromptTokens ?? passage.Tokens.Prompt, passage.Seen.AnswerTokens ?? passage.Tokens.Answer);
            if (answer > 1)
            {
                s_each.Record((took - first).TotalSeconds / (answer - 1), tags);
            }

            tags.Add("gen_ai.token.type", "input");
            s_usage.Record(prompt, tags);
            tags.RemoveAt(tags.Count - 1);
            tags.Add("gen_ai.token.type", "output");
            s_usage.Record(answer, tags);
        }

        if (isTraced)
        {
            Trace(passage, refused, asked, answered, took);
        }
    }

    void Trace(Passage passage, ApiError? refused, string asked, string answered, TimeSpan took)
    {
        DateTimeOffset ended = time.GetUtcNow();
        using Activity? trace = s_traces.StartActivity($"{passage.Route.Operation} {asked}".TrimEnd(), ActivityKind.Server, default(ActivityContext), startTime: ended - took);
        if (trace is null)
        {
            return;
        }

        trace.SetTag("gen_ai.operation.name", passage.Route.Operation).SetTag("gen_ai.provider.name", isLocal ? "retort" : "openai").SetTag("gen_ai.request.model", asked).SetTag("gen_ai.response.model", answered)
            .SetTag("gen_ai.usage.input_tokens", passage.Tokens.Prompt).SetTag("gen_ai.usage.output_tokens", passage.Tokens.Answer).SetTag("retort.request.id", passage.Id);
        if (passage.Key is { } owner)
        {
            trace.SetTag("retort.account", Convert.ToHexStringLower(HMACSHA256.HashData(key.Span, BitConverter.GetBytes(owner.Account.Id)))[..16]);
        }

        if (refused is not null)
        {
            trace.SetTag("error.type", refused.Code ?? "error").SetStatus(ActivityStatusCode.Error);
        }

        trace.SetEndTime(ended.UtcDateTime);
    }

    string Known(string model) => _models.TryGetValue(model, out string? known) ? known : _models.Count < MostModels ? _models.GetOrAdd(model, model) : "other";
}
