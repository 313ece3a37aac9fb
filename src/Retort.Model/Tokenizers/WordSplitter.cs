using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>Receives one word.</summary>
delegate void WordSink<TState>(ReadOnlySpan<char> word, TState state);

/// <summary>The pre-tokenizer: runs its steps one after another, each upon every piece of the step before.</summary>
sealed class WordSplitter(IReadOnlyList<SplitStep> steps)
{
    /// <summary>Gives every word of <paramref name="text"/> to <paramref name="sink"/> in order.</summary>
    /// <param name="atStart">Whether the piece begins the whole text.</param>
    internal void Split<TState>(ReadOnlySpan<char> text, bool atStart, WordSink<TState> sink, TState state) =>
        Step(0, text, atStart, sink, state);

    void Step<TState>(int step, ReadOnlySpan<char> text, bool atStart, WordSink<TState> sink, TState state)
    {
        if (text.IsEmpty)
        {
            return;
        }

        if (step == steps.Count)
        {
            sink(text, state);
            return;
        }

        switch (steps[step])
        {
            case SplitStep.Pattern { Expression.Scanner: { } scanner, Behavior: SplitBehavior.Isolated, Invert: false }:
                Words(step, scanner, text, atStart, sink, state);
                break;
            case SplitStep.Pattern pattern:
                var matches = new List<(int Start, int Length)>();
                pattern.Expression.Find(text, matches);
                if (matches.Count == 0 && !pattern.Invert)
                {
                    Step(step + 1, text, atStart, sink, state);
                    break;
                }

                Pieces(step, text, atStart, Spans(matches, text.Length, pattern.Invert), pattern.Behavior, sink, state);
                break;
            case SplitStep.Digits digits:
                SplitBehavior behavior = digits.Individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous;
                Pieces(step, text, atStart, Spans(Numbers(text), text.Length, invert: false), behavior, sink, state);
                break;
            case SplitStep.ByteLevel level:
                if (level.AddPrefixSpace && text[0] != ' ')
                {
                    text = string.Concat(" ", text);
                }

                if (level.UseRegex)
                {
                    Words(step, WordScanner.Gpt2, text, atStart, sink, state);
                }
                else
                {
                    Step(step + 1, text, atStart, sink, state);
                }

                break;
            case SplitStep.Metaspace space:
                Metaspace(step, space, text, atStart, sink, state);
                break;
            case var unknown:
                throw new InvalidOperationException($"A split step of type {unknown.GetType().Name}.");
        }
    }

    void Words<TState>(int step, WordScanner scanner, ReadOnlySpan<char> text, bool atStart, WordSink<TState> sink, TState state)
    {
        // A ByteLevel step without settings does nothing to a word; what it says of bytes is the encoder's business.
        bool last = step + 1 == steps.Count || (step + 2 == steps.Count && steps[step + 1] is SplitStep.ByteLevel { AddPrefixSpace: false, UseRegex: false });
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = scanner.End(text, start);
            if (last)
            {
                sink(text[start..end], state);
            }
            else
            {
                Step(step + 1, text[start..end], atStart && start == 0, sink, state);
            }
        }
    }

    void Metaspace<TState>(int step, SplitStep.Metaspace space, ReadOnlySpan<char> text, bool atStart, WordSink<TState> sink, TState state)
    {
        string marked = text.ToString().Replace(' ', space.Replacement);
        bool prepend = space.Scheme == PrependScheme.Always || (space.Scheme == PrependScheme.First && atStart);
        if (prepend && marked[0] != space.Replacement)
        {
            marked = space.Replacement + marked;
        }

        int start = 0;
        for (int at = 1; space.Split && at < marked.Length; at++)
        {
            if (marked[at] == space.Replacement)
            {
                Step(step + 1, marked.AsSpan(start, at - start), atStart && start == 0, sink, state);
                start = at;
            }
        }

        Step(step + 1, marked.AsSpan(start), atStart && start == 0, sink, state);
    }

    void Pieces<TState>(
        int step, ReadOnlySpan<char> text, bool atStart, List<(int Start, int Length, bool Match)> spans, SplitBehavior behavior, WordSink<TState> sink, TState state)
    {
        for (int i = 0; i < spans.Count; i++)
        {
            var (start, length, match) = spans[i];
            if (behavior == SplitBehavior.Removed && match)
            {
                continue;
            }

            while (i + 1 < spans.Count && Joins(behavior, spans, i))
            {
                length += spans[++i].Length;
            }

            Step(step + 1, text.Slice(start, length), atStart && start == 0, sink, state);
        }
    }

    /// <summary>Whether the span after <paramref name="i"/> belongs to the same piece.</summary>
    static bool Joins(SplitBehavior behavior, List<(int Start, int Length, bool Match)> spans, int i) => behavior switch
    {
        SplitBehavior.MergedWithPrevious => !spans[i].Match && spans[i + 1].Match,
        SplitBehavior.MergedWithNext => spans[i].Match && !spans[i + 1].Match,
        SplitBehavior.Contiguous => spans[i].Match == spans[i + 1].Match,
        _ => false,
    };

    static List<(int Start, int Length, bool Match)> Spans(List<(int Start, int Length)> matches, int total, bool invert)
    {
        var spans = new List<(int, int, bool)>(matches.Count + 4);
        int from = 0;
        foreach (var (start, length) in matches)
        {
            if (start > from)
            {
                spans.Add((from, start - from, invert));
            }

            spans.Add((start, length, !invert));
            from = start + length;
        }

        if (from < total)
        {
            spans.Add((from, total - from, invert));
        }

        return spans;
    }

    static List<(int Start, int Length)> Numbers(ReadOnlySpan<char> text)
    {
        var numbers = new List<(int, int)>();
        int at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rune.IsNumber(rune))
            {
                numbers.Add((at, rune.Utf16SequenceLength));
            }

            at += rune.Utf16SequenceLength;
        }

        return numbers;
    }
}
