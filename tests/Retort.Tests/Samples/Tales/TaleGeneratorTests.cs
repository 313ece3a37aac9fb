using System.Numerics;
using Retort.Samples.Tales;

namespace Retort.Tests.Samples.Tales;

public sealed class TaleGeneratorTests
{
    [Fact]
    public void OneSeedTellsOneStory()
    {
        for (ulong seed = 0; seed < 500; seed++)
        {
            Assert.Equal(TaleGenerator.Generate(seed), TaleGenerator.Generate(seed));
        }
    }

    [Fact]
    public void ThereAreMoreThanABillionStories() => Assert.True(TaleGenerator.DistinctStories > BigInteger.Pow(10, 9));

    [Fact]
    public void StoriesDoNotRepeat()
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        for (ulong seed = 0; seed < 50_000; seed++)
        {
            Assert.True(told.Add(TaleGenerator.Generate(seed).Text));
        }
    }

    /// <summary>The count multiplies choices, so two choices must never make one sentence.</summary>
    [Fact]
    public void ASentenceComesFromOnePatternOnly()
    {
        var stated = new List<(Retort.Samples.Tales.Fact, int)>();
        for (ulong seed = 0; seed < 3000; seed++)
        {
            foreach (var (_, text) in TaleGenerator.Tell(seed).Beats)
            {
                Assert.Single(World.All, line => line.Phrase.Read(text, 0, stated) == text.Length);
            }
        }
        Assert.All(World.All, line => Assert.All(
            line.Phrase.Pattern.Split('[').Skip(1).Select(rest => rest[..rest.IndexOf(']', StringComparison.Ordinal)].Split('|')),
            options => Assert.Equal(options.Length, options.Distinct(StringComparer.Ordinal).Count())));
    }

    [Fact]
    public void TheVocabularyIsSmallAndTheStoriesShort()
    {
        var vocabulary = new HashSet<string>(StringComparer.Ordinal);
        for (ulong seed = 0; seed < 20_000; seed++)
        {
            var words = TaleWords.Of(TaleGenerator.Generate(seed).Text).ToList();
            Assert.InRange(words.Count, 60, 160);
            vocabulary.UnionWith(words);
        }
        Assert.InRange(vocabulary.Count, 1200, 1800);
    }

    [Fact]
    public void TheTextStatesTheFacts()
    {
        for (ulong seed = 0; seed < 2000; seed++)
        {
            var (facts, text) = TaleGenerator.Generate(seed);
            foreach (var stated in (string[])[facts.Who, facts.Kind, facts.Friend, facts.FriendKind, facts.Thing, facts.Why, facts.WhereWithPreposition, facts.Helper, facts.HelperName])
            {
                Assert.Contains(stated, text, StringComparison.Ordinal);
            }
            Assert.Contains(facts.Mood, TaleGenerator.MoodWords);
        }
    }

    [Fact]
    public void AnIndefiniteArticleFitsItsWord()
    {
        for (ulong seed = 0; seed < 5000; seed++)
        {
            var text = TaleGenerator.Generate(seed).Text;
            Assert.DoesNotMatch("\\b[Aa] [aeio]", text);
            Assert.DoesNotMatch("\\b[Aa]n [^aeio]", text);
        }
    }

    [Fact]
    public void ASeedMeansTheSameStoryForEver() =>
        Assert.Equal(Frozen, TaleGenerator.Generate(2026).Text);

    const string Frozen =
        """
        Long ago lived a duckling named Priya. She shared everything with Nora, a fluffy puppy. All month Priya had dreamed of a rusty compass, for she wanted to find north without the stars. "I saw one in the white mill," said Nora, and off they went. Up in a corner was a rusty compass, but it was wrapped in a sticky web. Luckily Philippa the cook saw everything. Philippa rubbed butter on the threads until the compass slid out. Priya put the rusty compass by the fire and listened to the rain; tomorrow she would find north without the stars. She breathed slowly, and everything was peaceful.
        """;
}
