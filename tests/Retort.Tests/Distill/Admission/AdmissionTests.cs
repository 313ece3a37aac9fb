using System.Text.Json;
using Retort.Asking;
using Retort.Distill;

namespace Retort.Tests.Distill;

/// <summary>Each filter with what it takes and with what only looks like it.</summary>
public class AdmissionTests
{
    internal static StoredAnswer Answer(long request = 1, int place = 0, string text = "yes", string? finish = "stop", string? refusal = null, string? returned = "small", string? response = null, int asked = 1, string question = "a") => new(
        request, place, [(byte)request, (byte)(request >> 8), 1], new("https://a/v1", "org/small"), returned, JsonSerializer.SerializeToUtf8Bytes(new { messages = new[] { new { role = "user", content = question } }, n = asked }), response ?? $"id-{request}", null, new(text, finish, refusal, null));

    internal static Admission Of(AdmitRecipe recipe, params StoredAnswer[] answers) => Admission.Of(answers, AdmissionRules.Of(recipe), AdmissionEvidence.None);

    static Exclusion? Why(AdmitRecipe recipe, StoredAnswer answer)
    {
        Admission admission = Of(recipe, answer);
        Assert.Equal(1, admission.Admitted.Count + admission.Excluded.Count);
        return admission.Excluded.SingleOrDefault()?.Why;
    }

    public static TheoryData<StoredAnswer, Exclusion?> Cases => new()
    {
        { Answer(), null },
        { Answer(finish: null), null },
        { Answer(returned: null), null },
        { Answer(returned: "small-2026-01-31"), null },
        { Answer(returned: "other/Small"), null },
        { Answer(place: 1, asked: 2), null },
        { Answer(text: "I'm sorry, but I can't say more than yes."), null },
        { Answer(text: "<think>so</think>yes"), null },
        { Answer(finish: "length"), Exclusion.Unfinished },
        { Answer(finish: "tool_calls"), Exclusion.Unfinished },
        { Answer(text: "<think>and so on"), Exclusion.Unfinished },
        { Answer(finish: "content_filter"), Exclusion.Refused },
        { Answer(refusal: "no"), Exclusion.Refused },
        { Answer(text: " \n"), Exclusion.Empty },
        { Answer(text: "<think>so</think>\n"), Exclusion.Empty },
        { Answer(returned: "small-large"), Exclusion.OtherModel },
        { Answer(returned: "smaller"), Exclusion.OtherModel },
        { Answer(returned: "big"), Exclusion.OtherModel },
        { Answer(place: 1), Exclusion.Surplus },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void EachAnswerIsAdmittedOrLeftOutForOneReason(StoredAnswer answer, Exclusion? why)
    {
        Admission admission = Admission.Of([answer, Answer(request: 7, question: "b", text: "another")]);
        Assert.Equal(why is null ? 2 : 1, admission.Admitted.Count);
        Assert.Equal(why is { } reason ? [reason] : [], admission.Excluded.Select(e => e.Why));
    }

    [Fact]
    public void AnAnswerGivenToTwoQuestionsIsNeithersOwn()
    {
        AdmitRecipe recipe = new() { NearDuplicate = null };
        Admission admission = Of(recipe, Answer(1, response: "x"), Answer(2, response: "x"), Answer(3, response: "y"), Answer(3, 1, response: "y", asked: 2), Answer(4, response: ""), Answer(5, response: ""));
        Assert.Equal([1L, 2L], admission.Excluded.Where(e => e.Why == Exclusion.NotItsOwn).Select(e => e.Answer.Request));
        Assert.Equal([4L, 5L], admission.Admitted.Select(a => a.Answer.Request).Where(r => r > 3));
    }

    [Fact]
    public void WhatCountsAsAnEndIsTheRecipesToSay()
    {
        AdmitRecipe cut = new() { Finish = ["stop", "length"] };
        Assert.Null(Why(cut, Answer(finish: "length")));
        Assert.Equal(Exclusion.Unfinished, Why(cut, Answer(finish: "tool_calls")));
        Assert.Equal(Exclusion.Unfinished, Why(new() { Finish = ["length"] }, Answer()));
    }

    [Fact]
    public void RefusalsAreKeptOrGuessedByChoice()
    {
        Admission kept = Of(new() { KeepRefusals = true, RefusalPhrases = true }, Answer(text: "", refusal: "I will not."), Answer(2, text: "I’m sorry, but I can’t do that.", question: "b"));
        Assert.Equal(["I will not.", "I’m sorry, but I can’t do that."], kept.Admitted.Select(a => a.Text));
        AdmitRecipe guessed = new() { RefusalPhrases = true };
        Assert.Equal(Exclusion.RefusedInWords, Why(guessed, Answer(text: " I’m sorry, but I can’t do that.")));
        Assert.Equal(Exclusion.RefusedInWords, Why(guessed, Answer(text: "<think>hm</think>I cannot assist with that.")));
        Assert.Null(Why(guessed, Answer(text: "I'm sorry to hear that. Here is what helps: rest.")));
        Assert.Null(Why(guessed, Answer(text: "She said: I cannot help with that.")));
    }

    [Fact]
    public void LengthIsThatOfTheReplyAndItsLimitsAreAllowed()
    {
        AdmitRecipe recipe = new() { MinCharacters = 3, MaxCharacters = 5 };
        Assert.Equal([Exclusion.Length, null, null, Exclusion.Length], ((string[])["ab", "abc", "abcde", "abcdef"]).Select(t => Why(recipe, Answer(text: t))));
        Assert.Null(Why(recipe, Answer(text: "<think>much to say</think>abc")));
    }

    [Fact]
    public void PatternsMustAndMustNotMatch()
    {
        AdmitRecipe recipe = new() { Must = ["^[A-Z]", @"\.$"], MustNot = ["(?i)as an ai", @"(\w)\1\1"] };
        Assert.Null(Why(recipe, Answer(text: "All is well.")));
        Assert.Equal(Exclusion.Pattern, Why(recipe, Answer(text: "all is well.")));
        Assert.Equal(Exclusion.Pattern, Why(recipe, Answer(text: "All is well")));
        Assert.Equal(Exclusion.Pattern, Why(recipe, Answer(text: "Well, As An AI I agree.")));
        Assert.Equal(Exclusion.Pattern, Why(recipe, Answer(text: "Hmmm.")));
        Assert.Equal(["must match ^[A-Z]"], Of(recipe, Answer(text: "x.")).Excluded.Select(e => e.Detail));
    }

    [Fact]
    public void RepetitionsGoAndNameWhatTheyRepeat()
    {
        const string Long = "The river rises in the hills, runs north past three old mills and a ruined bridge, and ends in a lake that few people have ever seen in winter.";
        Admission admission = Of(new(), Answer(1, question: "Tell of a river", text: Long), Answer(2, question: "Tell of a river!", text: Long.ToUpperInvariant()), Answer(3, question: "Tell of a river", text: "It is wet."));
        Excluded repeated = Assert.Single(admission.Excluded);
        Assert.Equal((2L, Exclusion.NearDuplicate, $"1.000 like {Answer(1).Id}"), (repeated.Answer.Request, repeated.Why, repeated.Detail));
        Assert.Equal(3, Of(new() { NearDuplicate = null }, Answer(1), Answer(2), Answer(3)).Admitted.Count);

        // Answers that say other things to one long question, and labels of texts in one long template, are no repetitions.
        Assert.Empty(Of(new(), Answer(1, 0, question: Long, asked: 2), Answer(1, 1, text: "no", question: Long, asked: 2)).Excluded);
        Assert.Empty(Of(new(), [.. Enumerable.Range(0, 40).Select(i => Answer(i, question: $"{Long} {Long.Replace("river", "road", StringComparison.Ordinal)} Text: number {i * i}", text: i % 2 == 0 ? "yes" : "no"))]).Excluded);
    }

    [Theory]
    [InlineData("keep", "<think>so</think>\n", false)]
    [InlineData("mask", "<think>so</think>\n", true)]
    [InlineData("drop", "", false)]
    public void ReasoningIsKeptMaskedOrDropped(string choice, string trace, bool masked)
    {
        AdmittedAnswer admitted = Assert.Single(Of(new() { Reasoning = choice }, Answer(text: "<think>so</think>\nyes")).Admitted);
        Assert.Equal((trace, "yes", trace + "yes", masked), (admitted.Trace, admitted.Reply, admitted.Text, admitted.MaskTrace));
        AdmittedAnswer plain = Assert.Single(Of(new() { Reasoning = choice }, Answer()).Admitted);
        Assert.Equal(("", "yes", false), (plain.Trace, plain.Reply, plain.MaskTrace));
    }

    [Fact]
    public void ReasoningThatComesApartGoesBeforeTheReply()
    {
        StoredAnswer Apart(string? reasoning, string text = "yes") => Answer(text: text) with { Choice = new(text, "stop", null, null) { Reasoning = reasoning } };
        Assert.Equal("<think>\nbecause\n</think>\n\nyes", Of(new(), Apart(" because\n")).Admitted[0].Text);
        Assert.Equal("yes", Of(new() { Reasoning = "drop" }, Apart("because")).Admitted[0].Text);
        Assert.True(Of(new() { Reasoning = "mask" }, Apart("because")).Admitted[0].MaskTrace);
        Assert.Equal("<think>a</think>yes", Of(new(), Apart("because", "<think>a</think>yes")).Admitted[0].Text);
        Assert.Equal("yes", Of(new(), Apart(" ")).Admitted[0].Text);
        Assert.Equal([Exclusion.Empty], Of(new(), Apart("because", "")).Excluded.Select(e => e.Why));
    }

    [Theory]
    [InlineData("yes", "", "yes")]
    [InlineData("<think>a</think>b", "<think>a</think>", "b")]
    [InlineData(" \n<think>a</think>\n\n b", " \n<think>a</think>\n\n ", "b")]
    [InlineData("<think></think>\n<reasoning>x</reasoning> b", "<think></think>\n<reasoning>x</reasoning> ", "b")]
    [InlineData("a\n</think>\nb", "a\n</think>\n", "b")]
    [InlineData("Write <think>a</think> so.", "", "Write <think>a</think> so.")]
    [InlineData("<thinker>a</thinker>", "", "<thinker>a</thinker>")]
    [InlineData("<think>a", null, null)]
    [InlineData("<think>a</think><think>b", null, null)]
    [InlineData("", "", "")]
    public void TracesArePartedFromReplies(string answer, string? trace, string? reply) => Assert.Equal(trace is null ? null : (trace, reply!), ReasoningTrace.Split(answer));

    [Fact]
    public void GoldRejectsWhatIsWrongAndWhatCannotBeChecked()
    {
        AdmissionRules Rules(string keep) => AdmissionRules.Of(new() { NearDuplicate = null, Gold = new("number", null, null, keep, null) });
        StoredAnswer[] answers = [Answer(1, 0, "It is 41.", asked: 4), Answer(1, 1, "It is 42.", asked: 4), Answer(1, 2, "So: 42", asked: 4), Answer(1, 3, "many", asked: 4), Answer(2, text: "7")];
        AdmissionEvidence gold = AdmissionEvidence.None with { Gold = new Dictionary<string, string> { [answers[0].QuestionId] = "#### 42" } };
        Admission all = Admission.Of(answers, Rules("all"), gold), first = Admission.Of(answers, Rules("first"), gold);
        Assert.Equal([1, 2], all.Admitted.Select(a => a.Answer.Place));
        Assert.Equal([(Exclusion.Wrong, "it gives 41, right is 42"), (Exclusion.Wrong, "it holds no number"), (Exclusion.NoGold, null)], all.Excluded.Select(e => (e.Why, e.Detail)));
        Assert.Equal([1], first.Admitted.Select(a => a.Answer.Place));
        Assert.Equal(answers[1].Id, first.Excluded.Single(e => e.Why == Exclusion.NotFirst).Detail);
    }

    [Fact]
    public void TheJudgesThresholdHoldsTheBestStaysAndWithoutAVerdictNonePasses()
    {
        JudgeRecipe judge = new(new("https://j/v1", "judge"), "Be right.", 7, 10, true, null, 100, 1, 1, 0, null, null);
        StoredAnswer[] answers = [.. Enumerable.Range(0, 5).Select(i => Answer(1, i, $"answer {i}", asked: 5)), Answer(2, text: "alone", question: "b")];
        double?[] scores = [7, 9, 6.9, null, 9, 7];
        AdmissionEvidence evidence = AdmissionEvidence.None with { Judged = answers.Zip(scores).ToDictionary(p => p.First.Id, p => new JudgeVerdict(p.Second, p.Second is null ? "unread" : "")) };
        Admission admission = Admission.Of(answers, AdmissionRules.Of(new() { Judge = judge }), evidence);
        Assert.Equal([(answers[1].Id, 9.0), (answers[5].Id, 7.0)], admission.Admitted.Select(a => (a.Answer.Id, a.Score!.Value)));
        Assert.Equal([Exclusion.NotBest, Exclusion.BelowThreshold, Exclusion.Unjudged, Exclusion.NotBest], admission.Excluded.Select(e => e.Why));
        Assert.Equal(4, Admission.Of(answers, AdmissionRules.Of(new() { Judge = judge with { BestOf = false } }), evidence).Admitted.Count);
        Assert.All(Of(new() { Judge = judge }, answers).Excluded, e => Assert.Equal(Exclusion.Unjudged, e.Why));
        Assert.Equal(6, Admission.Of(answers, AdmissionRules.Of(new() { Judge = judge }), AdmissionEvidence.None, Exclusion.Unjudged).Admitted.Count);
    }

    /// <summary>Of several teachers' answers to a question the first right one stays, and the best one, whoever gave it.</summary>
    [Fact]
    public void TeachersAreChosenAmong()
    {
        StoredAnswer Other(StoredAnswer a) => a with { Asked = new("https://b/v1", "org/small") };
        StoredAnswer[] answers = [Answer(1, text: "41", question: "x"), Other(Answer(2, text: "42", question: "x")), Answer(3, text: "7", question: "y"), Other(Answer(4, text: "7.0", question: "y"))];
        AdmissionEvidence gold = AdmissionEvidence.None with { Gold = answers.ToDictionary(a => a.QuestionId, a => a.Request < 3 ? "42" : "7") };
        Admission first = Admission.Of(answers, AdmissionRules.Of(new() { NearDuplicate = null, Gold = new("number", null, null, "first", null) }), gold);
        Assert.Equal([2L, 3L], first.Admitted.Select(a => a.Answer.Request));
        Assert.Equal([(1L, Exclusion.Wrong, "it gives 41, right is 42"), (4L, Exclusion.NotFirst, answers[2].Id)], first.Excluded.Select(e => (e.Answer.Request, e.Why, e.Detail!)));
        AdmissionRules judged = AdmissionRules.Of(new() { NearDuplicate = null, Judge = new(new("https://j/v1", "judge"), "Be right.", 7, 10, true, null, 100, 1, 1, 0, null, null) });
        double[] scores = [8, 9, 9, 8];
        Admission best = Admission.Of(answers, judged, AdmissionEvidence.None with { Judged = answers.Zip(scores).ToDictionary(p => p.First.Id, p => new JudgeVerdict(p.Second, "")) });
        Assert.Equal([2L, 3L], best.Admitted.Select(a => a.Answer.Request));
        Assert.Equal(new Dictionary<string, int> { ["https://b/v1#org/small"] = 1, ["https://a/v1#org/small"] = 1 }, AdmissionFacts.Of(best, judged).ByTeacher);
    }

    [Fact]
    public void EveryAnswerIsInOneListEveryTimeAndTheirOrderMattersOnlyToRepetitions()
    {
        Random random = new(3);
        string[] texts = ["yes", "no", "", "I cannot help with that", "{\"a\": 1}", "42", "<think>a</think>42", "<think>a", "It is 42.", "forty two is the answer to all of it", "Forty-two is the answer, to all of it"];
        for (int round = 0; round < 200; round++)
        {
            StoredAnswer[] answers = [.. Enumerable.Range(0, 30).Select(i => Answer(i / 3, i % 3, texts[random.Next(texts.Length)], random.Next(5) == 0 ? "length" : "stop", random.Next(9) == 0 ? "no" : null, random.Next(9) == 0 ? "big" : "small", random.Next(9) == 0 ? "same" : null, random.Next(2, 4), $"question {i / 3}"))];
            AdmitRecipe recipe = new() { RefusalPhrases = random.Next(2) == 0, MinCharacters = random.Next(3), MustNot = random.Next(2) == 0 ? ["no"] : [], NearDuplicate = random.Next(2) == 0 ? 0.8 : null, Gold = random.Next(3) == 0 ? new("number", null, null, "all", null) : null };
            AdmissionEvidence evidence = AdmissionEvidence.None with { Gold = answers.DistinctBy(a => a.QuestionId).Where(_ => random.Next(4) > 0).ToDictionary(a => a.QuestionId, _ => "42") };
            AdmissionRules rules = AdmissionRules.Of(recipe);
            Admission once = Admission.Of(answers, rules, evidence), again = Admission.Of(answers, rules, evidence);
            Assert.Equal(answers.Select(a => a.Id).Order(StringComparer.Ordinal), once.Admitted.Select(a => a.Answer.Id).Concat(once.Excluded.Select(e => e.Answer.Id)).Order(StringComparer.Ordinal));
            Assert.Equal(once.Excluded, again.Excluded);
            Assert.Equal(once.Admitted.Select(a => a.Answer.Id), again.Admitted.Select(a => a.Answer.Id));
            if (recipe.NearDuplicate is null)
            {
                StoredAnswer[] shuffled = [.. answers];
                random.Shuffle(shuffled);
                Assert.Equal(once.Excluded.OrderBy(e => e.Answer.Id, StringComparer.Ordinal), Admission.Of(shuffled, rules, evidence).Excluded.OrderBy(e => e.Answer.Id, StringComparer.Ordinal));
            }
        }
    }
}
