using System.Runtime.InteropServices;
using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>
/// What of the questions and answers that a run tests on is their own, and not the wording of the whole run. Train and test are of one source here, so an exam's
/// own items do not show what is wording, and all prompts are counted:
/// <list type="bullet">
/// <item>a run of words in more than ten prompts, or in more than a quarter of four and more, is a template's or everybody's way of answering; an n-gram that has a word of such a run
/// of the shortest length is not looked for</item>
/// <item>one in the questions of more than three prompts is what they are about, as a passage that is asked about several times</item>
/// <item>texts of fewer words than n are not compared: no prompt stands on both sides, and what is nearly the same is a near duplicate</item>
/// </list>
/// Only n-grams of the tested texts are counted, so memory grows with these alone.
/// </summary>
sealed class RunWording
{
    const int MostPrompts = 10, FewestPrompts = 4, MostQuestions = 3;

    readonly Dictionary<int, Dictionary<ulong, (int Prompts, int Questions)>> _counts;
    readonly int _shortest, _prompts;

    /// <param name="heldOut">Prompts that are tested on, each once.</param>
    /// <param name="trained">Prompts that are trained on, each once.</param>
    /// <param name="grams">Lengths in words.</param>
    public RunWording(IReadOnlyList<EvaluationItem> heldOut, IReadOnlyList<EvaluationItem> trained, IReadOnlyList<int> grams)
    {
        (_shortest, _prompts) = (grams.Min(), heldOut.Count + trained.Count);
        _counts = grams.ToDictionary(n => n, n => heldOut.SelectMany(i => Texts(i).SelectMany(t => Grams(t, n))).Distinct().ToDictionary(k => k, _ => (0, 0)));
        foreach (EvaluationItem item in heldOut.Concat(trained))
        {
            Count(item);
        }
    }

    /// <summary>N-grams of an item that are its own.</summary>
    public IEnumerable<ulong> Own(EvaluationItem item, int gram) => Texts(item).SelectMany(words => Own(words, gram)).Distinct();

    /// <summary>N-grams of all items that are looked at and passed over.</summary>
    public int PassedOver(int gram, int kept) => _counts[gram].Count - kept;

    IEnumerable<ulong> Own(IReadOnlyList<PlainWord> words, int gram)
    {
        bool[] wording = new bool[words.Count];
        foreach ((int at, ulong key) in Grams(words, _shortest).Index())
        {
            if (IsWording(_counts[_shortest][key].Prompts))
            {
                wording.AsSpan(at, _shortest).Fill(true);
            }
        }

        return Grams(words, gram).Index().Where(k => !wording.AsSpan(k.Index, gram).Contains(true) && _counts[gram][k.Item] is var count && !IsWording(count.Prompts) && count.Questions <= MostQuestions).Select(k => k.Item);
    }

    bool IsWording(int prompts) => prompts > MostPrompts || (prompts >= FewestPrompts && prompts > _prompts / 4);

    void Count(EvaluationItem item)
    {
        foreach ((int gram, Dictionary<ulong, (int Prompts, int Questions)> counts) in _counts)
        {
            HashSet<ulong> asked = [.. Grams(PlainWords.Of(item.Question), gram)];
            foreach (ulong key in asked.Concat(item.Answer is null ? [] : Grams(PlainWords.Of(item.Answer), gram)).Distinct())
            {
                ref (int Prompts, int Questions) count = ref CollectionsMarshal.GetValueRefOrNullRef(counts, key);
                if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref count))
                {
                    count = (count.Prompts + 1, count.Questions + (asked.Contains(key) ? 1 : 0));
                }
            }
        }
    }

    static IEnumerable<IReadOnlyList<PlainWord>> Texts(EvaluationItem item) => item.Answer is null ? [PlainWords.Of(item.Question)] : [PlainWords.Of(item.Question), PlainWords.Of(item.Answer)];

    static ulong[] Grams(IReadOnlyList<PlainWord> words, int gram) => words.Count < gram ? [] : Contamination.Keys(words, gram);
}
