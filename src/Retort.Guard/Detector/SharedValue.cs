namespace Retort.Guard.Detector;

/// <summary>
/// Whether accounts have a value in common, such as a payment, by how rare it is: a Pólya urn of the group's own values against everybody else's. A value
/// that a third of all accounts have, such as a client's library, is worth nothing; one that nobody else has, as many bits as there are accounts to have it.
/// </summary>
public static class SharedValue
{
    /// <summary>The natural logarithm of the likelihood ratio.</summary>
    /// <param name="values">Of the group; 0 for unknown.</param>
    /// <param name="everybody">How many accounts have a value, of the group and not.</param>
    /// <param name="accounts">Accounts of which it is known, of the group and not.</param>
    public static double LogRatio(ReadOnlySpan<ulong> values, IReadOnlyDictionary<ulong, int> everybody, int accounts)
    {
        Dictionary<ulong, int> inGroup = [], drawn = [];
        int known = 0;
        foreach (ulong value in values)
        {
            if (value != 0)
            {
                inGroup[value] = inGroup.GetValueOrDefault(value) + 1;
                known++;
            }
        }

        double log = 0;
        int others = accounts - known, seen = 0;
        foreach (ulong value in values)
        {
            if (value == 0)
            {
                continue;
            }

            double chance = (Math.Max(everybody.GetValueOrDefault(value) - inGroup[value], 0) + 1.0) / (others + 2.0);
            log += Math.Log((drawn.GetValueOrDefault(value) + chance) / (seen + 1) / chance);
            drawn[value] = drawn.GetValueOrDefault(value) + 1;
            seen++;
        }

        // Half of the prior is on there being nothing in it.
        return log > 30 ? log - Math.Log(2) : Math.Log((1 + Math.Exp(log)) / 2);
    }
}
