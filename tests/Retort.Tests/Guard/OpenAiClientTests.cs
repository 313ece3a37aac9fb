using System.ClientModel;
using System.Text;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;

namespace Retort.Tests.Guard;

/// <summary>OpenAI's own .NET client against our server.</summary>
public sealed class OpenAiClientTests : IAsyncLifetime
{
    static readonly ChatMessage[] Messages = [new SystemChatMessage("Be brief."), new UserChatMessage("Once upon a time")];

    GuardWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await GuardWorld.Start();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    ChatClient Client(string model = GuardWorld.Name) => new(model, new ApiKeyCredential("none"), Options());

    OpenAIClientOptions Options() => new() { Endpoint = new Uri(_world.Url + "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) };

    static ChatCompletionOptions Greedy(int tokens) => new() { Temperature = 0, MaxOutputTokenCount = tokens };

    [Fact]
    public async Task AnswersWholeAndAsAStream()
    {
        ChatCompletion whole = await Client().CompleteChatAsync(Messages, Greedy(40));
        string text = whole.Content[0].Text;
        Assert.Equal(40, whole.Usage.OutputTokenCount);
        Assert.Equal(ChatFinishReason.Length, whole.FinishReason);
        Assert.Equal(GuardWorld.Name, whole.Model);
        StringBuilder streamed = new();
        ChatFinishReason? finish = null;
        ChatTokenUsage? usage = null;
        await foreach (StreamingChatCompletionUpdate update in Client().CompleteChatStreamingAsync(Messages, Greedy(40)))
        {
            streamed.Append(string.Concat(update.ContentUpdate.Select(c => c.Text)));
            finish = update.FinishReason ?? finish;
            usage = update.Usage ?? usage;
        }

        Assert.Equal(text, streamed.ToString());
        Assert.Equal(ChatFinishReason.Length, finish);
        Assert.Equal(whole.Usage.InputTokenCount, usage!.InputTokenCount);
        Assert.Contains(GuardWorld.Name, (await new OpenAIModelClient(new ApiKeyCredential("none"), Options()).GetModelsAsync()).Value.Select(m => m.Id));
    }

    [Fact]
    public async Task StopsAndReportsProbabilities()
    {
        ChatCompletionOptions options = Greedy(30);
        (options.IncludeLogProbabilities, options.TopLogProbabilityCount) = (true, 4);
        ChatCompletion rated = await Client().CompleteChatAsync(Messages, options);
        string text = rated.Content[0].Text;
        Assert.Equal(30, rated.ContentTokenLogProbabilities.Count);
        Assert.Equal(text.TrimStart(), Encoding.UTF8.GetString([.. rated.ContentTokenLogProbabilities.SelectMany(t => t.Utf8Bytes!.Value.ToArray())]).TrimStart());
        Assert.All(rated.ContentTokenLogProbabilities, t => Assert.Equal(t.LogProbability, t.TopLogProbabilities[0].LogProbability));
        string mark = text[7..10];
        ChatCompletionOptions stop = Greedy(30);
        stop.StopSequences.Add(mark);
        ChatCompletion stopped = await Client().CompleteChatAsync(Messages, stop);
        Assert.Equal(text[..text.IndexOf(mark, StringComparison.Ordinal)], stopped.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, stopped.FinishReason);
    }

    [Fact]
    public async Task KeepsToASchema()
    {
        ChatCompletionOptions options = new()
        {
            ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("someone", BinaryData.FromString("""{"type":"object","properties":{"name":{"type":"string","maxLength":9},"old":{"type":"boolean"}},"required":["name","old"],"additionalProperties":false}"""), jsonSchemaIsStrict: true),
        };
        for (int i = 0; i < 5; i++)
        {
            ChatCompletion answer = await Client().CompleteChatAsync(Messages, options);
            JsonElement json = JsonElement.Parse(answer.Content[0].Text);
            Assert.Equal(JsonValueKind.String, json.GetProperty("name").ValueKind);
            Assert.True(json.GetProperty("old").ValueKind is JsonValueKind.True or JsonValueKind.False);
        }
    }

    [Fact]
    public async Task RefusesInWordsTheClientUnderstands()
    {
        ClientResultException unknown = await Assert.ThrowsAsync<ClientResultException>(() => Client("another").CompleteChatAsync(Messages));
        Assert.Equal(404, unknown.Status);
        Assert.Contains("answers as small", unknown.Message, StringComparison.Ordinal);
        ClientResultException wrong = await Assert.ThrowsAsync<ClientResultException>(() => Client().CompleteChatAsync(Messages, new ChatCompletionOptions { FrequencyPenalty = 1 }));
        Assert.Equal(400, wrong.Status);
        Assert.Contains("frequency_penalty", wrong.Message, StringComparison.Ordinal);
    }
}
