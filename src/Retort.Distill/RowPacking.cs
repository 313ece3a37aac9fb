namespace Retort.Distill;

/// <summary>
/// Packs prompts and answers into rows of one length: each goes, whole, to the fullest row that still has room (best fit over a window of
/// open rows). Documents in one row do not see each other, and no loss is taken where one ends and the next begins.
/// </summary>
sealed class RowPacking(int length, bool maskPrompts)
{
    const int OpenRows = 64;

    readonly List<Row> _open = [];
    readonly List<Row> _full = [];

    /// <summary>Documents that were longer than a row and lost their end: what a text says first is what its end follows from.</summary>
    public int Cut { get; private set; }

    /// <summary>All rows, those closed first.</summary>
    public IReadOnlyList<Row> Rows => [.. _full, .. _open];

    public void Add(int[] prompt, int[] answer)
    {
        if (prompt.Length + answer.Length > length + 1)
        {
            Cut++;
            answer = answer[..Math.Max(0, length + 1 - prompt.Length)];
            prompt = prompt[..Math.Min(prompt.Length, length + 1)];
        }

        int needed = prompt.Length + answer.Length - 1;
        if (needed <= 0)
        {
            return;
        }

        Row? best = _open.Where(r => r.Room >= needed).MinBy(r => r.Room);
        if (best is null)
        {
            if (_open.Count == OpenRows)
            {
                Row fullest = _open.MinBy(r => r.Room)!;
                _open.Remove(fullest);
                _full.Add(fullest);
            }

            _open.Add(best = new Row(length));
        }

        best.Add(prompt, answer, maskPrompts);
    }

    /// <summary>Tokens, the token to the right of each, and 1 where the loss counts.</summary>
    internal sealed class Row(int length)
    {
        int _used;

        public int[] Tokens { get; } = new int[length];

        public int[] Targets { get; } = new int[length];

        public float[] Mask { get; } = new float[length];

        /// <summary>Where in the row the document of each token begins; what is left over counts as one more document.</summary>
        public int[] Starts { get; } = new int[length];

        public int Room => Tokens.Length - _used;

        public void Add(int[] prompt, int[] answer, bool maskPrompts)
        {
            int[] all = [.. prompt, .. answer];
            int start = _used;
            for (int i = 0; i + 1 < all.Length; i++, _used++)
            {
                Tokens[_used] = all[i];
                Targets[_used] = all[i + 1];
                Mask[_used] = maskPrompts && i + 1 < prompt.Length ? 0f : 1f;
                Starts[_used] = start;
            }

            Starts.AsSpan(_used).Fill(_used);
        }
    }
}
