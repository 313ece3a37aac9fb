using System.Text;
using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>How a model does on documents one by one, in nats per byte: models of different tokenizers can be compared on it.</summary>
static class DocumentScores
{
    /// <summary>Whether a row holds the whole of a document and counts something of it.</summary>
    /// <param name="length">Tokens a row.</param>
    public static bool Fits(Document document, Tokenizer tokenizer, int length)
    {
        (int all, int answer) = Tokens(document, tokenizer);
        return all <= length && all > 1 && answer > 0 && Bytes(document, maskPrompts: true) > 0;
    }

    /// <summary>Cross entropy of each document's answer, nats per byte; of its prompt too where that is not masked.</summary>
    /// <param name="documents">Which fit rows of <paramref name="length"/>.</param>
    public static double[] PerByte(LlamaWeights model, Tokenizer tokenizer, IReadOnlyList<Document> documents, int length, bool maskPrompts, Workers workers, CancellationToken stop)
    {
        // A row each, no longer than the longest needs.
        int longest = documents.Max(d => Tokens(d, tokenizer).All), row = Math.Min(length, (longest + MatMul.L - 1) / MatMul.L * MatMul.L);
        Dataset[] rows = [.. documents.Select(d => Dataset.Pack([d], tokenizer, row, maskPrompts, "data.held_out"))];
        Dataset all = new([.. rows.SelectMany(r => r.Tokens)], [.. rows.SelectMany(r => r.Targets)], [.. rows.SelectMany(r => r.Mask)], [.. rows.SelectMany(r => r.Starts)], rows.Length, row, rows.Length, 0);
        RowScores scores = Evaluation.Score([model], null, all, workers, stop)[0];
        return [.. documents.Select((d, i) => scores.CrossEntropy[i] * scores.Tokens[i] / Bytes(d, maskPrompts))];
    }

    /// <summary>Bytes that are scored, UTF-8; the mark at the end is none.</summary>
    public static int Bytes(Document document, bool maskPrompts)
    {
        string answer = document.Said;
        return Encoding.UTF8.GetByteCount(answer) + (maskPrompts ? 0 : Encoding.UTF8.GetByteCount(document.Prompt));
    }

    static (int All, int Answer) Tokens(Document document, Tokenizer tokenizer)
    {
        int answer = Dataset.Answer(document, tokenizer).Length;
        return (Dataset.Prompt(document, tokenizer).Length + answer + (document.Trace.Length == 0 ? 0 : tokenizer.Encode(document.Trace, addSpecial: false).Length), answer);
    }
}
