using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Distill;

/// <summary>Documents that share a row score as they do each in a row of its own.</summary>
public sealed class PackedDocumentsTests
{
    [Fact]
    public void ARowOfSeveralScoresAsTheirOwnRows()
    {
        Document[] documents = [.. Enumerable.Range(0, 9).Select(i => new Document(i % 2 == 0 ? $"say {i}: " : "", string.Concat(Enumerable.Repeat($"it is {i * 7} ", 1 + (i % 4))) + "<|end|>"))];
        Tokenizer tokenizer = BytePairTrainer.Train(documents.Select(d => d.Prompt + d.Answer), 280, ["<|end|>"]);
        LlamaWeights model = new(new LlamaConfig { Hidden = 24, Layers = 2, Heads = 2, KeyValueHeads = 1, HeadSize = 12, FeedForward = 32, Vocabulary = tokenizer.VocabularySize, Context = 96 });
        model.Initialize(3);
        foreach (WeightSlice slice in model.Slices().Where(s => s.Shape.Count == 2))
        {
            foreach (ref float x in slice.Span)
            {
                x *= 8;
            }
        }

        using Workers workers = new(2);
        (double Sum, double Tokens) Loss(IEnumerable<Document> some)
        {
            Dataset data = Dataset.Pack(some, tokenizer, 96, maskPrompts: false, "test");
            RowScores scores = Evaluation.Score([model], null, data, workers, default)[0];
            return (scores.Mean(scores.CrossEntropy) * scores.Tokens.Sum(), scores.Tokens.Sum());
        }

        (double packed, double tokens) = Loss(documents);
        (double Sum, double Tokens)[] alone = [.. documents.Select(d => Loss([d]))];
        Assert.True(Dataset.Pack(documents, tokenizer, 96, false, "test").Rows < documents.Length);
        Assert.Equal(alone.Sum(a => a.Tokens), tokens);
        Assert.Equal(alone.Sum(a => a.Sum), packed, 1e-4 * packed);
    }
}
