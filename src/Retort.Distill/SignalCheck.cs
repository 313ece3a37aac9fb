using System.Text;
using Retort.Asking;

namespace Retort.Distill;

/// <summary>What is wrong with the probabilities that came with an answer.</summary>
public enum SignalFault
{
    /// <summary>There are none, or tokens come without their bytes, so nothing says which tokens they are.</summary>
    Missing,

    /// <summary>The tokens' bytes do not join to the answer's text: they belong to another.</summary>
    OtherText,

    /// <summary>More, or fewer, likely tokens at a place than were asked for.</summary>
    Count,

    /// <summary>The likely tokens do not fall from the most likely on.</summary>
    Order,

    /// <summary>Probabilities of one place add up to more than 1, or one of them is no probability.</summary>
    Mass,

    /// <summary>The drawn token has one probability by itself and another among the likely ones.</summary>
    Drawn,
}

/// <summary>Checks what an endpoint says of its probabilities before anything is learned from it.</summary>
public static class SignalCheck
{
    /// <summary>How far above 1 the probabilities of a place may add up, for endpoints round them.</summary>
    public const double MassTolerance = 1e-3;

    /// <summary>Nats that two statements of one probability may differ by.</summary>
    public const double DrawnTolerance = 1e-3;

    /// <summary>The first fault of an answer's probabilities; null where there is none.</summary>
    /// <param name="asked">Likeliest tokens a place that were asked for.</param>
    /// <param name="stop">Texts that end an answer and are not part of it: endpoints may list the tokens that spelled one.</param>
    /// <param name="tokens">Those that the text is made of; one in which a stop text begins is left out with the rest of it.</param>
    /// <param name="vocabulary">Tokens the model knows, where that is known: a small one has no more to list.</param>
    public static SignalFault? Of(Choice choice, int asked, IReadOnlyList<string> stop, out IReadOnlyList<ServedToken> tokens, int? vocabulary = null)
    {
        tokens = choice.LogProbabilities is { } json && ServedToken.Parse(json) is { } read ? read : [];
        if (tokens.Count == 0)
        {
            return choice.Text.Length == 0 && choice.LogProbabilities is not null ? null : SignalFault.Missing;
        }

        // A text shows bytes that are no characters as U+FFFD.
        string joined = Encoding.UTF8.GetString(Joined(tokens));
        if (joined != choice.Text)
        {
            if (!joined.StartsWith(choice.Text, StringComparison.Ordinal) || !stop.Any(s => s.Length > 0 && joined.AsSpan(choice.Text.Length).StartsWith(s, StringComparison.Ordinal)))
            {
                return SignalFault.OtherText;
            }

            int at = 0, length = Encoding.UTF8.GetByteCount(choice.Text);
            tokens = [.. tokens.TakeWhile(t => (at += t.Bytes.Length) <= length)];
        }

        int wanted = Math.Min(asked, vocabulary ?? int.MaxValue);
        foreach (ServedToken token in tokens)
        {
            if (Of(token, wanted) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    /// <summary>What a fault is, to go on from a colon.</summary>
    public static string Sentence(SignalFault fault) => fault switch
    {
        SignalFault.Missing => "there are none, or none with the bytes of their tokens",
        SignalFault.OtherText => "the tokens' bytes do not join to the answer's text",
        SignalFault.Count => "a place lists more or fewer likely tokens than were asked for",
        SignalFault.Order => "the likely tokens of a place are out of order",
        SignalFault.Mass => "the probabilities of a place add up to more than 1, or one is none",
        _ => "the drawn token has two different probabilities",
    };

    static SignalFault? Of(ServedToken token, int wanted)
    {
        IReadOnlyList<(byte[] Bytes, double LogProbability)> top = token.Top;
        if (!Holds(token.LogProbability) || !top.All(t => Holds(t.LogProbability)) || top.Sum(t => Math.Exp(t.LogProbability)) > 1 + MassTolerance)
        {
            return SignalFault.Mass;
        }

        // The drawn token may be listed beside the wanted ones where it is none of them.
        if (top.Count < wanted || top.Count > wanted + 1)
        {
            return SignalFault.Count;
        }

        if (Enumerable.Range(1, Math.Max(0, Math.Min(top.Count, wanted) - 1)).Any(i => top[i].LogProbability > top[i - 1].LogProbability))
        {
            return SignalFault.Order;
        }

        return top.Where(t => t.Bytes.AsSpan().SequenceEqual(token.Bytes)).Select(t => Math.Abs(t.LogProbability - token.LogProbability)).DefaultIfEmpty(0).Min() > DrawnTolerance ? SignalFault.Drawn : null;
    }

    static bool Holds(double logProbability) => logProbability <= 1e-6 && !double.IsNaN(logProbability);

    internal static byte[] Joined(IReadOnlyList<ServedToken> tokens) => [.. tokens.SelectMany(t => t.Bytes)];
}
