using System.Globalization;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>
/// NFC and NFD (Unicode Standard Annex 15). The build is globalization-invariant, where string.Normalize leaves text as it is.
/// </summary>
static class CanonicalForm
{
    const int SyllableBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    const char FirstActive = '\u0300';
    const int VowelCount = 21, TailCount = 28, SyllableCount = 19 * VowelCount * TailCount;

    static readonly Lazy<Tables> Data = new(Read);

    /// <summary>
    /// NFC of well-formed text. Only runs of characters that combine, reorder or are replaced are taken apart, each with the character before it,
    /// which they may combine with; all others stay as they are beside any other (NFC_Quick_Check of the annex).
    /// </summary>
    internal static string Compose(string text)
    {
        int at = NextActive(text, 0);
        if (at == text.Length)
        {
            return text;
        }

        var builder = new StringBuilder(text.Length);
        int from = 0;
        while (at < text.Length)
        {
            int begin = at == from ? at : at - (char.IsLowSurrogate(text[at - 1]) ? 2 : 1), end = at;
            while (end < text.Length && IsActive(text, end, out int length))
            {
                end += length;
            }

            var points = Decomposed(text.AsSpan(begin, end - begin));
            Recompose(points);
            builder.Append(text, from, begin - from);
            Append(builder, points);
            (from, at) = (end, NextActive(text, end));
        }

        return builder.Append(text, from, text.Length - from).ToString();
    }

    static int NextActive(string text, int at)
    {
        while (at < text.Length)
        {
            int skip = text.AsSpan(at).IndexOfAnyExceptInRange('\0', (char)(FirstActive - 1));
            if (skip < 0)
            {
                break;
            }

            at += skip;
            if (IsActive(text, at, out int length))
            {
                return at;
            }

            at += length;
        }

        return text.Length;
    }

    static bool IsActive(string text, int at, out int length)
    {
        length = 1;
        if (!char.IsHighSurrogate(text[at]))
        {
            return Data.Value.Active[text[at]];
        }

        length = 2;
        return Data.Value.ActiveBeyond.Contains(char.ConvertToUtf32(text, at));
    }

    /// <summary>NFD of well-formed text.</summary>
    internal static string Decompose(string text) =>
        text.AsSpan().IndexOfAnyExceptInRange('\0', '\u007F') < 0 ? text : Append(new StringBuilder(text.Length), Decomposed(text)).ToString();

    static StringBuilder Append(StringBuilder builder, List<int> points)
    {
        foreach (int point in points)
        {
            builder.Append(new Rune(point));
        }

        return builder;
    }

    static List<int> Decomposed(ReadOnlySpan<char> text)
    {
        Tables data = Data.Value;
        var points = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            int syllable = rune.Value - SyllableBase;
            if ((uint)syllable < SyllableCount)
            {
                points.Add(LeadBase + (syllable / (VowelCount * TailCount)));
                points.Add(VowelBase + (syllable / TailCount % VowelCount));
                if (syllable % TailCount != 0)
                {
                    points.Add(TailBase + (syllable % TailCount));
                }
            }
            else if (rune.Value >= 0xC0 && data.Parts.TryGetValue(rune.Value, out int[]? parts))
            {
                points.AddRange(parts);
            }
            else
            {
                points.Add(rune.Value);
            }
        }

        for (int start = 0; start < points.Count;)
        {
            if (data.Class(points[start]) == 0)
            {
                start++;
                continue;
            }

            int end = start;
            while (end < points.Count && data.Class(points[end]) != 0)
            {
                end++;
            }

            int[] run = [.. points[start..end].OrderBy(data.Class)];
            for (int i = 0; i < run.Length; i++)
            {
                points[start + i] = run[i];
            }

            start = end;
        }

        return points;
    }

    static void Recompose(List<int> points)
    {
        Tables data = Data.Value;
        int kept = 0, starter = -1, lastClass = 0;
        for (int i = 0; i < points.Count; i++)
        {
            int point = points[i];
            int itsClass = data.Class(point);
            bool reachable = starter >= 0 && (starter == kept - 1 || (lastClass != 0 && lastClass < itsClass));
            if (reachable && data.TryPair(points[starter], point, out int composite))
            {
                points[starter] = composite;
                continue;
            }

            if (itsClass == 0)
            {
                starter = kept;
            }

            lastClass = itsClass;
            points[kept++] = point;
        }

        points.RemoveRange(kept, points.Count - kept);
    }

    static Tables Read()
    {
        var parts = new Dictionary<int, int[]>();
        var classes = new Dictionary<int, int>();
        var bySpelling = new Dictionary<string, int>(StringComparer.Ordinal);
        var composites = new List<(int Point, int[] Parts)>();
        foreach (string entry in CanonicalData.Decompositions.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = entry.IndexOf('=', StringComparison.Ordinal);
            bool excluded = entry[equals - 1] == '!';
            int point = Hex(entry.AsSpan(0, excluded ? equals - 1 : equals));
            int[] full = [.. entry[(equals + 1)..].Split('+').Select(part => Hex(part))];
            parts.Add(point, full);
            if (!excluded)
            {
                bySpelling.Add(string.Join('+', full), point);
                composites.Add((point, full));
            }
        }

        var pairs = new Dictionary<long, int>();
        foreach (var (point, full) in composites)
        {
            int first = full.Length == 2 ? full[0] : bySpelling[string.Join('+', full[..^1])];
            pairs.Add(((long)first << 32) | (uint)full[^1], point);
        }

        foreach (string entry in CanonicalData.CombiningClasses.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = entry.IndexOf(':', StringComparison.Ordinal), dash = entry.IndexOf('-', StringComparison.Ordinal);
            int first = Hex(entry.AsSpan(0, dash < 0 ? colon : dash));
            int last = dash < 0 ? first : Hex(entry.AsSpan(dash + 1, colon - dash - 1));
            for (int point = first; point <= last; point++)
            {
                classes.Add(point, int.Parse(entry.AsSpan(colon + 1)));
            }
        }

        int[] active = [.. classes.Keys, .. pairs.Keys.Select(pair => (int)pair), .. parts.Keys.Except(composites.Select(one => one.Point)), .. Enumerable.Range(VowelBase, VowelCount), .. Enumerable.Range(TailBase + 1, TailCount - 1)];
        bool[] flags = new bool[char.MaxValue + 1];
        foreach (int point in active.Where(point => point <= char.MaxValue))
        {
            flags[point] = true;
        }

        return new Tables(parts, classes, pairs, flags, active.Where(point => point > char.MaxValue).ToHashSet());
    }

    static int Hex(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier);

    /// <param name="Active">Whether a character combines with one before it, has a class, or never appears in NFC; beyond U+FFFF the rest of these.</param>
    sealed record Tables(Dictionary<int, int[]> Parts, Dictionary<int, int> Classes, Dictionary<long, int> Pairs, bool[] Active, HashSet<int> ActiveBeyond)
    {
        internal int Class(int point) => point < 0x300 ? 0 : Classes.GetValueOrDefault(point);

        internal bool TryPair(int first, int second, out int composite)
        {
            int lead = first - LeadBase, vowel = second - VowelBase;
            if ((uint)lead < 19 && (uint)vowel < VowelCount)
            {
                composite = SyllableBase + (((lead * VowelCount) + vowel) * TailCount);
                return true;
            }

            int syllable = first - SyllableBase, tail = second - TailBase;
            if ((uint)syllable < SyllableCount && syllable % TailCount == 0 && tail is > 0 and < TailCount)
            {
                composite = first + tail;
                return true;
            }

            return Pairs.TryGetValue(((long)first << 32) | (uint)second, out composite);
        }
    }
}
