namespace Retort.Samples.Tales;

public enum TaleSplit
{
    Train,
    HeldOut,
}

/// <summary>Weights of the kinds of document; only their proportions count.</summary>
public sealed record TaleShares(double Story = 0.30, double Write = 0.14, double Continue = 0.14, double Answer = 0.14, double Facts = 0.14, double Mood = 0.14, double Talk = 0)
{
    /// <summary>To read from: stories alone, of which nothing is asked.</summary>
    public static TaleShares Stories { get; } = new(1, 0, 0, 0, 0, 0);

    /// <summary>To teach from: a talk asks fourteen things of one story, where a task asks one, and reading is what takes longest to learn.</summary>
    public static TaleShares Lessons { get; } = new(Story: 0.10, Write: 0.25, Continue: 0.10, Answer: 0.06, Facts: 0.08, Mood: 0.06, Talk: 0.35);
}

/// <summary>One training or test text. <paramref name="Prompt"/> is empty for a plain story, whose kind is "story"; <paramref name="Task"/> is null for it
/// and for a "talk", whose <paramref name="Answer"/> holds the turns after the first question.</summary>
public sealed record TaleDocument(string Prompt, string Answer, string Kind, TaleTask? Task)
{
    public string Text => TaleChat.ToChat(Prompt, Answer);
}

/// <summary>Documents without end, from two worlds that never meet: the splits use disjoint seeds, and disjoint combinations of hero, kind, thing, look and place.</summary>
public static class TaleCorpus
{
    public const string Story = "story";
    public const string Talk = "talk";

    const ulong HeldOutBit = 1UL << 63;

    /// <summary>The <paramref name="count"/> first documents of the stream named by <paramref name="seed"/>; a longer stream begins with a shorter one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A share is negative or not finite, or all are zero.</exception>
    public static IEnumerable<TaleDocument> Documents(ulong seed, int count, TaleSplit split, TaleShares? shares = null)
    {
        var weights = Weights(shares ?? new TaleShares());
        return Stream(seed, count, split, weights);
    }

    /// <summary>Whether <paramref name="storySeed"/> may be used in <paramref name="split"/>, by its range and by its story's combination.</summary>
    public static bool Belongs(ulong storySeed, TaleSplit split)
    {
        var heldOut = split == TaleSplit.HeldOut;
        return (storySeed & HeldOutBit) != 0 == heldOut && TaleGenerator.IsHeldOut(storySeed) == heldOut;
    }

    static IEnumerable<TaleDocument> Stream(ulong seed, int count, TaleSplit split, (string Kind, double Weight)[] weights)
    {
        var random = new SplitMix64(SplitMix64.Mix(seed) ^ (split == TaleSplit.HeldOut ? HeldOutBit : 0));
        var total = weights.Sum(entry => entry.Weight);
        for (var made = 0; made < count; made++)
        {
            var kind = Pick(weights, random.Next() / 18446744073709551616.0 * total);
            ulong storySeed;
            do
            {
                storySeed = split == TaleSplit.HeldOut ? random.Next() | HeldOutBit : random.Next() & ~HeldOutBit;
            }
            while (!Belongs(storySeed, split));

            if (kind == Story)
            {
                yield return new TaleDocument("", TaleGenerator.Generate(storySeed).Text, Story, null);
            }
            else if (kind == Talk)
            {
                var (story, turns) = TaleTasks.Talk(storySeed);
                yield return new TaleDocument($"{story}\n{turns[0].Question}", TaleChat.ToTurns(turns), Talk, null);
            }
            else
            {
                var task = TaleTasks.Generate(storySeed, kind);
                yield return new TaleDocument(task.Prompt, task.Gold, kind, task);
            }
        }
    }

    static (string Kind, double Weight)[] Weights(TaleShares shares)
    {
        (string Kind, double Weight)[] weights =
        [
            (Story, shares.Story), (TaleTasks.Write, shares.Write), (TaleTasks.Continue, shares.Continue),
            (TaleTasks.Answer, shares.Answer), (TaleTasks.Facts, shares.Facts), (TaleTasks.Mood, shares.Mood), (Talk, shares.Talk),
        ];
        if (weights.Any(entry => !double.IsFinite(entry.Weight) || entry.Weight < 0) || weights.All(entry => entry.Weight == 0))
        {
            throw new ArgumentOutOfRangeException(nameof(shares), shares, "shares are finite, not negative, and not all zero");
        }
        return weights;
    }

    static string Pick((string Kind, double Weight)[] weights, double at)
    {
        foreach (var (kind, weight) in weights)
        {
            if (at < weight)
            {
                return kind;
            }
            at -= weight;
        }
        return weights.Last(entry => entry.Weight > 0).Kind;
    }
}
