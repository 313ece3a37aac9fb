using System.Text.Json;
using Microsoft.Extensions.AI;
using Retort.Model.Chat;
using Retort.Model.Inference;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Model.Chat;

/// <summary>A model of this process behind the interface of Microsoft.Extensions.AI.</summary>
public sealed class LocalModelTests : IDisposable
{
    readonly Scratch _folder = new();
    readonly LocalModel _model;

    public LocalModelTests()
    {
        GuardWorld.Folder(_folder.Folder, template: true, context: 1024);
        _model = new(InferenceModel.Open(_folder.Folder), new EngineOptions(Threads: 1, CacheTokens: 2048, Answers: 2));
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task AStreamIsTheWholeInParts()
    {
        ChatOptions options = new() { MaxOutputTokens = 30, Temperature = 0 };
        ChatResponse whole = await _model.GetResponseAsync("Once upon a time", options, Stop);
        string streamed = "";
        await foreach (ChatResponseUpdate update in _model.GetStreamingResponseAsync("Once upon a time", options, Stop))
        {
            streamed += update.Text;
        }

        Assert.Equal(whole.Text, streamed);
        Assert.Equal(ChatFinishReason.Length, whole.FinishReason);
        Assert.Equal(30, whole.Usage!.OutputTokenCount);
        Assert.NotNull(_model.GetService<ChatClientMetadata>());
        Assert.NotEqual(whole.Text, (await _model.GetResponseAsync([new(ChatRole.System, "Be brief."), new(ChatRole.User, "Once upon a time")], options, Stop)).Text);
    }

    [Fact]
    public async Task ASeedDecidesAndASchemaIsKept()
    {
        ChatOptions options = new()
        {
            Seed = 4,
            ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"object","properties":{"kind":{"enum":["cat","dog"]},"n":{"type":"integer"}},"required":["kind","n"]}""")),
        };
        string first = (await _model.GetResponseAsync("Which?", options, Stop)).Text;
        Assert.Equal(first, (await _model.GetResponseAsync("Which?", options, Stop)).Text);
        Assert.Contains(JsonElement.Parse(first).GetProperty("kind").GetString(), (string[])["cat", "dog"]);
    }

    [Fact]
    public async Task WhoLeavesIsNotWaitedFor()
    {
        using CancellationTokenSource leave = new();
        int parts = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in _model.GetStreamingResponseAsync("Once", new ChatOptions { MaxOutputTokens = 900 }, leave.Token))
            {
                if (++parts == 3)
                {
                    await leave.CancelAsync();
                }
            }
        });
        Assert.Equal(ChatFinishReason.Length, (await _model.GetResponseAsync("Once", new ChatOptions { MaxOutputTokens = 3 }, Stop)).FinishReason);
    }

    [Fact]
    public async Task WhatCannotBeIsSaidInASentence()
    {
        Assert.Contains("context is 1024", (await Assert.ThrowsAsync<UserError>(() => _model.GetResponseAsync(string.Concat(Enumerable.Repeat("once ", 3000)), null, Stop))).Message, StringComparison.Ordinal);
        Assert.Contains("top_p", (await Assert.ThrowsAsync<UserError>(() => _model.GetResponseAsync("x", new ChatOptions { TopP = 2 }, Stop))).Message, StringComparison.Ordinal);
    }
}
