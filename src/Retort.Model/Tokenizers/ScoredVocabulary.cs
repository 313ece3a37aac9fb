using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Retort.Model.Tokenizers;

/// <summary>
/// Reads the tokenizer of llama2.c (karpathy/llama2.c, tokenizer.py): a SentencePiece vocabulary with scores. int32 longest token, then to the
/// end of the file float32 score, int32 length and that many bytes a token, little-endian. It becomes what Llama 2's tokenizer.json declares:
/// "▁" for a space and one before every text, byte fallback, merges by falling score of their result. As in SentencePiece, "▁" in a text is
/// a space; run.c alone would spell it in bytes. Pieces of equal score, which SentencePiece never writes, merge leftmost first as in run.c; a
/// tokenizer.json cannot say so and gives each pair its own rank.
/// </summary>
static class ScoredVocabulary
{
    const int Unknown = 0, Begin = 1, End = 2, FirstByte = 3, FirstPiece = FirstByte + 256;
    const int LongestToken = 1024;

    /// <exception cref="UserError">The file is truncated or is no such vocabulary.</exception>
    internal static TokenizerDefinition Read(byte[] bytes, string file)
    {
        var (tokens, scores) = Tokens(bytes, file);
        return Define(tokens, scores, file);
    }

    /// <summary>What a vocabulary in SentencePiece's spelling and its scores do: three special tokens, 256 bytes, then distinct pieces.</summary>
    internal static TokenizerDefinition Define(List<string> tokens, List<float> scores, string file)
    {
        AddedToken[] added = [.. new[] { Unknown, Begin, End }.Select(id => new AddedToken(
            id, tokens[id], Special: true, Normalized: false, SingleWord: false, StripLeft: false, StripRight: false))];
        return new TokenizerDefinition(
            file,
            [.. tokens],
            added,
            new HashSet<int>(),
            Merges(tokens, scores, [.. Enumerable.Range(FirstPiece, tokens.Count - FirstPiece)]),
            new BytePairModel(Unknown, FuseUnknown: true, ByteFallback: true, IgnoreMerges: false),
            [new NormalizerStep.Prepend("▁"), new NormalizerStep.Replace(SplitPattern.Literal(" ", file), "▁")],
            [],
            new DecoderRule.Pieces([("▁", " ")], ByteFallback: true, StripText: ' ', StripStart: 1),
            Prefix: [Begin],
            Suffix: [],
            Begin,
            End);
    }

    static (List<string> Tokens, List<float> Scores) Tokens(ReadOnlySpan<byte> bytes, string file)
    {
        var tokens = new List<string>();
        var scores = new List<float>();
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        int longest = bytes.Length < 4 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (longest is <= 0 or > LongestToken)
        {
            throw new UserError("the file does not begin with the length of its longest token", $"{file}, offset 0", "Use a tokenizer .bin of llama2.c.");
        }

        for (int at = 4; at < bytes.Length;)
        {
            int id = tokens.Count;
            string where = $"{file}, token {id} at offset {at}";
            if (bytes.Length - at < 8)
            {
                throw new UserError("the file ends within a token", where, "Download it again; it is truncated.");
            }

            float score = BinaryPrimitives.ReadSingleLittleEndian(bytes[at..]);
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes[(at + 4)..]);
            at += 8;
            if (length <= 0 || length > longest || length > bytes.Length - at)
            {
                int most = Math.Min(longest, bytes.Length - at);
                throw new UserError($"the token's length is {length}, of at most {most}", where, "Download it again; it is damaged.");
            }

            ReadOnlySpan<byte> spelled = bytes.Slice(at, length);
            at += length;
            if (!float.IsFinite(score) || !Utf8.IsValid(spelled))
            {
                throw new UserError("the token's score is no number or its text no UTF-8", where, "Download it again; it is damaged.");
            }

            Accept(tokens, ids, Encoding.UTF8.GetString(spelled), where);
            scores.Add(score);
        }

        Complete(tokens, file, "Use a tokenizer .bin of llama2.c.");
        return (tokens, scores);
    }

    /// <summary>The tokens of a vocabulary that another kind of file holds, held to the same rules.</summary>
    /// <exception cref="UserError">One repeats another, or the first 259 are not the special ones and the bytes.</exception>
    internal static List<string> Checked(IReadOnlyList<string> spelled, string file)
    {
        var tokens = new List<string>(spelled.Count);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < spelled.Count; id++)
        {
            string where = $"{file}, token {id}";
            Accept(tokens, ids, spelled[id].Length > 0 ? spelled[id] : throw new UserError("the token is empty", where, "Use a vocabulary whose tokens have a spelling."), where);
        }

        Complete(tokens, file, "Use a SentencePiece vocabulary with byte tokens.");
        return tokens;
    }

    static void Accept(List<string> tokens, Dictionary<string, int> ids, string spelled, string where)
    {
        string token = Spelling(tokens.Count, spelled, where);
        if (!ids.TryAdd(token, tokens.Count))
        {
            throw new UserError($"the token repeats token {ids[token]}", where, "Use a vocabulary whose tokens differ.");
        }

        tokens.Add(token);
    }

    static void Complete(List<string> tokens, string file, string hint)
    {
        if (tokens.Count < FirstPiece)
        {
            throw new UserError($"the vocabulary has {tokens.Count} tokens and needs {FirstPiece}: three special ones and 256 bytes", file, hint);
        }
    }

    /// <summary>SentencePiece's own spelling: llama2.c writes a space for "▁" and line breaks around the begin and end tokens.</summary>
    static string Spelling(int id, string text, string where)
    {
        string? expected = id switch
        {
            Unknown => "<unk>",
            Begin => "<s>",
            End => "</s>",
            < FirstPiece => $"<0x{id - FirstByte:X2}>",
            _ => null,
        };
        if (expected is not null && (id is Begin or End ? text.Trim('\n') : text) != expected)
        {
            throw new UserError($"the token is not {expected}", where, "Use a tokenizer .bin of llama2.c with SentencePiece's byte tokens.");
        }

        return expected ?? text.Replace(' ', '▁');
    }

    /// <summary>
    /// All pairs of pieces whose concatenation is a piece, by falling score of that piece. Pieces of one score share a rank, so that the leftmost
    /// goes first as in run.c; the order among them, which a tokenizer.json keeps, is by left and right id.
    /// </summary>
    /// <param name="ids">Those of the tokens that are pieces.</param>
    internal static List<Merge> Merges(IReadOnlyList<string> tokens, IReadOnlyList<float> scores, int[] ids)
    {
        var pieces = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (int id in ids)
        {
            pieces.Add(tokens[id], id);
        }

        var lookup = pieces.GetAlternateLookup<ReadOnlySpan<char>>();
        var found = new List<(int Left, int Right, int Result)>();
        foreach (int id in ids)
        {
            ReadOnlySpan<char> token = tokens[id];
            for (int cut = 1; cut < token.Length; cut++)
            {
                if (lookup.TryGetValue(token[..cut], out int left) && lookup.TryGetValue(token[cut..], out int right))
                {
                    found.Add((left, right, id));
                }
            }
        }

        var merges = new List<Merge>(found.Count);
        int rank = -1;
        foreach (var (left, right, result) in found.OrderByDescending(pair => scores[pair.Result]).ThenBy(pair => pair.Left).ThenBy(pair => pair.Right))
        {
            rank += merges.Count == 0 || scores[merges[^1].Result] != scores[result] ? 1 : 0;
            merges.Add(new Merge(left, right, result, rank));
        }

        return merges;
    }
}
