using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Retort.Kernels;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Where in the rows a document stands, as far as a row had room for it.</summary>
/// <param name="Document">Its place in the list that was packed.</param>
/// <param name="Start">Position of its first token in [rows, length].</param>
/// <param name="Prompt">Tokens of its prompt.</param>
/// <param name="Answer">Tokens of its answer.</param>
public readonly record struct DocumentPlace(int Document, int Start, int Prompt, int Answer)
{
    /// <summary>The position that predicts one of the answer's tokens; -1 where none does: the first token of a text without a prompt.</summary>
    public int Predicting(int answerToken) => Prompt + answerToken == 0 ? -1 : Start + Prompt + answerToken - 1;
}

/// <summary>Rows of tokens of one length, the next token of each, and which of those count.</summary>
/// <param name="Tokens">[rows, length].</param>
/// <param name="Targets">[rows, length]: the token to the right.</param>
/// <param name="Mask">[rows, length]: 1 where the loss counts, 0 on padding, across documents' edges and on masked prompts.</param>
/// <param name="Starts">[rows, length]: where in its row the document of each token begins; documents do not see each other.</param>
/// <param name="Documents">Documents packed.</param>
/// <param name="Cut">Documents that were longer than a row and were cut.</param>
public sealed record Dataset(int[] Tokens, int[] Targets, float[] Mask, int[] Starts, int Rows, int Length, int Documents, int Cut)
{
    /// <summary>Where each document stands; documents of fewer than two tokens stand nowhere.</summary>
    public IReadOnlyList<DocumentPlace> Places { get; init; } = [];

    /// <summary>Tokens whose loss counts.</summary>
    public long Counted { get; } = Mask.Count(m => m != 0);

    /// <summary>Tokens of a row whose loss counts, on average.</summary>
    public double TokensPerRow => (double)Counted / Rows;

    /// <summary>Positions of its own document that stand before a token, on average.</summary>
    public double MeanContext { get; } = Starts.Length == 0 ? 0 : Starts.Select((start, i) => (double)((i % Length) - start)).Average();

    /// <summary>SHA-256 over tokens, targets, mask and starts: what a stored signal belongs to.</summary>
    public string Hash { get; } = HashOf(Tokens, Targets, Mask, Starts, Length);

    /// <summary>Packs documents into rows as <see cref="RowPacking"/> does.</summary>
    /// <param name="length">Tokens a row, a multiple of 32.</param>
    /// <param name="maskPrompts">Take no loss on the prompts' tokens.</param>
    /// <exception cref="UserError">No token would count.</exception>
    public static Dataset Pack(IEnumerable<Document> documents, Tokenizer tokenizer, int length, bool maskPrompts, string where)
    {
        if (length % MatMul.L != 0)
        {
            throw new ArgumentException($"Dataset.Pack: rows of {length} tokens; a multiple of {MatMul.L} is needed.", nameof(length));
        }

        RowPacking packing = new(length, maskPrompts);
        int count = 0;
        foreach (Document document in documents)
        {
            count++;
            packing.Add([.. Prompt(document, tokenizer), .. document.Trace.Length == 0 ? [] : tokenizer.Encode(document.Trace, addSpecial: false)], Answer(document, tokenizer), document.Trace.Length > 0);
        }

        IReadOnlyList<RowPacking.Row> rows = packing.Rows;
        Dataset made = new([.. rows.SelectMany(r => r.Tokens)], [.. rows.SelectMany(r => r.Targets)], [.. rows.SelectMany(r => r.Mask)], [.. rows.SelectMany(r => r.Starts)], rows.Count, length, count, packing.Cut)
        {
            Places = [.. rows.SelectMany((r, row) => r.Places.Select(p => new DocumentPlace(p.Document, (row * length) + p.Start, p.Prompt, p.Answer)))],
        };
        return made.Counted > 0 ? made : throw new UserError("there is no token that would count", where, "Every document is empty: give documents of at least two tokens.");
    }

    /// <summary>The prompt as the model reads it; a text without one starts with the begin token where there is one.</summary>
    internal static int[] Prompt(Document document, Tokenizer tokenizer) => document.Prompt.Length == 0 ? Begin(tokenizer) : tokenizer.Encode(document.Prompt, addSpecial: !document.Laid);

    /// <summary>The answer's tokens. A tokenizer that does not know the mark at its end has its own end token put there: the mark spelled out in
    /// several tokens would be learned as text, and the model would never end.</summary>
    internal static int[] Answer(Document document, Tokenizer tokenizer)
    {
        string text = document.Answer;
        if (!text.EndsWith(Corpus.End, StringComparison.Ordinal) || tokenizer.FindToken(Corpus.End) is not null)
        {
            return tokenizer.Encode(text, addSpecial: false);
        }

        int[] written = tokenizer.Encode(text[..^Corpus.End.Length], addSpecial: false);
        return tokenizer.EndToken is { } end ? [.. written, end] : written;
    }

    static int[] Begin(Tokenizer tokenizer) => tokenizer.BeginToken is { } begin ? [begin] : [];

    static string HashOf(int[] tokens, int[] targets, float[] mask, int[] starts, int length)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(head, tokens.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], length);
        hash.AppendData(head);
        hash.AppendData(MemoryMarshal.AsBytes<int>(tokens));
        hash.AppendData(MemoryMarshal.AsBytes<int>(targets));
        hash.AppendData(MemoryMarshal.AsBytes<float>(mask));
        hash.AppendData(MemoryMarshal.AsBytes<int>(starts));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
