namespace Retort.Model.Marks;

/// <summary>
/// A mark that is woven into the choice of tokens and found again with its key alone. It changes which token is drawn, never what may be drawn:
/// filters and constrained answers hold as without it.
/// </summary>
/// <param name="Key">32 secret bytes. Whoever has them can find the mark, forge it and remove it.</param>
/// <param name="Width">Tokens before a token that decide, with the key, how it is marked. Few: easier to find in a student that learned from marked text, and easier to steal.</param>
public abstract record Watermark(ReadOnlyMemory<byte> Key, int Width)
{
    /// <summary>Bytes of a key.</summary>
    public const int KeyLength = 32;

    const int MostWidth = 16;

    /// <summary>
    /// Soft green list (Kirchenbauer et al., arXiv 2301.10226): after every context a share of the vocabulary is green, and green tokens' odds are raised.
    /// Each token is green by itself with probability γ, not exactly γ of the vocabulary, so that counts of green tokens are binomial. The bias comes after
    /// temperature and before the filters, so it is the same at any temperature; at temperature 0 it is added to the logits, and the likeliest token may change.
    /// </summary>
    /// <param name="Gamma">Share of the vocabulary that is green, above 0 and below 1.</param>
    /// <param name="Delta">Added to the log odds of green tokens, nats.</param>
    public sealed record GreenList(ReadOnlyMemory<byte> Key, double Gamma = 0.25, double Delta = 2, int Width = 1) : Watermark(Key, Width)
    {
        public override string ToString() => nameof(GreenList);
    }

    /// <summary>
    /// Tournament sampling (Dathathri et al., Nature 634, 2024: SynthID-Text), two candidates a match, so that over all keys a token is as probable as without
    /// the mark. A context that came before in the same answer is not marked, else the answer would repeat its own choices. At temperature 0 there is nothing to
    /// choose between and no mark.
    /// </summary>
    /// <param name="Layers">Matches between the draws and the winner, at most 64.</param>
    public sealed record Tournament(ReadOnlyMemory<byte> Key, int Layers = 30, int Width = 4) : Watermark(Key, Width)
    {
        public override string ToString() => nameof(Tournament);
    }

    /// <summary>Throws for a mark that cannot be: its maker's bug, for keys and parameters come from a policy that was read.</summary>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(Key.Length, KeyLength);
        ArgumentOutOfRangeException.ThrowIfNegative(Width);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Width, MostWidth);
        switch (this)
        {
            case GreenList green:
                ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(green.Gamma, 0);
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(green.Gamma, 1);
                ArgumentOutOfRangeException.ThrowIfNegative(green.Delta);
                break;
            case Tournament tournament:
                ArgumentOutOfRangeException.ThrowIfLessThan(tournament.Layers, 1);
                ArgumentOutOfRangeException.ThrowIfGreaterThan(tournament.Layers, 64);
                break;
        }
    }
}
