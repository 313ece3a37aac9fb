using System.Text;
using Retort.Asking;
using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Distill;

/// <summary>What a run without some of its teachers has in common with the one that had them.</summary>
public sealed class OriginalRunTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    static Document Said(int prompt, string teacher) => new($"p{prompt}", $"{teacher} says {prompt}{Corpus.End}", "prompt") { Teacher = teacher };

    [Fact]
    public void PromptsStayInTheirPartWhateverIsGone()
    {
        DataRecipe data = new(null, null, ["p"], null, 1, 100, 5, 3, 7, true);
        Document[] both = [.. Enumerable.Range(0, 30).SelectMany(i => (Document[])[Said(i, "a"), Said(i, "b")])];
        Corpus before = Corpus.SplitByPrompt(both, data, "both");

        // Of a third of the prompts only the other teacher has an answer, and two prompts are new.
        Document[] left = [.. Enumerable.Range(0, 32).Where(i => i % 3 > 0).Select(i => Said(i, "a"))];
        Corpus after = Corpus.SplitLike(before, left, data, "left");
        string[] Prompts(IEnumerable<Document> documents) => [.. documents.Select(d => d.Prompt).Distinct()];
        HashSet<string> there = [.. Prompts(left)];
        Assert.Equal(Prompts(before.HeldOut).Where(there.Contains), Prompts(after.HeldOut));
        Assert.Equal(Prompts(before.Validation).Where(there.Contains), Prompts(after.Validation));
        Assert.Equal(Prompts(before.Train).Where(there.Contains), Prompts(after.Train).Except(["p31"]));
        Assert.Equal("p31", after.Train[^1].Prompt);
        Assert.Equal(left.Length, after.Train.Count + after.Validation.Count + after.HeldOut.Count);

        // A split made anew of what is left would test on what the student before was trained on.
        Assert.NotEmpty(Prompts(Corpus.SplitByPrompt(left, data, "left").HeldOut).Intersect(Prompts(before.Train)));
        Assert.Equal(4, Corpus.SplitLike(before, left, data with { Documents = 4 }, "left").Train.Count);
        Assert.Throws<UserError>(() => Corpus.SplitLike(before, [.. left.Where(d => before.HeldOut.All(h => h.Prompt != d.Prompt))], data, "left"));
    }

    /// <summary>Nats by document sum up to those of the packed rows, for any tokenizer.</summary>
    [Theory]
    [InlineData(270)]
    [InlineData(320)]
    public void NatsPerByteAreThoseOfTheRows(int vocabulary)
    {
        Document[] documents = [.. Enumerable.Range(0, 9).Select(i => new Document($"Who has kite {i}? ", $"Ann has kite number {i * 77}, é.{Corpus.End}"))];
        Tokenizer tokenizer = BytePairTrainer.Train(documents.Select(d => d.Prompt + d.Answer), vocabulary, [Corpus.End]);
        LlamaWeights model = new(new LlamaConfig { Hidden = 16, Layers = 1, Heads = 2, KeyValueHeads = 2, HeadSize = 8, FeedForward = 24, Vocabulary = tokenizer.VocabularySize, Context = 128 });
        model.Initialize(5);
        using Workers workers = new(1);
        foreach (bool mask in (bool[])[true, false])
        {
            double[] each = DocumentScores.PerByte(model, tokenizer, documents, 128, mask, workers, default);
            RowScores rows = Evaluation.Score([model], null, Dataset.Pack(documents, tokenizer, 128, mask, "test"), workers, default)[0];
            double nats = documents.Select((d, i) => each[i] * DocumentScores.Bytes(d, mask)).Sum();
            Assert.Equal(rows.CrossEntropy.Zip(rows.Tokens, (x, n) => x * n).Sum(), nats, 1e-3 * nats);
        }

        Assert.Equal(Encoding.UTF8.GetByteCount("Ann has kite number 77, é."), DocumentScores.Bytes(documents[1], maskPrompts: true));
        Assert.True(DocumentScores.Fits(documents[0], tokenizer, 128));
        Assert.False(DocumentScores.Fits(documents[0], tokenizer, 8));
        Assert.False(DocumentScores.Fits(new("a b", Corpus.End), tokenizer, 128));
    }

    [Fact]
    public void TheWeightsOfACheckpointAreReadForThemselves()
    {
        LlamaConfig config = new() { Hidden = 8, Layers = 1, Heads = 2, KeyValueHeads = 1, HeadSize = 4, FeedForward = 8, Vocabulary = 40, Context = 64 };
        (LlamaWeights trained, LlamaWeights read) = (new(config), new(config));
        trained.Initialize(1);
        string path = _scratch["c.state"];
        new Checkpoint(path, "its key").Save(new(trained, new OptimizerOptions()) { Steps = 3 }, []);
        new Checkpoint(path, "").LoadWeights(new StudentWeights.Full(read).Arenas);
        Assert.Equal(trained.Embedding.Span.ToArray(), read.Embedding.Span.ToArray());
        Assert.Throws<UserError>(() => new Checkpoint(path, "").LoadWeights(new StudentWeights.Full(new(config with { Layers = 2 })).Arenas));
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^100] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Throws<UserError>(() => new Checkpoint(path, "").LoadWeights(new StudentWeights.Full(read).Arenas));
    }

    /// <summary>A judge's question quotes the answer: those on answers left out are left out too.</summary>
    [Fact]
    public void VerdictsGoWithTheAnswersTheyAreOn()
    {
        JudgeRecipe judge = new(new("https://judge.example/v1", "large"), "Be short.", 7, 10, true, null, 50, 4, 1, 0, null, null);
        AdmitRecipe admit = new() { Judge = judge };
        StoredQuestion Asked(string prompt, string answer)
        {
            Question question = new(new("https://a/v1", "small"), [new("user", prompt)], new());
            return new(question.Endpoint, question.Key(), question.Body(), [new(answer, "stop", null, null)]);
        }

        StoredQuestion Verdict(string prompt, string answer)
        {
            Question question = new(judge.Model, JudgePrompt.Of(judge.Rubric, judge.Scale, [new("user", prompt)], answer), new(judge.MaxTokens, judge.Temperature, Count: judge.Samples));
            return new(question.Endpoint, question.Key(), question.Body(), [new("{\"score\": 8}", "stop", null, null)]);
        }

        ReusedQuestions reused = new(admit);
        Assert.True(reused.Keep(Asked("Who?", "<think>so</think>Ann.")));
        Assert.True(reused.Keep(Verdict("Who?", "Ann.")));
        Assert.False(reused.Keep(Verdict("Who?", "Bo.")));
        Assert.False(reused.Keep(Verdict("Where?", "Ann.")));
        ReusedQuestions without = new(new());
        Assert.True(without.Keep(Asked("Who?", "Ann.")));
        Assert.False(without.Keep(Verdict("Who?", "Ann.")));
    }
}
