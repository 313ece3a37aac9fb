using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Retort.Guard.Telemetry;
using Retort.Tests.Guard.Answers;

namespace Retort.Tests.Guard.Telemetry;

public class GuardTelemetryTests
{
    const string Model = "telemetry-model";

    static readonly string s_answer = FakeUpstream.Whole.Replace("\"m\"", $"\"{Model}\"", StringComparison.Ordinal).Replace("Hi.", "ANSWERED-WORD", StringComparison.Ordinal);

    static readonly string s_question = PathWorld.Question.Replace("\"m\"", $"\"{Model}\"", StringComparison.Ordinal).Replace("What", "ASKED-WORD", StringComparison.Ordinal);

    [Fact]
    public async Task MetricsAndTracesHaveTheirNamesAndNothingThatWasSaid()
    {
        ConcurrentQueue<(string Name, double Value, string Tags)> measured = new();
        ConcurrentQueue<string> traced = new();
        using MeterListener meters = new() { InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == GuardTelemetry.Name) { listener.EnableMeasurementEvents(instrument); } } };
        meters.SetMeasurementEventCallback<long>((i, value, tags, _) => measured.Enqueue((i.Name, value, Text(tags))));
        meters.SetMeasurementEventCallback<double>((i, value, tags, _) => measured.Enqueue((i.Name, value, Text(tags))));
        meters.Start();
        using ActivityListener traces = new()
        {
            ShouldListenTo = s => s.Name == GuardTelemetry.Name,
            Sample = (ref _) => ActivitySamplingResult.AllData,
            ActivityStopped = a => traced.Enqueue(a.DisplayName + " " + string.Join(" ", a.TagObjects.Select(t => $"{t.Key}={t.Value}"))),
        };
        ActivitySource.AddActivityListener(traces);
        await using PathWorld world = await PathWorld.Start();
        world.Upstream.Answer = http => FakeUpstream.Json(http, s_answer);
        Assert.Equal(200, (await world.Ask(s_question)).Status);
        await world.Ask("""{"model":"SECRET-MODEL","messages":[],"n":99,"max_tokens":1}""");
        await world.Quiet();
        await world.Decisions();
        (string Name, double Value, string Tags)[] mine = [.. measured.Where(m => m.Tags.Contains(Model, StringComparison.Ordinal))];
        Assert.Equal(7, mine.Single(m => m.Name == "gen_ai.client.token.usage" && m.Tags.Contains("gen_ai.token.type=input", StringComparison.Ordinal)).Value);
        Assert.Equal(3, mine.Single(m => m.Name == "gen_ai.client.token.usage" && m.Tags.Contains("gen_ai.token.type=output", StringComparison.Ordinal)).Value);
        Assert.Single(mine, m => m.Name == "gen_ai.server.request.duration" && m.Tags.Contains("gen_ai.operation.name=chat", StringComparison.Ordinal));
        Assert.Single(mine, m => m.Name == "gen_ai.server.time_to_first_token");
        Assert.Single(mine, m => m.Name == "gen_ai.server.time_per_output_token");
        string trace = Assert.Single(traced, t => t.StartsWith($"chat {Model} ", StringComparison.Ordinal));
        Assert.Contains("gen_ai.usage.output_tokens=3", trace, StringComparison.Ordinal);
        Assert.Matches("retort.account=[0-9a-f]{16}", trace);
        string all = string.Join("\n", measured.Select(m => m.Tags).Concat(traced));
        foreach (string word in (string[])["ASKED-WORD", "ANSWERED-WORD", "SECRET-MODEL", "acme", world.Key, PathWorld.UpstreamKey])
        {
            Assert.DoesNotContain(word, all, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task TheCollectorGetsThem()
    {
        await using FakeUpstream collector = await FakeUpstream.Start();
        ConcurrentDictionary<string, string> got = new();
        collector.Answer = http =>
        {
            got[collector.Path] = collector.Body;
            return Task.CompletedTask;
        };
        await using PathWorld world = await PathWorld.Start(PathWorld.Tiers + $"telemetry: {{otlp: \"{collector.Url[..^3]}\"}}\n");
        world.Upstream.Answer = http => FakeUpstream.Json(http, s_answer);
        Assert.Equal(200, (await world.Ask(s_question)).Status);
        await world.Decisions();
        Assert.Contains("gen_ai.client.token.usage", got["/v1/metrics"], StringComparison.Ordinal);
        Assert.Contains("gen_ai.response.model", got["/v1/traces"], StringComparison.Ordinal);
        Assert.DoesNotContain("ASKED-WORD", got["/v1/metrics"] + got["/v1/traces"], StringComparison.Ordinal);
    }

    static string Text(ReadOnlySpan<KeyValuePair<string, object?>> tags) => string.Join(" ", tags.ToArray().Select(t => $"{t.Key}={t.Value}"));
}
