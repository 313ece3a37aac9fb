using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Retort.Asking;
using Retort.Asking.Bench;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

/// <summary>Over the wire: our own server, and one that breaks everything.</summary>
public class RemoteModelTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OurServerAnswersWithAllThatWasAskedFor()
    {
        await using GuardWorld world = await GuardWorld.Start();
        Endpoint endpoint = Endpoint.Parse($"{world.Url}/v1#{GuardWorld.Name}");
        using RemoteModel model = new(endpoint, "sk-secret", TimeSpan.FromSeconds(60), 4, TimeProvider.System);
        Question question = new(endpoint, [new("system", "x"), new("user", "Once")], new(MaxTokens: 12, Temperature: 0.5, Count: 2, Seed: 3, TopLogProbabilities: 4));
        (IReadOnlyList<ChatMessage> messages, ChatOptions options) = question.ForClient();
        Reply reply = Reply.Of(await model.GetResponseAsync(messages, options, Stop));
        Assert.Equal((GuardWorld.Name, 2, 24), (reply.Model, reply.Choices.Count, reply.CompletionTokens));
        foreach (Choice choice in reply.Choices)
        {
            JsonElement[] tokens = [.. JsonElement.Parse(choice.LogProbabilities!).EnumerateArray()];
            Assert.Equal(12, tokens.Length);
            Assert.All(tokens, t => Assert.Equal(4, t.GetProperty("top_logprobs").GetArrayLength()));
            Assert.Equal(choice.Text, Encoding.UTF8.GetString([.. tokens.SelectMany(t => t.GetProperty("bytes").EnumerateArray().Select(b => b.GetByte()))]));
        }

        // Without a question of ours, as any caller of the interface would.
        Assert.False(string.IsNullOrEmpty((await model.GetResponseAsync("Once", new() { MaxOutputTokens = 5 }, Stop)).Text));
        RemoteFault refused = await Assert.ThrowsAsync<RemoteFault>(() => model.GetResponseAsync("Once", new() { MaxOutputTokens = -1 }, Stop));
        Assert.Equal((FaultKind.Refused, 400), (refused.Kind, refused.Status));
    }

    /// <summary>What every fault of the wire is taken for.</summary>
    [Fact]
    public async Task EveryFaultIsNamed()
    {
        using Scratch scratch = new();
        using FaultyServer server = new(scratch["log"], new(0.7, null, false, TimeSpan.Zero, 4), TimeProvider.System);
        _ = server.Run(Stop);
        Endpoint endpoint = Endpoint.Parse($"http://127.0.0.1:{server.Port}/v1#small");
        using RemoteModel model = new(endpoint, "sk-secret", TimeSpan.FromSeconds(20), 4, TimeProvider.System);
        Dictionary<string, int> seen = [];
        for (int i = 0; i < 150; i++)
        {
            string what;
            try
            {
                Reply reply = Reply.Of(await model.GetResponseAsync($"prompt {i}", cancellationToken: Stop));
                Assert.Equal(FaultyServer.AnswerTo($"prompt {i}"), reply.Choices[0].Text);
                what = $"{reply.Choices.Count} {reply.Model}";
            }
            catch (RemoteFault fault)
            {
                what = $"{fault.Kind} {fault.Status} {fault.Limits.RetryAfter?.TotalMilliseconds}";
            }

            seen[what] = seen.GetValueOrDefault(what) + 1;
        }

        Assert.Equal(
            ["1 small", "1 small-of-another-day", "2 small", "Broken 0 ", "Broken 200 ", "Limited 429 ", "Limited 429 20", "Unavailable 500 "], seen.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task WhereNobodyListensNothingWasAsked()
    {
        using RemoteModel model = new(Endpoint.Parse("http://127.0.0.1:1/v1#small"), "sk-secret", TimeSpan.FromSeconds(5), 4, TimeProvider.System);
        RemoteFault fault = await Assert.ThrowsAsync<RemoteFault>(() => model.GetResponseAsync("a", cancellationToken: Stop));
        Assert.Equal((FaultKind.Unreachable, false), (fault.Kind, fault.MayBePaid));
    }
}
