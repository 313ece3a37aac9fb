using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking.Growing;

/// <summary>Prompts grown by a teacher that repeats itself, breaks off, and runs dry.</summary>
public sealed class PromptGrowerTests : IDisposable
{
    static readonly Endpoint s_teacher = new("https://api.example.com/v1", "small");

    static readonly string[] s_subjects = ["rivers", "bread", "clocks", "violins", "glaciers", "taxes", "moths", "bridges", "opera", "volcanoes", "knots", "comets", "cheese", "maps", "wolves", "salt", "ladders", "coral", "chess", "wind"];
    static readonly string[] s_asks = ["Explain to a child how {0} came to be important", "Write a limerick that mentions {0} twice", "List five common mistakes people make about {0}", "Compare {0} with something from your kitchen", "Draft a polite letter of complaint about {0}", "Summarise the history of {0} in forty words"];

    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    static Prompt Of(string text) => new([new("system", "s"), new("user", text)], null, "p");

    static IReadOnlyList<Prompt> Seeds => [Of("Translate the word apple into French."), Of("What is 17 times 23, step by step?"), Of("Name a good book about sailing."), Of("Why is the sky blue in the day?")];

    /// <summary>Lists eight prompts of its own, by the number of the set; every third is one it wrote before.</summary>
    static Reply Writes(string asked)
    {
        int set = int.Parse(asked.Split("(Set ")[1].Split('.')[0], CultureInfo.InvariantCulture);
        string One(int i) => string.Format(CultureInfo.InvariantCulture, s_asks[i % s_asks.Length], s_subjects[i * 7 / s_asks.Length % s_subjects.Length]);
        return ScriptedModel.Reply($"Here you are:\n```json\n{JsonSerializer.Serialize(Enumerable.Range(0, 8).Select(i => One(i % 3 == 2 ? i : (set * 8) + i)))}\n```", completion: 1000);
    }

    async Task<Growth> Grow(GrowOptions options, IChatClient model, Func<string, bool>? mayBeSent = null, IReadOnlyList<Prompt>? seeds = null, Usd? ceiling = null)
    {
        using Transcripts store = Transcripts.Open(_scratch["t.db"], TimeProvider.System);
        return await PromptGrower.Grow(options, seeds ?? Seeds, Seeds, mayBeSent ?? (_ => true), s_teacher, model, store, new Price(1, 1, DateOnly.MinValue, null), new(Attempts: 1, Ceiling: ceiling), TimeProvider.System, null, Stop);
    }

    [Fact]
    public async Task NewPromptsAreLikeNothingKnownAndNameWhatTheyGrewFrom()
    {
        using ScriptedModel model = new((p, _) => Task.FromResult(Writes(p)));
        Growth growth = await Grow(new(40), model);
        Assert.Equal((40, "enough"), (growth.Prompts.Count, growth.Facts.Ended));
        Assert.Equal(growth.Facts.Offered, growth.Facts.Kept + growth.Facts.Repeats);
        Assert.InRange(growth.Facts.Removed, 0.1, 0.6);
        string[] ids = [.. Seeds.Select(s => PromptGrower.Id(s.Turns[^1].Text)), .. growth.Prompts.Select(p => p.Id)];
        Assert.All(growth.Prompts, p => Assert.Subset(ids.ToHashSet(StringComparer.Ordinal), p.From.ToHashSet(StringComparer.Ordinal)));
        Assert.Contains(growth.Prompts, p => p.From.Count == 5);
        Assert.All(model.Asked, a => Assert.Contains("Write 8 new ones", a, StringComparison.Ordinal));

        // What was written reads as prompts again.
        Assert.Equal(growth.Prompts.Select(p => p.Prompt), PromptFile.Read(_scratch.Write("grown.jsonl", PromptGrower.Lines(growth.Prompts)), new()).Prompts.Select(p => p.Turns.Single().Text));
    }

    /// <summary>A second run makes the same of what is stored, and asks nothing; one that was cut short goes on to the same.</summary>
    [Fact]
    public async Task AResumeGrowsTheSameWithoutAsking()
    {
        using ScriptedModel model = new((p, _) => Task.FromResult(Writes(p)));
        Growth cut = await Grow(new(60), model, ceiling: Usd.Of(0.009m));
        Assert.Equal((AskEnd.Ceiling, "the end of asking"), (cut.Asked.End, cut.Facts.Ended));
        Growth resumed = await Grow(new(60), model);
        int asked = model.Asked.Count;
        Growth again = await Grow(new(60), model);
        Assert.Equal(asked, model.Asked.Count);
        Assert.Equal(asked, model.Asked.Distinct().Count());
        Assert.Equal(PromptGrower.Lines(resumed.Prompts), PromptGrower.Lines(again.Prompts));
        File.Delete(_scratch["t.db"]);
        Assert.Equal(PromptGrower.Lines(resumed.Prompts), PromptGrower.Lines((await Grow(new(60), model)).Prompts));
        Assert.NotEqual(PromptGrower.Lines(resumed.Prompts), PromptGrower.Lines((await Grow(new(60, Seed: 1), model)).Prompts));
    }

    [Fact]
    public async Task ATeacherThatRunsDryOrSaysNothingEndsIt()
    {
        using ScriptedModel dry = new((_, _) => Task.FromResult(ScriptedModel.Reply("""["Tell me about the moon and its tides.", "Tell me about the moon and its tides!", "No", "Why is the sky blue in the day?"]""")));
        Growth growth = await Grow(new(40), dry);
        Assert.Equal((1, "too little new", 4, 16, 11, 4), (growth.Facts.Kept, growth.Facts.Ended, growth.Facts.Requests, growth.Facts.Offered, growth.Facts.Repeats, growth.Facts.Unfit));
        File.Delete(_scratch["t.db"]);
        using ScriptedModel silent = new((_, _) => throw new RemoteFault(FaultKind.Unavailable, 503, "503", LimitFacts.None));
        Assert.Equal((0, "too little new"), (await Grow(new(40), silent)).Facts is var f ? (f.Kept, f.Ended) : default);
    }

    [Fact]
    public async Task WhatMustNotBeSentIsNotKeptAndSeedsAreOfOneQuestion()
    {
        using ScriptedModel model = new((_, _) => Task.FromResult(ScriptedModel.Reply("""["Write to ann@example.com about the meeting.", "Write to a friend about the meeting."]""")));
        Growth growth = await Grow(new(1), model, text => SensitiveText.In(text).Count == 0);
        Assert.Equal((1, 1), (growth.Facts.Kept, growth.Facts.LeftOut));
        UserError none = await Assert.ThrowsAsync<UserError>(() => Grow(new(1), model, seeds: [Of("a") with { Later = ["b"] }, new([new("user", "a"), new("assistant", "b"), new("user", "c")], null, "p")]));
        Assert.Contains("no seed to grow from", none.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""["a", "b"]""", "a|b")]
    [InlineData("Sure!\n```json\n[\"a\\n1\", \" b \", \"\"]\n``` [\"c\"]", "a\n1|b")]
    [InlineData("""["a", "b", "cut o""", "a|b")]
    [InlineData("""[{"prompt": "a", "kind": "x"}, {"instruction": "b", "input": ["c"]}, 5, ["d"]]""", "a|b")]
    [InlineData("1. a one\n2) b two\n   3. c three\nend", "a one|b two|c three")]
    [InlineData("[see below]\n1. a\n2. b", "a|b")]
    [InlineData("""["a", "\ud800", "b"]""", "a")]
    [InlineData("I cannot do that.", "")]
    public void ListsAreFoundInAnswers(string answer, string found) => Assert.Equal(found, string.Join('|', PromptList.Read(answer)));

    [Fact]
    public void AnyAnswerIsRead()
    {
        const string Good = """Here: [{"prompt": "a", "x": {"task": ["b"]}}, "c", "d\"e", ["f"]] and 1. g""";
        Random random = new(11);
        int found = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(Good);
            for (int change = random.Next(4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            string text = Encoding.UTF8.GetString(bytes);
            text = random.Next(3) == 0 ? text[..random.Next(Good.Length / 2)] : text;
            found += PromptList.Read(random.Next(20) == 0 ? new string('[', random.Next(5000)) + text : text).Count > 0 ? 1 : 0;
        }

        Assert.InRange(found, 3_000, 10_000);
    }

    /// <summary>By hand: 6 words of which 4 differ, 4 pairs of which 3 differ, 2 threes, and one shared shingle in none.</summary>
    [Fact]
    public void DiversityByHand()
    {
        Diversity d = Diversity.Of(["the cat sat", "The cat, ran"]);
        Assert.Equal((4.0 / 6, 3.0 / 4, 1.0, 0.0), (d.Distinct1, d.Distinct2, d.Distinct3, d.Nearest));
        Assert.Equal(1, Diversity.Of(["the cat sat", "The cat sat!", "The cat sat"]).Nearest);
        Assert.Equal(new(0, 0, 0, 0), Diversity.Of([]));
    }
}
