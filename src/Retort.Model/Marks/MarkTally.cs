namespace Retort.Model.Marks;

/// <summary>
/// What a key finds in texts: for each of a mark's layers, how many of the scored tokens have the bit set (a green list has one layer). Without the mark every
/// bit is set with probability <see cref="Chance"/>, independently, whatever the text: each pair of context and token counts once, however often it occurs, and
/// the key never saw the text. That is all a p-value needs.
/// </summary>
/// <param name="Scored">Distinct pairs of context and token.</param>
/// <param name="Set">Of each layer, how many of them have its bit set.</param>
/// <param name="Chance">½ for a tournament, γ for a green list.</param>
public sealed record MarkTally(int Scored, IReadOnlyList<long> Set, double Chance)
{
    /// <summary>Counts over texts, each with contexts of its own.</summary>
    /// <param name="texts">Tokens, in the tokenizer of the marked model, without the prompt where it is known: what the prompt says nobody has marked.</param>
    /// <param name="mark">The parameters it was made with, and the key to look for.</param>
    /// <param name="most">Pairs after which counting ends.</param>
    public static MarkTally Of(IEnumerable<IReadOnlyList<int>> texts, Watermark mark, int most = int.MaxValue)
    {
        mark.Validate();
        MarkHash hash = new(mark.Key);
        ulong greens = mark is Watermark.GreenList g ? MarkHash.Greens(g.Gamma) : 0;
        long[] set = new long[mark is Watermark.Tournament t ? t.Layers : 1];
        HashSet<(ContextKey, int)> pairs = [];
        int[] context = new int[mark.Width];
        foreach (IReadOnlyList<int> text in texts)
        {
            HashSet<ContextKey> seen = [];
            for (int at = mark.Width; at < text.Count && pairs.Count < most; at++)
            {
                for (int i = 0; i < context.Length; i++)
                {
                    context[i] = text[at - context.Length + i];
                }

                // A tournament leaves a context unmarked that came before in the same text, so nothing is to be found there.
                ContextKey key = hash.After(context);
                if ((mark is Watermark.Tournament && !seen.Add(key)) || !pairs.Add((key, text[at])))
                {
                    continue;
                }

                ulong bits = key.Of(text[at]);
                for (int layer = 0; layer < set.Length; layer++)
                {
                    set[layer] += mark is Watermark.GreenList ? (bits < greens ? 1 : 0) : (long)((bits >> layer) & 1);
                }
            }
        }

        return new(pairs.Count, set, mark is Watermark.GreenList green ? green.Gamma : 0.5);
    }
}
