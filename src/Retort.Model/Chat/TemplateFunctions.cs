using System.Globalization;
using System.Text;
using static Retort.Model.Chat.TemplateOperations;

namespace Retort.Model.Chat;

/// <summary>The functions a chat template may call by name.</summary>
static class TemplateFunctions
{
    /// <summary>Items a range may have.</summary>
    const long LongestRange = 1_000_000;

    /// <param name="time">For templates that state the date.</param>
    public static IEnumerable<TemplateValue.Callable> All(TimeProvider time) =>
        [new("range", Range), new("namespace", Namespace), new("dict", Dictionary), new("raise_exception", Raise), new("strftime_now", with => Now(time, with))];

    static TemplateValue.Sequence Range(TemplateArguments with)
    {
        long[] bounds = [.. with.Positional.Select(p => Number(p) is TemplateValue.Whole w ? w.Value : throw new ArgumentException("range takes whole numbers"))];
        (long from, long to, long step) = bounds switch
        {
            [var end] => (0L, end, 1L),
            [var start, var end] => (start, end, 1L),
            [var start, var end, var by] when by != 0 => (start, end, by),
            _ => throw new ArgumentException("range takes one to three numbers, the third not zero"),
        };
        List<TemplateValue> items = [];
        for (Int128 i = from; step > 0 ? i < to : i > to; i += step)
        {
            if (items.Count == LongestRange)
            {
                throw new ArgumentException($"a range has more than {LongestRange} numbers");
            }

            items.Add(new TemplateValue.Whole((long)i));
        }

        return new(items);
    }

    static TemplateValue.Mapping Namespace(TemplateArguments with) => Dictionary(with) with { IsNamespace = true };

    static TemplateValue.Mapping Dictionary(TemplateArguments with)
    {
        OrderedDictionary<string, TemplateValue> fields = new(StringComparer.Ordinal);
        foreach ((string name, TemplateValue value) in with.Positional.OfType<TemplateValue.Mapping>().SelectMany(m => m.Fields).Concat(with.Named))
        {
            fields[name] = value;
        }

        return new(fields);
    }

    static TemplateValue Raise(TemplateArguments with) => throw new ArgumentException(TemplateText.Of(with.Get(0, "message") ?? new TemplateValue.Text("the template refuses this conversation")));

    /// <summary>Today's date in the letters of C's strftime that templates use.</summary>
    static TemplateValue.Text Now(TimeProvider time, TemplateArguments with)
    {
        DateTimeOffset now = time.GetLocalNow();
        string format = TemplateText.Of(with.Get(0, "format") ?? throw new ArgumentException("strftime_now needs a format"));
        StringBuilder text = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            text.Append(format[++i] switch
            {
                'd' => now.ToString("dd", CultureInfo.InvariantCulture),
                'm' => now.ToString("MM", CultureInfo.InvariantCulture),
                'b' => now.ToString("MMM", CultureInfo.InvariantCulture),
                'B' => now.ToString("MMMM", CultureInfo.InvariantCulture),
                'Y' => now.ToString("yyyy", CultureInfo.InvariantCulture),
                'y' => now.ToString("yy", CultureInfo.InvariantCulture),
                'H' => now.ToString("HH", CultureInfo.InvariantCulture),
                'I' => now.ToString("hh", CultureInfo.InvariantCulture),
                'M' => now.ToString("mm", CultureInfo.InvariantCulture),
                'S' => now.ToString("ss", CultureInfo.InvariantCulture),
                'p' => now.ToString("tt", CultureInfo.InvariantCulture),
                'a' => now.ToString("ddd", CultureInfo.InvariantCulture),
                'A' => now.ToString("dddd", CultureInfo.InvariantCulture),
                'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                '%' => "%",
                var c => throw new ArgumentException($"strftime's %{c} is not supported"),
            });
        }

        return new(text.ToString());
    }
}
