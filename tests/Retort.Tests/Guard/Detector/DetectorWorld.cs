using Retort.Evidence.Statistics;
using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Tests.Guard.Detector;

/// <summary>Prompts out of nothing, and a population that asks them.</summary>
static class DetectorWorld
{
    public const long Hour = 3_600_000;

    static readonly string[] s_syllables = ["ba", "ko", "ri", "tel", "mun", "sha", "vor", "pi", "lan", "dek", "os", "fru", "gim", "hel", "ju", "nar"];

    /// <summary>A word that hardly another number has.</summary>
    public static string Word(long number)
    {
        ulong hash = PlainWords.Mix((ulong)number);
        return string.Concat(Enumerable.Range(0, 8).Select(i => s_syllables[(int)(hash >> (4 * i)) & 15]));
    }

    /// <summary>A sentence of its own words, into which numbers are put.</summary>
    public static string Form(int number, RandomStream random) =>
        string.Join(' ', Enumerable.Range(0, 24).Select(i => i % 6 == 5 ? (10 + random.NextInt(89)).ToString(System.Globalization.CultureInfo.InvariantCulture) : Word((number * 100L) + i)));

    public static SeenRequest Ask(long account, double hour, string prompt) => new(account, (long)(hour * Hour), prompt, default, default);

    /// <summary>Honest accounts at hours of their own, each with forms nobody else has.</summary>
    public static void Honest(Population population, int accounts, int prompts, double hours, RandomStream random)
    {
        for (int a = 1; a <= accounts; a++)
        {
            for (int i = 0; i < prompts; i++)
            {
                population.Add(Ask(a, random.NextDouble() * hours, Form(1_000_000 + (a * 1000) + i, random)));
            }
        }
    }
}
