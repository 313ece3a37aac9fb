using System.Globalization;
using System.Text;
using System.Text.Json;
using Retort.Asking;
using Retort.Distill;
using Retort.Model;

namespace Retort.Tests.Distill;

/// <summary>What is trained on shares no words with what the run itself tests on, unless they are everybody's.</summary>
public class HeldOutCheckTests
{
    const int Held = 15;

    static readonly string[] s_words = [.. "amber birch canoe delta ember frost grove harbour iris juniper kettle lantern meadow nectar orchard pebble quarry ribbon saddle timber umber velvet willow yarrow zephyr anchor bramble cinder drizzle engine".Split(' ')];

    /// <summary>Words nobody else says.</summary>
    static string Own(int number, int words = 24)
    {
        RandomStream random = new(7, (ulong)number);
        return string.Join(' ', Enumerable.Range(0, words).Select(_ => s_words[random.NextInt(s_words.Length)] + random.NextInt(100).ToString(CultureInfo.InvariantCulture)));
    }

    static HeldOutCheck Check((string Question, string Answer)[] rows, int held, ContaminationRecipe? recipe = null, params (int Row, string Gold)[] gold)
    {
        StoredAnswer[] answers = [.. rows.Select((r, i) => AdmissionTests.Answer(i + 1, question: r.Question, text: r.Answer))];
        Admission admission = Admission.Of(answers, AdmissionRules.Of(new() { NearDuplicate = null }), AdmissionEvidence.None);
        Assert.Equal(rows.Length, admission.Admitted.Count);
        HeldOutCheck check = HeldOutCheck.Of(
            admission, [], answers[..held].Select(a => a.Id).ToHashSet(), answers[held..].Select(a => a.Id).ToHashSet(), gold.ToDictionary(g => answers[g.Row].QuestionId, g => g.Gold), recipe ?? ContaminationRecipe.Default, [.. answers.Select(a => a.Id)]);
        Assert.Equal(rows.Length, check.Admission.Admitted.Count + check.Admission.Excluded.Count);
        Assert.All(check.Admission.Excluded, e => Assert.Equal(Exclusion.SharedWithHeldOut, e.Why));
        return check;
    }

    static int[] Left(HeldOutCheck check) => [.. check.Admission.Excluded.Select(e => (int)e.Answer.Request - 1)];

    [Fact]
    public void WhatQuotesAHeldOutQuestionOrAnswerIsLeftOut()
    {
        (string, string)[] rows = [.. Enumerable.Range(0, 40).Select(i => ($"Tell me of {Own(i)}", $"Well: {Own(1000 + i)}"))];
        Assert.Empty(Left(Check(rows, 10)));
        rows[20] = ($"Tell me of {Own(20)}", $"In other words, it was said that {Own(1003)}, or so I hear.");
        rows[21] = ($"Somebody said {Own(1004)}. Is it so?", "Yes.");
        rows[22] = ($"Please, tell me of {Own(5).ToUpperInvariant()} now.", "No.");
        rows[23] = ($"Tell me of {Own(23)}", $"You might ask of {Own(6)} as well.");
        rows[24] = ($"Tell me of {Own(24)}", $"It is {Own(2000)}.");
        rows[25] = ($"Tell me of {Own(25)}", $"Twelve words are not enough: {Own(1007, 12)}");
        HeldOutCheck check = Check(rows, 10, null, (8, Own(2000)));
        Assert.Equal([20, 21, 22, 23, 24], Left(check));
        Assert.Equal([20, 21, 22, 23, 24, 25], check.Admission.Overlaps.Select(o => (int)o.Answer.Request - 1).Distinct().Order());
        Excluded first = check.Admission.Excluded[0];
        Assert.StartsWith($"its answer shares with {check.Admission.Admitted[3].Answer.Id}: {Own(1003)[..20]}", first.Detail, StringComparison.Ordinal);
        Assert.Contains("\"why\":\"shared_with_held_out\"", Encoding.UTF8.GetString(check.Admission.List()), StringComparison.Ordinal);
        Assert.Equal((HeldOutCheck.SetName, 10), (check.Facts.Set, check.Facts.Items));
        Assert.Equal((13, 2, 3, 5, 5.0 / 30), check.Facts.Grams[0] is var g ? (g.Gram, g.Questions, g.Answers, g.Rows, g.Share) : default);

        // Shown alone where the recipe says so; and eight words exclude where they are to.
        Assert.Empty(Left(Check(rows, 10, new([], [13, 8], null), (8, Own(2000)))));
        Assert.Equal([20, 21, 22, 23, 24, 25], Left(Check(rows, 10, new([], [13, 8], 8), (8, Own(2000)))));
    }

    /// <summary>A template's slots may have few values, so that most of a prompt is that of others; answers may all begin alike.</summary>
    [Fact]
    public void ATemplatesWordingIsNobodysOwn()
    {
        string[] tones = ["friendly", "formal", "short", "cheerful"], things = ["a lamp", "the red kite", "one old boat", "our garden", "his new violin"];
        (string, string)[] rows =
        [
            .. Enumerable.Range(0, 100).Select(i => (
                $"You are the assistant of a small shop by the river. Write a {tones[i % 4]} letter to customer {i} who asks about {things[i % 5]} and wants to know when it will be sent to the house on the hill.",
                $"Dear customer {i}, thank you so much for your letter about {things[i % 5]}, which we were very glad to read in our small shop by the river this morning. It goes out on day {i * 7 % 31}.")),
        ];
        rows = [.. rows.Index().OrderBy(r => r.Index * 37 % 100).Select(r => r.Item)];
        HeldOutCheck check = Check(rows, 20);
        Assert.Empty(Left(check));
        Assert.True(check.Facts.SharedWording > 20);

        // Even so, a copied answer is found.
        rows[60] = (rows[60].Item1, $"As I wrote before: {rows[4].Item2} And {Own(1)}");
        Assert.Empty(Left(Check(rows, 20)));
        rows[4] = (rows[4].Item1, $"{rows[4].Item2} {Own(9)}");
        rows[60] = (rows[60].Item1, $"As I wrote before: {rows[4].Item2} And {Own(1)}");
        Assert.Equal([60], Left(Check(rows, 20)));
    }

    /// <summary>Questions that share what they are about are not one question; a pair that is nearly the same is.</summary>
    [Fact]
    public void APassageAskedAboutSeveralTimesIsNobodysOwn()
    {
        (string, string)[] rows = [.. Enumerable.Range(0, 60).Select(i => ($"Passage: {Own(i % 12, 80)}. Question: {Own(5000 + i, 6)}?", $"It is {Own(6000 + i, 4)}."))];
        Assert.Empty(Left(Check(rows, 12)));
        rows[50] = ($"Passage: {Own(77, 80)}. Question: {Own(5001, 6)}?", "It is not said.");
        rows[3] = ($"Passage: {Own(77, 80)}. Question: {Own(5001, 6)} or so?", "It is said.");
        Assert.Equal([50], Left(Check(rows, 12)));
    }

    /// <summary>Several answers to one question count as one prompt, on both sides.</summary>
    [Fact]
    public void AnswersToOneQuestionAreNotWording()
    {
        StoredAnswer[] answers =
        [
            .. Enumerable.Range(0, 14).Select(i => AdmissionTests.Answer(1, i, question: $"Tell me of {Own(1)}", text: $"It is {Own(100)}", asked: 14)),
            .. Enumerable.Range(2, 20).Select(i => AdmissionTests.Answer(i, question: $"Tell me of {Own(i)}", text: i == 5 ? $"They say {Own(100)}" : $"It is {Own(100 + i)}")),
        ];
        Admission admission = Admission.Of(answers, AdmissionRules.Of(new() { NearDuplicate = null }), AdmissionEvidence.None);
        HeldOutCheck check = HeldOutCheck.Of(admission, [], answers[..14].Select(a => a.Id).ToHashSet(), answers[14..].Select(a => a.Id).ToHashSet(), new Dictionary<string, string>(), ContaminationRecipe.Default, [.. answers.Select(a => a.Id)]);
        Assert.Equal([5L], check.Admission.Excluded.Select(e => e.Answer.Request));
        Assert.Equal(1, check.Facts.Items);
    }

    /// <summary>A hundred and more real jobs of one template each: next to nothing is left out of them, and a copied answer is, everywhere.</summary>
    [Fact]
    public void RealTemplatesLoseHardlyAnythingAndNoCopyStays()
    {
        (int left, int trained, int jobs) = (0, 0, 0);
        foreach (string file in Directory.GetFiles(Shared.Folder("prompts/narrow")).Order(StringComparer.Ordinal))
        {
            string[] prompts = [.. File.ReadLines(file).Select(l => JsonElement.Parse(l).GetProperty("prompt").GetString()!).Distinct().OrderBy(p => PromptGrower.Id(p), StringComparer.Ordinal)];
            if (prompts.Length < 4 * Held)
            {
                continue;
            }

            (string, string)[] rows = [.. prompts.Select((p, i) => (p, $"After reading the text with care I would say that the right answer here is {(i % 3 == 0 ? "yes" : "no")}, since {Own(i)}"))];
            int lost = Left(Check(rows, Held)).Length;
            Assert.True(lost <= (prompts.Length - Held) / 8, $"{lost} of {prompts.Length - Held}: {file}");
            (left, trained, jobs) = (left + lost, trained + prompts.Length - Held, jobs + 1);
            rows[^1] = (rows[^1].Item1, $"Let me put it so: {rows[2].Item2}");
            rows[^2] = ($"{rows[^2].Item1} Somebody wrote: {rows[3].Item2}", "No.");
            Assert.Subset(Left(Check(rows, Held)).ToHashSet(), (HashSet<int>)[prompts.Length - 1, prompts.Length - 2]);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{left} of {trained} rows left out, {jobs} jobs");
        Assert.Equal((true, true), (jobs > 100, left < trained / 50));
    }
}
