using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Retort.Kernels;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Rows of tokens of one length, the next token of each, and which of those count.</summary>
/// <param name="Tokens">[rows, length].</param>
/// <param name="Targets">[rows, length]: the token to the right.</param>
/// <param name="Mask">[rows, length]: 1 where the loss counts, 0 on padding, across documents' edges and on masked prompts.</param>
/// <param name="Documents">Documents packed.</param>
/// <param name="Cut">Documents that were longer than a row and lost their end.</param>
public sealed record Dataset(int[] Tokens, int[] Targets, float[] Mask, int Rows, int Length, int Documents, int Cut)
{
    /// <summary>Tokens whose loss counts.</summary>
    public long Counted { get; } = Mask.Count(m => m != 0);

    /// <summary>SHA-256 over tokens, targets and mask: what a stored signal belongs to.</summary>
    public string Hash { get; } = HashOf(Tokens, Targets, Mask, Length);

    /// <summary>
    /// Packs documents into rows: each goes, whole, to the fullest row that still has room (best fit over a window of open rows).
    /// Documents in one row see those before them; no loss is taken where one ends and the next begins.
    /// </summary>
    /// <param name="length">Tokens a row, a multiple of 32.</param>
    /// <param name="maskPrompts">Take no loss on the prompts' tokens.</param>
    /// <exception cref="UserError">No token would count.</exception>
    public static Dataset Pack(IEnumerable<Document> documents, Tokenizer tokenizer, int length, bool maskPrompts, string where)
    {
        const int OpenRows = 64;
        if (length % MatMul.L != 0)
        {
            throw new ArgumentException($"Dataset.Pack: rows of {length} tokens; a multiple of {MatMul.L} is needed.", nameof(length));
        }

        List<Row> open = [], full = [];
        int count = 0, cut = 0;
        foreach (Document document in documents)
        {
            count++;
            int[] prompt = document.Prompt.Length == 0 ? Begin(tokenizer) : tokenizer.Encode(document.Prompt), answer = tokenizer.Encode(document.Answer, addSpecial: false);
            if (prompt.Length + answer.Length > length + 1)
            {
                cut++;
                answer = answer[..Math.Max(0, length + 1 - prompt.Length)];
                prompt = prompt[..Math.Min(prompt.Length, length + 1)];
            }

            int needed = prompt.Length + answer.Length - 1;
            if (needed <= 0)
            {
                continue;
            }

            Row? best = open.Where(r => r.Room >= needed).MinBy(r => r.Room);
            if (best is null)
            {
                if (open.Count == OpenRows)
                {
                    Row fullest = open.MinBy(r => r.Room)!;
                    open.Remove(fullest);
                    full.Add(fullest);
                }

                open.Add(best = new Row(length));
            }

            best.Add(prompt, answer, maskPrompts);
        }

        full.AddRange(open);
        Dataset made = new([.. full.SelectMany(r => r.Tokens)], [.. full.SelectMany(r => r.Targets)], [.. full.SelectMany(r => r.Mask)], full.Count, length, count, cut);
        return made.Counted > 0 ? made : throw new UserError(
            "there is no token that would count", where,
            cut > 0 && maskPrompts ? $"Every prompt fills a row of {length} tokens, so no answer is left: take longer rows, or set data.mask_prompts to false." : "Every document is empty: give documents of at least two tokens.");
    }

    static int[] Begin(Tokenizer tokenizer) => tokenizer.BeginToken is { } begin ? [begin] : [];

    static string HashOf(int[] tokens, int[] targets, float[] mask, int length)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(head, tokens.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], length);
        hash.AppendData(head);
        hash.AppendData(MemoryMarshal.AsBytes<int>(tokens));
        hash.AppendData(MemoryMarshal.AsBytes<int>(targets));
        hash.AppendData(MemoryMarshal.AsBytes<float>(mask));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    sealed class Row(int length)
    {
        int _used;

        public int[] Tokens { get; } = new int[length];

        public int[] Targets { get; } = new int[length];

        public float[] Mask { get; } = new float[length];

        public int Room => Tokens.Length - _used;

        public void Add(int[] prompt, int[] answer, bool maskPrompts)
        {
            int[] all = [.. prompt, .. answer];
            for (int i = 0; i + 1 < all.Length; i++, _used++)
            {
                Tokens[_used] = all[i];
                Targets[_used] = all[i + 1];
                Mask[_used] = maskPrompts && i + 1 < prompt.Length ? 0f : 1f;
            }
        }
    }
}
