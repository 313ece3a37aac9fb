using System.Text;

namespace Retort.Model.Llama;

/// <summary>
/// Lets text through until one of the stop texts appears, which is cut off with all that follows. Text that could begin a stop text is
/// held back until that is decided, so a stop text is found wherever pieces divide it: the one that is complete first ends the text, and of
/// several that end together the longest.
/// </summary>
/// <param name="stops">Texts, none empty.</param>
sealed class StopText(IReadOnlyList<string> stops)
{
    readonly StringBuilder _held = new();

    /// <summary>Whether a stop text has appeared.</summary>
    public bool Found { get; private set; }

    /// <summary>The text that is certain by now.</summary>
    public string Append(string piece)
    {
        if (stops.Count == 0 || Found)
        {
            return Found ? "" : piece;
        }

        string text = _held.Append(piece).ToString();
        int cut = -1, end = int.MaxValue;
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (at + stop.Length < end || (at + stop.Length == end && at < cut)))
            {
                (cut, end) = (at, at + stop.Length);
            }
        }

        Found = cut >= 0;
        int certain = Found ? cut : text.Length - Hold(text);
        _held.Clear();
        if (!Found)
        {
            _held.Append(text, certain, text.Length - certain);
        }

        return text[..certain];
    }

    /// <summary>What was held back and no longer can be a stop text.</summary>
    public string Finish()
    {
        string rest = _held.ToString();
        _held.Clear();
        return rest;
    }

    /// <summary>Length of the longest end of the text that begins a stop text.</summary>
    int Hold(string text)
    {
        int longest = 0;
        foreach (string stop in stops)
        {
            for (int length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                {
                    longest = length;
                }
            }
        }

        return longest;
    }
}
