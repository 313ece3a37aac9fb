using Retort.Evidence.Statistics;

namespace Retort.Guard.Detector;

/// <summary>A prompt as hashes, word by word; each word stands in the middle of a run of three.</summary>
/// <param name="Slotted">Of the runs, every number the same number.</param>
/// <param name="Exact">Of the runs as they are.</param>
/// <param name="Words">Of the words.</param>
/// <param name="IsNumber">Whether a word is a number.</param>
/// <param name="Whole">Of all words in their order.</param>
public sealed record PromptRuns(uint[] Slotted, uint[] Exact, uint[] Words, bool[] IsNumber, int Whole)
{
    /// <summary>Words that are read; what comes after them is left out.</summary>
    const int MostWords = 2000;

    const ulong Number = 0x9E3779B97F4A7C15, Edge = 0xD1B54A32D192ED03;

    public static PromptRuns Of(string prompt)
    {
        IReadOnlyList<PlainWord> words = PlainWords.Of(prompt);
        int count = Math.Min(words.Count, MostWords);
        PromptRuns runs = new(new uint[count], new uint[count], new uint[count], new bool[count], 0);
        ulong whole = Edge;
        for (int i = 0; i < count; i++)
        {
            whole = PlainWords.Mix(whole + words[i].Hash);
            (runs.Words[i], runs.IsNumber[i]) = ((uint)(words[i].Hash >> 32), char.IsAsciiDigit(prompt[words[i].Start]));
            ulong slotted = Edge, exact = Edge;
            for (int j = i - 1; j <= i + 1; j++)
            {
                // A prompt's first and last words stand beside an edge.
                ulong word = (uint)j < (uint)count ? words[j].Hash : Edge;
                exact = PlainWords.Mix(exact + word);
                slotted = PlainWords.Mix(slotted + ((uint)j < (uint)count && char.IsAsciiDigit(prompt[words[j].Start]) ? Number : word));
            }

            (runs.Slotted[i], runs.Exact[i]) = ((uint)(slotted >> 32), (uint)(exact >> 32));
        }

        return runs with { Whole = (int)whole };
    }
}
