using System.Text.RegularExpressions;
using Retort.Samples.Tales;

namespace Retort.Tests.Samples.Tales;

public sealed partial class TaleCheckerTests(ITestOutputHelper output)
{
    const int Stories = 1000;

    [Fact]
    public void EveryStoryIsConsistent()
    {
        for (ulong seed = 0; seed < 5000; seed++)
        {
            var tale = TaleGenerator.Generate(seed);
            var verdict = TaleChecker.Check(tale.Text, new TaleTraits(tale.Facts.Who, tale.Facts.Kind, tale.Facts.Thing, tale.Facts.Where, tale.Facts.Mood));
            Assert.True(verdict.Consistent, tale.Text + "\n" + string.Join("; ", verdict.Faults));
            Assert.Equal(1, verdict.Score);
            Assert.Empty(verdict.Faults);
        }
    }

    [Theory]
    [InlineData("hero's name", 0.99)]
    [InlineData("friend's name", 0.99)]
    [InlineData("hero and friend", 0.99)]
    [InlineData("pronoun", 0.99)]
    [InlineData("look", 0.99)]
    [InlineData("noun", 0.99)]
    [InlineData("place", 0.99)]
    [InlineData("helper's name", 0.99)]
    [InlineData("helper's kind", 0.99)]
    [InlineData("mood", 0.99)]
    [InlineData("reason", 0.99)]
    [InlineData("no ending", 0.99)]
    [InlineData("cut", 0.99)]
    [InlineData("shuffled", 0.99)]
    [InlineData("doubled", 0.99)]
    [InlineData("lost word", 0.99)]
    [InlineData("unknown word", 0.99)]
    public void ASpoiltStoryIsCaught(string how, double rate)
    {
        var (spoilt, caught, score) = (0, 0, 0.0);
        for (ulong seed = 0; seed < Stories; seed++)
        {
            var tale = TaleGenerator.Generate(seed);
            if (Spoil(how, tale, TaleGenerator.Generate(seed + 100_000), new Random((int)seed)) is not { } text || text == tale.Text)
            {
                continue;
            }
            spoilt++;
            var verdict = TaleChecker.Check(text);
            Assert.InRange(verdict.Score, 0, 1);
            Assert.Equal(verdict.Consistent, verdict.Score == 1);
            Assert.Equal(verdict.Consistent, verdict.Faults.Count == 0);
            caught += verdict.Consistent ? 0 : 1;
            score += verdict.Score;
        }
        output.WriteLine($"{how}: caught {caught} of {spoilt}, mean score {score / spoilt:F3}");
        Assert.True(spoilt > Stories / 4, $"only {spoilt} stories could be spoilt");
        Assert.True(caught >= rate * spoilt, $"{how}: caught {caught} of {spoilt}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("?!")]
    [InlineData("\"")]
    [InlineData("Once there was a")]
    [InlineData("The stock exchange closed lower on Friday. Analysts had expected it.")]
    public void OtherTextScoresNothing(string text)
    {
        var verdict = TaleChecker.Check(text);
        Assert.False(verdict.Consistent);
        Assert.Equal(0, verdict.Score);
    }

    [Fact]
    public void ATraitNotMetLowersTheScore()
    {
        var tale = TaleGenerator.Generate(1);
        var verdict = TaleChecker.Check(tale.Text, new TaleTraits(Who: "Nobody", Mood: tale.Facts.Mood));
        Assert.False(verdict.Consistent);
        Assert.Equal(0.5, verdict.Score);
        Assert.Single(verdict.Faults);
    }

    [Fact]
    public void AnyTextIsJudgedWithoutFailing()
    {
        for (ulong seed = 0; seed < 300; seed++)
        {
            var random = new Random((int)seed);
            var letters = TaleGenerator.Generate(seed).Text.ToCharArray();
            for (var strike = 0; strike < 20; strike++)
            {
                letters[random.Next(letters.Length)] = " .\"A,{\0é"[random.Next(8)];
            }
            Assert.InRange(TaleChecker.Check(new string(letters, 0, random.Next(letters.Length))).Score, 0, 0.99);
        }
    }

    static string? Spoil(string how, Tale tale, Tale other, Random random)
    {
        var (facts, text) = tale;
        var sentences = SentenceStart().Split(text);
        switch (how)
        {
            case "hero's name":
                return ReplaceLater(text, facts.Who, other.Facts.Who, random);
            case "friend's name":
                return ReplaceLater(text, facts.Friend, other.Facts.Friend, random);
            case "hero and friend":
                return ReplaceLater(text, facts.Who, facts.Friend, random);
            case "pronoun":
                var pronouns = Pronoun().Matches(text);
                if (pronouns.Count == 0)
                {
                    return null;
                }
                var pronoun = pronouns[random.Next(pronouns.Count)];
                return text[..pronoun.Index] + Opposite(pronoun.Value) + text[(pronoun.Index + pronoun.Length)..];
            case "look":
                return ReplaceLater(text, facts.Thing.Split(' ')[0] + " ", other.Facts.Thing.Split(' ')[0] + " ", random);
            case "noun":
                return ReplaceLater(text, facts.Thing.Split(' ')[1], other.Facts.Thing.Split(' ')[1], random);
            case "place":
                return ReplaceLater(text, facts.Where, other.Facts.Where, random);
            case "helper's name":
                return ReplaceLater(text, facts.HelperName, other.Facts.HelperName, random);
            case "helper's kind":
                return text.Replace($" {facts.Helper} ", $" {other.Facts.Helper} ", StringComparison.Ordinal);
            case "mood":
                return other.Facts.Mood == facts.Mood ? null : string.Join(' ', [.. sentences[..^1], $"{facts.Who} was so {other.Facts.Mood}."]);
            case "reason":
                return ReplaceLater(text, facts.Why, other.Facts.Why, random);
            case "no ending":
                return string.Join(' ', sentences[..^random.Next(1, 3)]);
            case "cut":
                return text[..random.Next(text.Length / 3, text.Length - 1)];
            case "shuffled":
                random.Shuffle(sentences);
                return string.Join(' ', sentences);
            case "doubled":
                var again = random.Next(sentences.Length);
                return string.Join(' ', [.. sentences[..again], sentences[again], .. sentences[again..]]);
            case "lost word":
                var words = text.Split(' ').ToList();
                words.RemoveAt(random.Next(words.Count));
                return string.Join(' ', words);
            case "unknown word":
                var odd = text.Split(' ');
                odd[random.Next(odd.Length)] = "flimmer";
                return string.Join(' ', odd);
            default:
                throw new ArgumentException(how, nameof(how));
        }
    }

    /// <summary>Replaces one occurrence, never the first.</summary>
    static string? ReplaceLater(string text, string old, string replacement, Random random)
    {
        var places = new List<int>();
        for (var at = text.IndexOf(old, StringComparison.Ordinal); at >= 0; at = text.IndexOf(old, at + 1, StringComparison.Ordinal))
        {
            places.Add(at);
        }
        if (places.Count < 2)
        {
            return null;
        }
        var place = places[random.Next(1, places.Count)];
        return text[..place] + replacement + text[(place + old.Length)..];
    }

    static string Opposite(string pronoun) => pronoun switch
    {
        "he" => "she",
        "she" => "he",
        "He" => "She",
        "She" => "He",
        "him" or "his" => "her",
        "His" => "Her",
        "Her" => "His",
        _ => "his",
    };

    [GeneratedRegex("""(?<=[.!?]"?) (?=["A-Z])""")]
    private static partial Regex SentenceStart();

    [GeneratedRegex(@"\b(he|she|him|his|her|He|She|His|Her)\b")]
    private static partial Regex Pronoun();
}
