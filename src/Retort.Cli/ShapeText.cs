using System.Globalization;
using Retort.Model.Llama;

namespace Retort.Cli;

/// <summary>A model's shape as one writes it on a command line: hidden, layers, heads, key-value heads, feed-forward width and, where asked, vocabulary.</summary>
static class ShapeText
{
    public const string Form = "H,L,HEADS,KV,FFN";

    /// <summary>Whether it was meant as a shape: numbers and commas. How many is for <see cref="Parse"/> to say.</summary>
    public static bool Is(string text) => text.Contains(',', StringComparison.Ordinal) && text.All(c => char.IsAsciiDigit(c) || c == ',');

    /// <param name="where">The option it came from.</param>
    /// <param name="vocabulary">Null reads it as the sixth number.</param>
    /// <exception cref="UserError">It is not such a list, or no model has that shape.</exception>
    public static LlamaConfig Parse(string text, string where, int context, int? vocabulary)
    {
        string form = vocabulary is null ? Form + ",VOCAB" : Form;
        string[] parts = text.Split(',');
        int[] n = [.. parts.Select(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : -1)];
        if (n.Length != (vocabulary is null ? 6 : 5) || n.Any(v => v < 1))
        {
            throw new UserError($"'{text}' is not a shape", where, $"Write it as {form}, for example {(vocabulary is null ? "64,5,8,4,172,512" : "64,5,8,4,172")}.");
        }

        if (n[0] % n[2] != 0)
        {
            throw new UserError($"{n[0]} channels do not divide among {n[2]} heads", where, "Take a width that is a multiple of the heads.");
        }

        LlamaConfig config = new()
        {
            Hidden = n[0],
            Layers = n[1],
            Heads = n[2],
            KeyValueHeads = n[3],
            HeadSize = n[0] / n[2],
            FeedForward = n[4],
            Vocabulary = vocabulary ?? n[5],
            Context = context,
        };
        config.Validate(where);
        return config;
    }
}
