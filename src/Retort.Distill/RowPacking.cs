namespace Retort.Distill;

/// <summary>
/// Packs prompts and answers into rows of one length: each goes, whole, to the fullest row that still has room (best fit over a window of
/// open rows). Documents in one row do not see each other, and no loss is taken where one ends and the next begins. What a document longer
/// than a row loses stands farthest from where prompt and answer meet: the answer's end, and of a prompt that would leave no room for one,
/// the beginning.
/// </summary>
sealed class RowPacking(int length, bool maskPrompts)
{
    const int OpenRows = 64;

    readonly List<Row> _open = [];
    readonly List<Row> _full = [];
    int _added;

    /// <summary>Documents that were longer than a row and were cut.</summary>
    public int Cut { get; private set; }

    /// <summary>All rows, those closed first.</summary>
    public IReadOnlyList<Row> Rows => [.. _full, .. _open];

    /// <param name="masked">Take no loss on this prompt, whatever holds for others.</param>
    public void Add(int[] prompt, int[] answer, bool masked = false)
    {
        int document = _added++;
        if (prompt.Length + answer.Length > length + 1)
        {
            Cut++;
            int room = prompt.Length <= length ? length + 1 - prompt.Length : Math.Min(answer.Length, length / 2);
            prompt = prompt[^Math.Min(prompt.Length, length + 1 - room)..];
            answer = answer[..room];
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

        best.Add(document, prompt, answer, maskPrompts || masked);
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

        /// <summary>Which documents stand in it, and where.</summary>
        public List<(int Document, int Start, int Prompt, int Answer)> Places { get; } = [];

        public void Add(int document, int[] prompt, int[] answer, bool maskPrompts)
        {
            Places.Add((document, _used, prompt.Length, answer.Length));
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
