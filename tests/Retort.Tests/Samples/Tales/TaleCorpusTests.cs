using Retort.Samples.Tales;

namespace Retort.Tests.Samples.Tales;

public sealed class TaleCorpusTests
{
    const int Count = 10_000;

    [Fact]
    public void TrainingAndHeldOutShareNoStoryAndNoCombination()
    {
        var train = Combinations(TaleSplit.Train);
        var heldOut = Combinations(TaleSplit.HeldOut);
        Assert.NotEmpty(train);
        Assert.NotEmpty(heldOut);
        Assert.Empty(train.Intersect(heldOut));

        static HashSet<(string, string, string, string)> Combinations(TaleSplit split)
        {
            var combinations = new HashSet<(string, string, string, string)>();
            for (ulong seed = 0; seed < 400_000; seed++)
            {
                var story = split == TaleSplit.Train ? seed : seed | (1UL << 63);
                if (TaleCorpus.Belongs(story, split))
                {
                    Assert.False(TaleCorpus.Belongs(story, split == TaleSplit.Train ? TaleSplit.HeldOut : TaleSplit.Train));
                    var facts = TaleGenerator.Generate(story).Facts;
                    combinations.Add((facts.Who, facts.Kind, facts.Thing, facts.Where));
                }
            }
            return combinations;
        }
    }

    [Fact]
    public void DocumentsOfTheSplitsDiffer()
    {
        var train = TaleCorpus.Documents(1, Count, TaleSplit.Train).Select(document => document.Text).ToHashSet(StringComparer.Ordinal);
        Assert.DoesNotContain(TaleCorpus.Documents(1, Count, TaleSplit.HeldOut), document => train.Contains(document.Text));
    }

    [Fact]
    public void TheSameSeedGivesTheSameStream() => Assert.Equal(
        TaleCorpus.Documents(3, 200, TaleSplit.Train).Select(document => document.Text),
        TaleCorpus.Documents(3, 400, TaleSplit.Train).Take(200).Select(document => document.Text));

    [Fact]
    public void TheSharesAreKept()
    {
        var kinds = TaleCorpus.Documents(9, Count, TaleSplit.Train).CountBy(document => document.Kind).ToDictionary(StringComparer.Ordinal);
        Assert.InRange(kinds[TaleCorpus.Story], 0.28 * Count, 0.32 * Count);
        foreach (var kind in TaleTasks.Kinds)
        {
            Assert.InRange(kinds[kind], 0.125 * Count, 0.155 * Count);
        }
    }

    [Fact]
    public void SharesCanBeChosenAndAreChecked()
    {
        var only = new TaleShares(Story: 0, Write: 0, Continue: 0, Answer: 1, Facts: 0, Mood: 0);
        Assert.All(TaleCorpus.Documents(1, 100, TaleSplit.HeldOut, only), document => Assert.Equal(TaleTasks.Answer, document.Kind));
        Assert.Throws<ArgumentOutOfRangeException>(() => TaleCorpus.Documents(1, 1, TaleSplit.Train, only with { Answer = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TaleCorpus.Documents(1, 1, TaleSplit.Train, only with { Mood = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TaleCorpus.Documents(1, 1, TaleSplit.Train, only with { Mood = double.NaN }));
    }

    /// <summary>Every turn of a talk is a question that a task could ask, with the answer the task would score as right.</summary>
    [Fact]
    public void ATalkAsksEverythingOnceAndAnswersRightly()
    {
        TaleDocument[] talks = [.. TaleCorpus.Documents(4, 60, TaleSplit.Train, new TaleShares(0, 0, 0, 0, 0, 0, Talk: 1))];
        HashSet<string> firsts = [];
        foreach (var talk in talks)
        {
            Assert.Equal((TaleCorpus.Talk, null), (talk.Kind, talk.Task));
            var pieces = talk.Text.Split(TaleChat.End);
            Assert.Equal(15, pieces.Length);
            Assert.Equal("", pieces[^1]);
            var (prompt, answer) = Turn(pieces[0]);
            var story = prompt[..prompt.LastIndexOf('\n')];
            Assert.True(TaleChecker.Check(story).Consistent);
            List<(string Question, string Gold)> turns = [(prompt[(story.Length + 1)..], answer), .. pieces[1..^1].Select(Turn)];
            Assert.Equal(14, turns.Select(turn => turn.Question).Distinct(StringComparer.Ordinal).Count());
            Assert.All(turns, turn => Assert.All(turn.Gold.Split(' ').Where(People.Names.Contains), name => Assert.Contains(name, story, StringComparison.Ordinal)));
            firsts.Add(turns[0].Question.Split(' ')[0]);
        }

        Assert.True(firsts.Count > 3);

        static (string Question, string Gold) Turn(string piece)
        {
            Assert.StartsWith(TaleChat.User + "\n", piece, StringComparison.Ordinal);
            var cut = piece.Split($"\n{TaleChat.Assistant}\n");
            Assert.Equal(2, cut.Length);
            return (cut[0][(TaleChat.User.Length + 1)..], cut[1]);
        }
    }

    [Fact]
    public void TheAnswersOfATalkAreThoseOfTheTasks()
    {
        string[] kinds = [TaleTasks.Answer, TaleTasks.Facts];
        var gold = Enumerable.Range(0, 4000).SelectMany(seed => kinds.Select(kind => TaleTasks.Generate((ulong)seed, kind))).ToLookup(task => task.Prompt, task => task.Gold, StringComparer.Ordinal);
        var compared = 0;
        for (var seed = 0UL; seed < 4000; seed++)
        {
            var (story, turns) = TaleTasks.Talk(seed);
            foreach (var (question, answer) in turns)
            {
                foreach (var right in gold[$"{story}\n{question}"])
                {
                    Assert.Equal(right, answer);
                    compared++;
                }
            }
        }

        Assert.Equal(8000, compared);
    }
}
