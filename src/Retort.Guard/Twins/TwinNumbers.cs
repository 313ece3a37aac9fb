namespace Retort.Guard.Twins;

/// <summary>What a ledger of twins says of its numbers.</summary>
/// <param name="Epoch">The last one; 0 before the first.</param>
/// <param name="Last">The last number that was set aside; 0 before the first.</param>
/// <param name="Twins">Numbers that became twins.</param>
/// <param name="Voids">Numbers that never will.</param>
sealed record TwinNumbers(int Epoch, DateTimeOffset EpochBegan, long Last, IReadOnlySet<long> Twins, IReadOnlySet<long> Voids)
{
    /// <exception cref="UserError">An entry is broken.</exception>
    public static TwinNumbers Of(IEnumerable<ReadOnlyMemory<byte>> entries)
    {
        (int epoch, DateTimeOffset began, long last) = (0, default, 0);
        HashSet<long> twins = [], voids = [];
        foreach ((int at, ReadOnlyMemory<byte> bytes) in entries.Index())
        {
            switch (TwinEntry.Parse(bytes.Span, $"the ledger of twins, entry {at}"))
            {
                case TwinEntry.Seed seed:
                    (epoch, began) = (seed.Epoch, seed.At);
                    break;
                case TwinEntry.Numbers numbers:
                    last = numbers.To;
                    break;
                case TwinEntry.Twin twin:
                    twins.Add(twin.Number);
                    break;
                case TwinEntry.Void some:
                    voids.UnionWith(some.All);
                    break;
            }
        }

        return new(epoch, began, last, twins, voids);
    }

    /// <summary>Numbers that were set aside and of which nothing more is said.</summary>
    public IEnumerable<long> Open()
    {
        for (long n = 1; n <= Last; n++)
        {
            if (!Twins.Contains(n) && !Voids.Contains(n))
            {
                yield return n;
            }
        }
    }
}
