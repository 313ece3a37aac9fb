using System.Text;
using System.Text.Json;
using Retort.Asking;
using Retort.Distill;

namespace Retort.Tests.Distill;

public sealed class ContaminationTests : IDisposable
{
    const string Question = "A farmer has seventeen sheep in two fields, and every spring four of them are sold at the market by the old bridge. How many are left after three springs?";
    const string Reasoned = "Three springs of four sheep each make twelve sold sheep, and seventeen less twelve leaves the farmer with five of them.";

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("retort-contamination");

    public void Dispose() => _folder.Delete(recursive: true);

    static EvaluationSet Set(params (string Question, string? Answer)[] items) => new("exam", [.. items.Select((i, n) => new EvaluationItem($"exam, line {n + 1}", i.Question, i.Answer))]);

    static IEnumerable<(int, bool)> Found(EvaluationSet set, string question, string answer) => new Contamination([set], [13, 8]).Of(question, answer).Select(o => (o.Gram, o.InAnswer));

    [Fact]
    public void ItIsFoundInQuestionsAndAnswersOfBothEnds()
    {
        EvaluationSet set = Set((Question, Reasoned));
        (int, bool)[] question = [(13, false), (8, false)], answer = [(13, true), (8, true)];
        Assert.Equal(question, Found(set, Question, "5"));
        Assert.Equal(answer, Found(set, "Say something.", Question));
        Assert.Equal(question, Found(set, $"Explain: {Reasoned}", "ok"));
        Assert.Equal(answer, Found(set, "Solve it.", $"Well. {Reasoned} Done."));
        Assert.Equal(question, Found(set, $"Here is a riddle:\n\n«{Question.ToUpperInvariant().Replace(",", " —", StringComparison.Ordinal)}» Solve it.", "5"));
        Assert.Empty(Found(set, "A shepherd has seventy goats on one hill, and each autumn he buys some more of them at the fair beyond the river.", "He has five of them left, I would say, after all."));

        // Nine words in a row are eight, and not thirteen.
        Assert.Equal([(8, false)], Found(set, "Once a farmer has seventeen sheep in two fields, and then none.", "5"));
        Assert.Empty(Found(set, "Once a farmer has seventeen sheep in two, and then none.", "5"));
    }

    [Fact]
    public void ShortTextsAreComparedWholeAndShortAnswersNotAtAll()
    {
        EvaluationSet set = Set(("What is the capital of Peru?", "Lima"), ("Name a colour, any colour that you like, at once.", "Blue as the sea is blue on a good day"));
        Assert.Equal([(13, false), (8, false)], Found(set, "what is THE capital of peru", "It is Lima."));
        Assert.Empty(Found(set, "What is the capital of Peru and Chile?", "Lima"));
        Assert.Equal([(13, false), (8, false)], Found(set, "Name a colour, any colour that you like, at once!", "Lima"));
        Assert.Equal([(13, true), (8, true)], Found(set, "Sing.", "Blue as the sea is blue on a good day."));
        Assert.Empty(Found(set, "", "…"));
    }

    [Fact]
    public void WordingThatItemsShareIsPassedOverAndWhatIsTheirOwnIsNot()
    {
        const string Wording = "Read the following review with care and say in one word whether it praises the film or not:";
        EvaluationSet set = Set([.. Enumerable.Range(0, 40).Select(i => ($"{Wording} The plot number {i} of tape {i * 7} was more than I could bear on day {i}.", (string?)null))]);
        Contamination index = new([set], [13, 8]);
        Assert.True(index.SharedWording[0] > 10);
        Assert.Empty(index.Of($"{Wording} I loved every minute of it.", "praise"));
        Overlap found = index.Of($"Please. {set.Items[7].Question}", "praise")[0];
        Assert.Equal(("exam", "exam, line 8", 13, false), (found.Set, found.Item, found.Gram, found.InAnswer));
        Assert.Contains("tape 49 was", found.Words, StringComparison.Ordinal);

        // Items that have nothing of their own are still found.
        EvaluationSet same = Set([.. Enumerable.Repeat((Question, (string?)null), 20)]);
        Assert.NotEmpty(Found(same, $"Well: {Question}", "5"));
    }

    [Fact]
    public void RowsAreExcludedFromTheLengthChosenAndShownInAnyCase()
    {
        StoredAnswer[] answers =
        [
            AdmissionTests.Answer(1, question: Question, text: "5"), AdmissionTests.Answer(2, question: "Hm?", text: $"Well. {Reasoned}"), AdmissionTests.Answer(3, question: "Once a farmer has seventeen sheep in two fields, and then none.", text: "6"),
            AdmissionTests.Answer(4, question: "Hello?", text: $"<think>{Reasoned}</think>7"), AdmissionTests.Answer(5, question: "Good day?", text: "8"),
        ];
        Admission Of(int? from, string reasoning = "keep") => Admission.Of(answers, Rules(from, reasoning), AdmissionEvidence.None);
        AdmissionRules Rules(int? from, string reasoning) => AdmissionRules.Of(new() { Reasoning = reasoning, Contamination = ContaminationRecipe.Default with { Exclude = from } }, Set((Question, Reasoned)));
        Assert.Equal([1L, 2, 4], Of(13).Excluded.Select(e => e.Answer.Request));
        Assert.Equal([1L, 2], Of(13, "drop").Excluded.Select(e => e.Answer.Request));
        Assert.Equal([1L, 2, 3, 4], Of(8).Excluded.Select(e => e.Answer.Request));
        Assert.All(Of(8).Excluded, e => Assert.Equal(Exclusion.Contaminated, e.Why));
        Assert.StartsWith("its question shares with exam, line 1: A farmer has seventeen", Of(13).Excluded[0].Detail, StringComparison.Ordinal);
        using JsonDocument line = JsonDocument.Parse(Of(13).List().AsMemory(0, Of(13).List().AsSpan().IndexOf((byte)'\n')));
        Assert.Equal((answers[0].Id, "contaminated"), (line.RootElement.GetProperty("id").GetString(), line.RootElement.GetProperty("why").GetString()));
        Admission shown = Of(null);
        JsonElement[] overlaps = [.. Encoding.UTF8.GetString(shown.OverlapList()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonElement.Parse(l))];
        Assert.Equal(["question 13", "question 8", "answer 13", "answer 8", "question 8", "answer 13", "answer 8"], overlaps.Select(o => $"{o.GetProperty("side")} {o.GetProperty("gram")}"));
        Assert.Empty(shown.Excluded);
        AdmissionFacts facts = AdmissionFacts.Of(shown, Rules(null, "keep"));
        Assert.Equal([new GramOverlap(13, 1, 2, 3, 0.6), new GramOverlap(8, 2, 2, 4, 0.8)], Assert.Single(facts.Contamination).Grams);
        Assert.Equal((5, 5, 1), (facts.Asked, facts.Compared, facts.Contamination[0].Items));
    }

    [Fact]
    public void SetsAreReadFromWhatFilesCallTheirQuestions()
    {
        string File(string name, string text)
        {
            string path = Path.Combine(_folder.FullName, name);
            System.IO.File.WriteAllText(path, text);
            return path;
        }

        File("a.jsonl", "{\"prompt\": \"p\", \"gold\": 3}\n\n{\"question\": \"q\", \"input\": \"i\", \"answer\": [\"x\", \"y\"]}\n{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"u\"}, {\"role\": \"assistant\", \"content\": \"t\"}]}\n");
        File("b.txt", "one\ntwo\r\n");
        File("c.md", "no");
        IReadOnlyList<EvaluationSet> sets = EvaluationSet.Read(_folder.FullName);
        Assert.Equal(["a.jsonl", "b.txt"], sets.Select(s => s.Name));
        Assert.Equal([new("a.jsonl, line 1", "p", "3"), new("a.jsonl, line 3", "q\ni", "x\ny"), new EvaluationItem("a.jsonl, line 4", "s\nu", "t")], sets[0].Items);
        Assert.Equal(["one", "two"], sets[1].Items.Select(i => i.Question));
        foreach (string bad in (string[])["{\"id\": 1}", "[1]", "{", "", "{\"prompt\": 1, \"prompt\": 2}"])
        {
            string path = File("bad.jsonl", bad);
            Assert.Contains("bad.jsonl", Assert.Throws<UserError>(() => EvaluationSet.Read(path)).Where, StringComparison.Ordinal);
        }

        Random random = new(3);
        for (int i = 0; i < 500; i++)
        {
            string path = File("bad.jsonl", JsonMutation.Of("{\"prompt\": \"p\", \"choices\": [\"a\"], \"messages\": [{\"role\": \"user\", \"content\": \"u\"}], \"gold\": \"g\"}", random));
            try
            {
                Assert.Single(Assert.Single(EvaluationSet.Read(path)).Items);
            }
            catch (UserError e)
            {
                Assert.Contains("bad.jsonl", e.Where, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void EveryPlantedItemOfRealSetsIsFoundAndUnrelatedTextIsNot()
    {
        IReadOnlyList<EvaluationSet> sets = EvaluationSet.Read(Shared.Folder("prompts/evaluation"));
        Assert.Equal((14, 3500), (sets.Count, sets.Sum(s => s.Items.Count)));
        Contamination index = new(sets, [13, 8]);
        foreach (EvaluationSet set in sets)
        {
            foreach (EvaluationItem item in set.Items)
            {
                Assert.Contains(index.Of(item.Question, ""), o => o.Set == set.Name);
                string changed = string.Join("  ", item.Question.ToUpperInvariant().Split(' '));
                Assert.Contains(index.Of(changed, ""), o => o.Set == set.Name);

                // Within another text what is shorter than an n-gram has no n-gram.
                if (Retort.Evidence.Statistics.PlainWords.Of(item.Question).Count >= 8)
                {
                    Assert.Contains(index.Of($"Here is a task for you. {changed} Think first.", "ok"), o => o.Set == set.Name && !o.InAnswer);
                    Assert.Contains(index.Of("Repeat it.", $"It was this: {changed} That is all."), o => o.Set == set.Name && o.InAnswer);
                }
            }
        }

        string[] other = [.. Directory.GetFiles(Shared.Folder("prompts/narrow")).SelectMany(f => File.ReadLines(f).Take(20)).Select(l => JsonElement.Parse(l).GetProperty("prompt").GetString()!)];
        Assert.True(other.Length > 2000);
        Assert.DoesNotContain(other.SelectMany(o => index.Of(o, "")), o => o.Gram == 13);
    }
}
