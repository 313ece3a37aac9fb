using System.Buffers.Binary;

namespace Retort.Evidence.Ledger;

/// <summary>A bundle of entries as tlog-tiles keeps them: each after its length, a big-endian uint16.</summary>
static class EntryBundle
{
    /// <summary>Most bytes of one entry.</summary>
    public const int MostEntryBytes = ushort.MaxValue;

    /// <summary>Most bytes of a bundle.</summary>
    public const int MostBytes = TilePath.Full * (2 + MostEntryBytes);

    public static void Add(Stream bundle, ReadOnlySpan<byte> entry)
    {
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)entry.Length);
        bundle.Write(length);
        bundle.Write(entry);
    }

    /// <param name="count">Entries that must be there.</param>
    /// <exception cref="UserError">There are more or fewer, or the last one is cut off.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Parse(ReadOnlyMemory<byte> bundle, int count, string where)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> entries = Split(bundle, count, out string? fault);
        return fault is null ? entries : throw new UserError(fault, where, "The bundle is damaged: fetch it again, or run the audit.");
    }

    /// <summary>The entries as far as they can be read, and what is wrong, or null.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> bundle, int count, out string? fault)
    {
        fault = null;
        List<ReadOnlyMemory<byte>> entries = new(count);
        int at = 0;
        while (entries.Count < count)
        {
            int length = bundle.Length - at < 2 ? int.MaxValue - at - 2 : BinaryPrimitives.ReadUInt16BigEndian(bundle.Span[at..]);
            if (at + 2 + length > bundle.Length)
            {
                fault = $"The bundle ends within entry {entries.Count} of {count}";
                return entries;
            }

            entries.Add(bundle.Slice(at + 2, length));
            at += 2 + length;
        }

        fault = at == bundle.Length ? null : $"{bundle.Length - at} bytes follow the last of {count} entries";
        return entries;
    }
}
