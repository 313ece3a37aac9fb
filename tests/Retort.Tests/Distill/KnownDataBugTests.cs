using Retort.Cli;
using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using Retort.Tests.Cli;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Distill;

/// <summary>Faults of masks, truncation and vocabularies that TRL, the most used trainer, had and mended; none may happen here.</summary>
public sealed class KnownDataBugTests : IDisposable
{
    /// <summary>One token a byte, and the end mark, whose id is that of the padding: 0.</summary>
    static readonly Tokenizer s_bytes = Bytes(Corpus.End);

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>TRL #6357: where padding and end are one token, the mask of the one hid the other and the student never learned to end. Here masks go
    /// by position: the end of every document is trained, padding is not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheEndIsTrainedWherePaddingIsTheSameToken(bool maskPrompts)
    {
        Document[] documents = [.. Enumerable.Range(1, 9).Select(i => new Document("ask: ", new string('a', i * 3) + Corpus.End))];
        Dataset data = Dataset.Pack(documents, s_bytes, 64, maskPrompts, "data");
        int end = s_bytes.FindToken(Corpus.End)!.Value;
        int[] ends = [.. Enumerable.Range(0, data.Targets.Length).Where(i => data.Mask[i] != 0 && data.Targets[i] == end)];
        Assert.Equal(0, end);
        Assert.Equal(documents.Length, ends.Length);
        Assert.All(ends, i => Assert.Equal("a", s_bytes.Decode([data.Tokens[i]])));
        Assert.Equal(documents.Sum(d => s_bytes.Encode(d.Answer).Length + (maskPrompts ? 0 : d.Prompt.Length - 1)), data.Counted);
        Assert.True(data.Counted < data.Targets.Length, "there is no padding");
    }

    /// <summary>The same fault by another way: a teacher whose tokenizer does not know the mark of a document's end would have it spelled out. Its own
    /// end token is trained instead.</summary>
    [Fact]
    public void TheEndIsTheTokenizersOwn()
    {
        Tokenizer other = Bytes("</s>");
        Dataset data = Dataset.Pack([new("ask: ", "b" + Corpus.End)], other, 32, maskPrompts: true, "data");
        Assert.Equal([.. other.Encode("b"), other.EndToken!.Value], data.Targets.Where((_, i) => data.Mask[i] != 0));
    }

    /// <summary>TRL #6359: prompts were cut at their end, where the question stands. Here an answer that is too long loses its end, for what is left
    /// of it still follows from what stands before; a prompt gives way only where it would leave no room for an answer, and loses its beginning.</summary>
    [Theory]
    [InlineData(10, 40)]
    [InlineData(31, 40)]
    [InlineData(32, 40)]
    [InlineData(33, 40)]
    [InlineData(33, 2)]
    [InlineData(500, 40)]
    [InlineData(500, 2)]
    public void WhatIsCutStandsFarthestFromTheQuestion(int promptLength, int answerLength)
    {
        const int Length = 32;
        string prompt = Letters(promptLength, 'A'), answer = Letters(answerLength, 'a');
        Dataset data = Dataset.Pack([new(prompt, answer)], s_bytes, Length, maskPrompts: true, "data");
        int counted = (int)data.Counted, used = counted + data.Mask.AsSpan().IndexOf(1f);
        string inputs = s_bytes.Decode(data.Tokens.AsSpan(0, used)), trained = s_bytes.Decode(data.Targets.AsSpan(used - counted, counted));
        Assert.Equal(promptLength + answerLength > Length + 1 ? 1 : 0, data.Cut);
        Assert.StartsWith(trained, answer, StringComparison.Ordinal);
        Assert.Equal(Math.Min(answerLength, promptLength <= Length ? Length + 1 - promptLength : Length / 2), trained.Length);
        Assert.EndsWith(inputs[..(used - counted + 1)], prompt, StringComparison.Ordinal);
        Assert.Equal(Math.Min(promptLength, Length + 1 - trained.Length), used - counted + 1);
    }

    /// <summary>The same when a question is answered: of a prompt longer than the context the end is read, and there is room for an answer.</summary>
    [Theory]
    [InlineData(64, 20, 44)]
    [InlineData(65, 20, 44)]
    [InlineData(300, 20, 44)]
    [InlineData(300, 500, 32)]
    [InlineData(63, 20, 63)]
    public void TheEndOfALongQuestionIsAnswered(int promptLength, int maxTokens, int kept)
    {
        LlamaWeights model = MicroBatchTests.Loud(TrainerTests.Student with { Vocabulary = s_bytes.VocabularySize }, 3);
        using Workers workers = new(1);
        string prompt = Letters(promptLength, 'A');
        string Answer(string asked) => Assert.Single(GoldTasks.Answer(model, s_bytes, [new(asked, "", Score: _ => 1)], maxTokens, workers, default).Answers);
        string expected = new Generator(model, s_bytes, workers).GenerateMany([prompt[^kept..]], new SamplingOptions { Temperature = 0, MaxTokens = maxTokens, Stop = [Corpus.End] })[0].Text;
        Assert.Equal(expected, Answer(prompt));
        Assert.NotEmpty(expected);
    }

    /// <summary>TRL #6252, #6340, #5592: sizes of vocabularies were not compared, or only under another condition. Here a student is refused that knows
    /// one token more or less, spells one differently, or has a head of other rows, before anything is computed.</summary>
    [Theory]
    [InlineData("<|end|> <|more|>", 258, "token 1 is '!' for the teacher and '<|more|>' for the student")]
    [InlineData("", 256, "token 0 is '<|end|>' for the teacher and '!' for the student")]
    [InlineData("<|end.|>", 257, "token 0 is '<|end|>' for the teacher and '<|end.|>' for the student")]
    [InlineData("<|end|>", 264, "the student's head has 264 rows, the teacher's 257")]
    [InlineData("<|end|>", 256, "the student's head has 256 rows, the teacher's 257")]
    public void AStudentOfAnotherVocabularyIsRefused(string special, int rows, string what)
    {
        Write("teacher", s_bytes, 257);
        Write("student", Bytes(special.Split(' ', StringSplitOptions.RemoveEmptyEntries)), rows);
        Distill("teacher", "student").Refused(_scratch["student"], what);
    }

    /// <summary>A tokenizer that knows more tokens than its model has rows is refused on both sides; rows without a token are padding, and allowed.</summary>
    [Fact]
    public void ATokenWithoutARowIsRefusedAndARowWithoutATokenIsNot()
    {
        Write("teacher", s_bytes, 256);
        Distill("teacher", null).Refused(_scratch["teacher"], "the tokenizer knows 257 tokens and the teacher 256");
        Distill("teacher", "teacher").Refused(_scratch["teacher"], "the tokenizer knows 257 tokens and the teacher 256");
        Distill(null, "teacher").Refused(_scratch["teacher"], "the tokenizer knows 257 tokens and the student 256");
        Write("padded", s_bytes, 264);
        Assert.Equal(ExitCode.Done, Distill("padded", null).Code);
        Assert.Equal(ExitCode.Done, Distill("padded", "padded").Code);
    }

    /// <summary>Nor does a trainer take a signal of more or fewer tokens than its student has: the first rows of a larger teacher are no distribution.</summary>
    [Theory]
    [InlineData(39)]
    [InlineData(41)]
    public void ASignalOfAnotherVocabularyIsRefused(int vocabulary)
    {
        Dataset data = TrainerTests.Data(2, 1);
        LlamaWeights teacher = TrainerTests.Model(TrainerTests.Teacher with { Vocabulary = Math.Max(vocabulary, 40) }, 1), other = TrainerTests.Model(TrainerTests.Teacher with { Vocabulary = vocabulary }, 1);
        using Workers workers = new(1);
        SignalHeader header = SignalFile.Describe("t", "k", data, vocabulary, 4, 1, TailHandling.Bucket);
        SignalFile file = SignalFile.Compute(teacher, header, data, TailHandling.Bucket, 1, workers, _ => { }, default);
        Assert.Throws<ArgumentException>(() => new Trainer(TrainerTests.Student, data, new TeacherSignal.Dense(other), 2, workers));
        Assert.Throws<ArgumentException>(() => new Trainer(TrainerTests.Student, data, new TeacherSignal.Sparse(file), 2, workers));
        Assert.Throws<ArgumentException>(() => Evaluation.Score([TrainerTests.Model(TrainerTests.Student, 1)], other, data, workers, default));
    }

    static Tokenizer Bytes(params string[] special) => BytePairTrainer.Train([], 256 + special.Length, special);

    static string Letters(int count, char first) => string.Concat(Enumerable.Range(0, count).Select(i => (char)(first + (i % 26))));

    void Write(string name, Tokenizer tokenizer, int rows)
    {
        ModelFolder.Write(_scratch[name], TrainerTests.Model(TrainerTests.Student with { Vocabulary = rows }, 1), NumberType.F32);
        tokenizer.Save(_scratch[name]);
    }

    /// <summary>A short run of the two, or of a student from nothing.</summary>
    DoorRun Distill(string? teacher, string? student)
    {
        _scratch.Write("text.txt", string.Join("\n\n", Enumerable.Range(0, 20).Select(i => $"{i}" + new string('t', 1500))));
        _scratch.Write("r.yaml", $$"""
            {{(teacher is null ? "" : $"teacher: {teacher}")}}
            terms: {teacher: own-model, student: own-model}
            student: {{(student is null ? "{shape: {hidden: 8, layers: 1, heads: 2}}" : $"{{from: {student}}}")}}
            data: {text: [text.txt], held_out: 4, validation: 2}
            train: {tokens: 100, rows: 1, context: 64, seeds: [1], threads: 1}
            evaluate: {gold_items: 0, samples: 0}
            """);
        return DoorRun.Of("distill", _scratch["r.yaml"], "--out", _scratch[$"run-{teacher}-{student}"]);
    }
}
