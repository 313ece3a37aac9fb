using System.Text.Json;
using Retort.Samples.Tales;

namespace Retort.Tests.Samples.Tales;

public sealed class TaleTasksTests
{
    public static TheoryData<string> Kinds => [.. TaleTasks.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheGoldAnswerScoresOneAndAnothersLittle(string kind)
    {
        const int Tasks = 1500;
        var foreign = 0.0;
        for (ulong seed = 0; seed < Tasks; seed++)
        {
            var task = TaleTasks.Generate(seed, kind);
            Assert.Equal(kind, task.Kind);
            Assert.Equal(1, TaleTasks.Score(task, task.Gold));
            Assert.Equal(1, TaleTasks.Score(task, $" {task.Gold}\n"));
            Assert.Equal(0, TaleTasks.Score(task, ""));
            foreign += TaleTasks.Score(task, TaleTasks.Generate(seed + 1_000_000, kind).Gold);
        }
        Assert.InRange(foreign / Tasks, 0, 0.2);
    }

    [Fact]
    public void FactsComeAsJsonInAFixedOrder()
    {
        for (ulong seed = 0; seed < 200; seed++)
        {
            using var gold = JsonDocument.Parse(TaleTasks.Generate(seed, TaleTasks.Facts).Gold);
            Assert.Equal(TaleTasks.FactKeys, gold.RootElement.EnumerateObject().Select(field => field.Name));
        }
    }

    [Theory]
    [InlineData("{", 0)]
    [InlineData("[1]", 0)]
    [InlineData("{}", 0)]
    [InlineData("{\"who\": 3}", 0)]
    public void FactsThatDoNotParseScoreNothing(string answer, double score) =>
        Assert.Equal(score, TaleTasks.Score(TaleTasks.Generate(5, TaleTasks.Facts), answer));

    [Fact]
    public void OneWrongFieldCostsItsShare()
    {
        var task = TaleTasks.Generate(5, TaleTasks.Facts);
        var who = TaleGenerator.Generate(5).Facts.Who;
        Assert.Equal(6.0 / 7, TaleTasks.Score(task, task.Gold.Replace($"\"who\":\"{who}\"", "\"who\":\"Nobody\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void AnUnknownKindIsRefused() => Assert.Throws<ArgumentException>(() => TaleTasks.Generate(1, "sing"));

    [Fact]
    public void TheChatTemplateHasItsTokens()
    {
        Assert.Equal("<|user|>\nWho?\n<|assistant|>\nMilo<|end|>", TaleChat.ToChat("Who?", "Milo"));
        Assert.Equal("Once.<|end|>", TaleChat.ToChat("", "Once."));
    }
}
