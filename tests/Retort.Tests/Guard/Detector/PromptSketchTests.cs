using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Tests.Guard.Detector;

public sealed class PromptSketchTests
{
    static PromptSketch Of(string prompt) => PromptSketch.Of(PromptRuns.Of(prompt), new());

    static double Alike(string a, string b) => PromptSketch.Similarity(Of(a).Template, Of(b).Template);

    static bool Same(string a, string b) => Of(a).Item.IsSameAs(Of(b).Item);

    const string Problem = "A baker sells 12 loaves in the morning and twice as many in the afternoon. How many loaves are left of the 60 that were baked that day?";

    [Fact]
    public void AFormThatIsFilledOtherwiseIsAlikeAndAnotherItem()
    {
        const string Other = "A baker sells 15 loaves in the morning and twice as many in the afternoon. How many loaves are left of the 93 that were baked that day?";
        Assert.Equal(1, Alike(Problem, Other));
        Assert.False(Same(Problem, Other));
        Assert.InRange(Alike(Problem, "Write a haiku about the sea in winter, and do not mention water."), 0, 0.05);
    }

    [Theory]
    [InlineData("Answer in one line. " + Problem)]
    [InlineData("Question: " + Problem + "\nAnswer:")]
    [InlineData("How many loaves are left of the 60 that were baked that day? A baker sells 12 loaves in the morning and twice as many in the afternoon.")]
    [InlineData("A BAKER sells 12 loaves, in the morning - and twice as many in the afternoon! How many loaves are left of the 60 that were baked that day")]
    public void WhatIsWrappedOrPutTogetherOtherwiseIsTheSameItem(string again) => Assert.True(Same(Problem, again));

    [Fact]
    public void ASampleTellsHowAlikeLongTextsAre()
    {
        RandomStream random = new(3);
        string[] words = [.. Enumerable.Range(0, 1200).Select(i => DetectorWorld.Word(i))];
        foreach (int changed in new[] { 0, 40, 120, 300 })
        {
            string[] other = [.. words];
            for (int i = 0; i < changed; i++)
            {
                other[random.NextInt(other.Length)] = DetectorWorld.Word(10_000 + i);
            }

            HashSet<uint> a = [.. PromptRuns.Of(string.Join(' ', words)).Slotted], b = [.. PromptRuns.Of(string.Join(' ', other)).Slotted];
            double exact = (double)a.Intersect(b).Count() / a.Union(b).Count();
            Assert.InRange(Alike(string.Join(' ', words), string.Join(' ', other)), exact - 0.2, exact + 0.2);
        }
    }

    [Fact]
    public void ATextWithoutWordsHasNoTemplate()
    {
        Assert.Empty(Of("👍").Bands);
        Assert.Empty(Of("").Bands);
        Assert.Empty(Of("yes").Bands);
    }

    [Fact]
    public void AlikeTemplatesAreFoundAndOthersAreNot()
    {
        RandomStream random = new(9);
        TemplateIndex index = new(1 << 12);
        Template[] first = [.. Enumerable.Range(0, 300).Select(f => index.Meet(Of(DetectorWorld.Form(f, random)))!)];
        Assert.Equal(300, first.Distinct().Count());
        int found = Enumerable.Range(0, 300).Count(f => ReferenceEquals(index.Meet(Of("Please: " + DetectorWorld.Form(f, random) + " thank you")), first[f]));
        Assert.InRange(found, 295, 300);
    }

    [Fact]
    public void TheOldestTemplatesGiveWay()
    {
        RandomStream random = new(9);
        TemplateIndex index = new(1 << 6);
        Template old = index.Meet(Of(DetectorWorld.Form(0, random)))!;
        for (int f = 1; f <= 64; f++)
        {
            index.Meet(Of(DetectorWorld.Form(f, random)));
        }

        Assert.Equal(64, index.Templates.Count());
        Assert.Null(index[old.Id]);
        Assert.NotSame(old, index.Meet(Of(DetectorWorld.Form(0, random))));
    }
}
