using System.Diagnostics;
using System.Text;
using Retort.Model.Tokenizers;

namespace Retort.Distill.Bench;

/// <summary>What a tokenizer benchmark measured on one thread: medians, in 10^6 bytes of UTF-8 a second.</summary>
/// <param name="TextMbPerS">The file as one text, met before.</param>
/// <param name="LinesMbPerS">Line by line, met before.</param>
/// <param name="NewMbPerS">The file as one text, by a tokenizer that has met no text yet.</param>
/// <param name="DecodeMbPerS">Its ids back to text.</param>
/// <param name="Tokens">Ids of the file as one text, begin and end tokens included.</param>
/// <param name="Bytes">Of the file as UTF-8.</param>
public sealed record TokenizeBenchResult(double TextMbPerS, double LinesMbPerS, double NewMbPerS, double DecodeMbPerS, int Tokens, long Bytes);

/// <summary>The speed of turning text into ids and back.</summary>
public static class TokenizeBench
{
    const int Runs = 11, Fresh = 3;

    /// <param name="tokenizer">Whatever <see cref="Tokenizer.Open"/> opens.</param>
    /// <param name="file">A text in UTF-8.</param>
    /// <param name="warmUp">Seconds that go before each measurement.</param>
    /// <exception cref="UserError">One of them is absent or broken, or the text is empty.</exception>
    public static TokenizeBenchResult Run(string tokenizer, string file, double warmUp = 1)
    {
        string text = Text(file);
        string[] lines = [.. Lines(text)];
        double megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
        Tokenizer known = Tokenizer.Open(tokenizer);
        int[] ids = known.Encode(text);
        double whole = Measured(warmUp, () => known.Encode(text)), apart = Measured(warmUp, () =>
        {
            foreach (string line in lines)
            {
                known.Encode(line);
            }
        });
        double decoding = Measured(warmUp, () => known.Decode(ids));
        double[] fresh = [.. Enumerable.Range(0, Fresh).Select(_ => Tokenizer.Open(tokenizer)).Select(opened => Seconds(() => opened.Encode(text))).Order()];
        return new(megabytes / whole, megabytes / apart, megabytes / fresh[Fresh / 2], megabytes / decoding, ids.Length, Encoding.UTF8.GetByteCount(text));
    }

    static string Text(string file)
    {
        try
        {
            return File.ReadAllText(file) is { Length: > 0 } text ? text : throw new UserError("the text is empty", file, "Name a file with some text.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"the text cannot be read ({e.Message.TrimEnd('.')})", file, "Name a file of UTF-8 text.");
        }
    }

    /// <summary>With their line ends.</summary>
    static IEnumerable<string> Lines(string text)
    {
        for (int from = 0; from < text.Length;)
        {
            int end = text.IndexOf('\n', from);
            int next = end < 0 ? text.Length : end + 1;
            yield return text[from..next];
            from = next;
        }
    }

    static double Measured(double warmUp, Action run)
    {
        long begin = Stopwatch.GetTimestamp();
        do
        {
            run();
        }
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < warmUp);
        return Enumerable.Range(0, Runs).Select(_ => Seconds(run)).Order().ElementAt(Runs / 2);
    }

    static double Seconds(Action run)
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
