using Retort.Kernels;

namespace Retort.Model.Inference;

/// <summary>Tokens in a row of one sequence that pass through the model together.</summary>
/// <param name="Row">Its first row in the batch.</param>
/// <param name="Count">Tokens.</param>
/// <param name="First">Position of the first token in its sequence.</param>
/// <param name="Pages">The sequence's pages, those of these tokens among them.</param>
readonly record struct Segment(int Row, int Count, int First, int[] Pages);

/// <summary>
/// What one pass computes: whole blocks of 32 tokens of prompts first, each from a position that is a multiple of 32 on, then single tokens. Which
/// rows are blocks decides how products of floats sum, so it follows from a sequence's own length alone.
/// </summary>
sealed class InferenceBatch
{
    readonly List<(int[] Tokens, int First, int[] Pages, bool Logits)> _blocks = [];
    readonly List<(int[] Tokens, int First, int[] Pages, bool Logits)> _singles = [];

    /// <summary>Rows.</summary>
    public int Rows { get; private set; }

    /// <summary>Blocks of 32 rows at the front.</summary>
    public int Blocks { get; private set; }

    /// <summary>The tokens of all rows.</summary>
    public List<int> Tokens { get; } = [];

    /// <summary>The positions of all rows.</summary>
    public List<int> Positions { get; } = [];

    public List<Segment> Segments { get; } = [];

    /// <summary>Rows whose logits are wanted, in the order they were asked for.</summary>
    public List<int> LogitRows { get; } = [];

    public void Clear()
    {
        _blocks.Clear();
        _singles.Clear();
        Rows = Blocks = 0;
    }

    /// <summary>Adds tokens of one sequence.</summary>
    /// <param name="tokens">In blocks where <paramref name="inBlocks"/>: a multiple of 32, from a position that is one.</param>
    /// <param name="logits">Whether the last token's logits are wanted.</param>
    public void Add(ReadOnlySpan<int> tokens, int first, int[] pages, bool inBlocks, bool logits)
    {
        (inBlocks ? _blocks : _singles).Add((tokens.ToArray(), first, pages, logits));
        Rows += tokens.Length;
        Blocks += inBlocks ? tokens.Length / MatMul.L : 0;
    }

    /// <summary>Lays the rows out. Logits come in the order: blocks, then singles, each in the order they were added.</summary>
    public void Arrange()
    {
        Tokens.Clear();
        Positions.Clear();
        Segments.Clear();
        LogitRows.Clear();
        foreach ((int[] tokens, int first, int[] pages, bool logits) in _blocks.Concat(_singles))
        {
            Segments.Add(new(Tokens.Count, tokens.Length, first, pages));
            Tokens.AddRange(tokens);
            Positions.AddRange(Enumerable.Range(first, tokens.Length));
            if (logits)
            {
                LogitRows.Add(Tokens.Count - 1);
            }
        }
    }
}
