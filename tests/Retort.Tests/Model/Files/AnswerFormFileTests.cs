using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Retort.Model.Chat;
using Retort.Model.Files;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Tests.Guard;

namespace Retort.Tests.Model.Files;

/// <summary>A model made for one task says so in its folder, and whoever answers with it keeps to that.</summary>
public sealed class AnswerFormFileTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void WhatIsWrittenIsReadAgain()
    {
        AnswerFormFile.Write(_scratch.Folder, new AnswerForm.Labels(["yes", "nö"]));
        Assert.Equal(["yes", "nö"], Assert.IsType<AnswerForm.Labels>(AnswerFormFile.Read(_scratch.Folder)).Texts);
        JsonElement schema = JsonElement.Parse("""{"type": "object", "properties": {"a": {"type": "string"}}}""");
        AnswerFormFile.Write(_scratch.Folder, new AnswerForm.Schema(schema));
        Assert.True(JsonElement.DeepEquals(schema, Assert.IsType<AnswerForm.Schema>(AnswerFormFile.Read(_scratch.Folder)).Json));
        Assert.IsType<AnswerForm.Free>(AnswerFormFile.Read(_scratch["nothing"]));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"labels": []}""")]
    [InlineData("""{"labels": ["a", 1]}""")]
    [InlineData("""{"labels": [""]}""")]
    [InlineData("""{"labels": ["a"], "schema": {}}""")]
    [InlineData("""{"schema": "x"}""")]
    [InlineData("""{"schema": {"type": "string", "pattern": "x"}}""")]
    [InlineData("{\"labels\": [\"a\"")]
    public void AnythingElseIsRefusedByName(string json)
    {
        _scratch.Write(AnswerFormFile.Name, json);
        Assert.Contains(AnswerFormFile.Name, Assert.Throws<UserError>(() => AnswerFormFile.Read(_scratch.Folder)).Where, StringComparison.Ordinal);
    }

    [Fact]
    public void NoBytesBreakTheReader()
    {
        byte[] good = Encoding.UTF8.GetBytes("""{"schema": {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}}}""");
        Random random = new(5);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bad = [.. good];
            for (int n = random.Next(1, 5); n > 0; n--)
            {
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(_scratch[AnswerFormFile.Name], bad);
            try
            {
                Assert.NotNull(AnswerFormFile.Read(_scratch.Folder));
            }
            catch (UserError e)
            {
                Assert.NotEmpty(e.What);
            }
        }
    }

    [Fact]
    public async Task AModelWithAFormAnswersInItUnlessAskedForAnother()
    {
        GuardWorld.Folder(_scratch.Folder, template: true, context: 256);
        AnswerFormFile.Write(_scratch.Folder, new AnswerForm.Labels(["red", "blue"]));
        using LocalModel model = new(InferenceModel.Open(_scratch.Folder), new(1, 256));
        CancellationToken stop = TestContext.Current.CancellationToken;
        Task<ChatResponse> Ask(ChatResponseFormat? format) => model.GetResponseAsync("What colour?", new() { ResponseFormat = format, MaxOutputTokens = 12, Temperature = 0 }, stop);
        Assert.Contains((await Ask(null)).Text.Trim(), (string[])["red", "blue"]);
        Assert.DoesNotContain((await Ask(ChatResponseFormat.Text)).Text.Trim(), (string[])["red", "blue"]);
    }
}
