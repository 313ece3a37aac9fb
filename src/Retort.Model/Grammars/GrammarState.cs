namespace Retort.Model.Grammars;

/// <summary>
/// How far a text has come in a grammar: all ways in which it can be read so far, each a stack of what must still follow. States share their
/// stacks and are never changed.
/// </summary>
sealed class GrammarState
{
    /// <summary>Ways to read one text, and steps to find them, before a grammar counts as endless.</summary>
    const int MostWork = 20_000;

    readonly Grammar _grammar;
    readonly List<Place> _places;

    GrammarState(Grammar grammar, List<Place> places, bool canEnd) => (_grammar, _places, CanEnd) = (grammar, places, canEnd);

    /// <summary>Whether the text may end here.</summary>
    public bool CanEnd { get; }

    /// <summary>Whether anything may follow.</summary>
    public bool CanGoOn => _places.Count > 0;

    /// <exception cref="UserError">No text comes to an end, or too many ways lead on at once.</exception>
    public static GrammarState Begin(Grammar grammar, string where) =>
        grammar.CanEnd() && Expand(grammar, grammar.Rules[0].Select(a => new Place(a, 0, null))) is { } begun ? begun
        : throw new UserError("no text that it allows comes to an end", where, "Look for a definition that always needs another of itself.");

    /// <summary>The state after some more bytes; null where they cannot follow.</summary>
    public GrammarState? After(ReadOnlySpan<byte> bytes)
    {
        GrammarState state = this;
        foreach (byte b in bytes)
        {
            if (Expand(state._grammar, state._places.Where(p => p.Byte[b]).Select(p => p.Next)) is not { CanGoOnOrEnd: true } next)
            {
                return null;
            }

            state = next;
        }

        return state;
    }

    /// <summary>Whether a byte can follow.</summary>
    public bool Allows(byte b) => _places.Exists(p => p.Byte[b]);

    bool CanGoOnOrEnd => CanEnd || CanGoOn;

    /// <summary>Opens rules until every way begins with a byte, or is at its end.</summary>
    static GrammarState? Expand(Grammar grammar, IEnumerable<Place?> starts)
    {
        Stack<Place?> open = new(starts);
        HashSet<Place> seen = [];
        List<Place> places = [];
        bool canEnd = false;
        int work = 0;
        while (open.TryPop(out Place? place))
        {
            if (++work > MostWork)
            {
                return null;
            }

            if (place is null)
            {
                canEnd = true;
                continue;
            }

            if (!seen.Add(place))
            {
                continue;
            }

            if (place.At == place.Row.Length)
            {
                open.Push(place.Then);
                continue;
            }

            if (place.Row[place.At] is not GrammarElement.Reference reference)
            {
                places.Add(place);
                continue;
            }

            // Where a rule is the last of its row nothing is left to come back to, so that lists of any length keep a stack of one height.
            Place? then = place.At + 1 == place.Row.Length ? place.Then : new(place.Row, place.At + 1, place.Then);
            foreach (GrammarElement[] row in grammar.Rules[reference.Rule])
            {
                open.Push(new(row, 0, then));
            }
        }

        return new(grammar, places, canEnd);
    }

    /// <summary>A place in a row of elements, and what follows that row.</summary>
    sealed class Place(GrammarElement[] row, int at, Place? then) : IEquatable<Place>
    {
        public GrammarElement[] Row => row;

        public int At => at;

        public Place? Then => then;

        public ByteSet Byte => ((GrammarElement.OneOf)row[at]).Bytes;

        public Place? Next => at + 1 == row.Length ? then : new(row, at + 1, then);

        public bool Equals(Place? other)
        {
            Place? a = this, b = other;
            while (a is not null && b is not null && !ReferenceEquals(a, b))
            {
                if (a.At != b.At || !ReferenceEquals(a.Row, b.Row))
                {
                    return false;
                }

                (a, b) = (a.Then, b.Then);
            }

            return ReferenceEquals(a, b);
        }

        public override bool Equals(object? obj) => Equals(obj as Place);

        public override int GetHashCode() => HashCode.Combine(row.GetHashCode(), at, then?.At ?? -1);
    }
}
