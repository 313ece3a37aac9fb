namespace Retort.Guard.Indicators;

/// <summary>Numbers as indicators tell them: the next step of 1, 2, 5, 10, 20, 50 … below, so that no count singles out a customer.</summary>
static class CoarseStep
{
    const int Most = 1_000_000_000;

    /// <summary>The step at or below a positive number.</summary>
    public static int Below(long number)
    {
        int step = 1;
        for (int next = 1; next <= Math.Min(number, Most); next = Next(next))
        {
            step = next;
        }

        return step;
    }

    public static bool Is(int number) => number > 0 && Below(number) == number;

    static int Next(int step) => step.ToString(System.Globalization.CultureInfo.InvariantCulture)[0] == '2' ? step / 2 * 5 : step * 2;
}
