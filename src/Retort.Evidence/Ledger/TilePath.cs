using System.Globalization;

namespace Retort.Evidence.Ledger;

/// <summary>
/// Where a tile lies below a log's folder, c2sp.org/tlog-tiles: <c>tile/L/N[.p/W]</c> or <c>tile/entries/N[.p/W]</c>, the index N in groups of
/// three digits, all but the last after an x (<c>x001/x234/067</c>).
/// </summary>
/// <param name="Level">Of the hashes, from 0; <see cref="Entries"/> for a bundle of entries.</param>
/// <param name="Index">Of the tile within its level.</param>
/// <param name="Width">Hashes or entries, 1 to 256; below 256 the tile is partial.</param>
readonly record struct TilePath(int Level, long Index, int Width)
{
    /// <summary>The level of entry bundles.</summary>
    public const int Entries = -1;

    /// <summary>Hashes of a full tile, entries of a full bundle.</summary>
    public const int Full = 256;

    /// <summary>Of a level: leaves are level 0, and entries stand beside them.</summary>
    const int Bits = 8, MostLevels = 8;

    /// <summary>How many hashes of a level a tree has: floor(size / 256^level).</summary>
    public static long Count(int level, long size) => level >= MostLevels ? 0 : size >> (Bits * Math.Max(level, 0));

    /// <summary>The tile at an index in a tree of a size that reaches it.</summary>
    public static TilePath Of(int level, long index, long size) => new(level, index, (int)Math.Min(Full, Count(level, size) - (index * Full)));

    /// <summary>All tiles of one level, the partial one last.</summary>
    public static IEnumerable<TilePath> OfLevel(int level, long size)
    {
        for (long index = 0; index * Full < Count(level, size); index++)
        {
            yield return Of(level, index, size);
        }
    }

    /// <summary>How many levels of tiles a tree has.</summary>
    public static int Levels(long size)
    {
        int levels = 0;
        while (Count(levels, size) > 0)
        {
            levels++;
        }

        return levels;
    }

    /// <summary>Whether a tree of this size has all hashes of the tile.</summary>
    public bool IsWithin(long size) => (Index * Full) + Width <= Count(Level, size);

    /// <summary>The folder of this index' partial tiles, relative, with '/'.</summary>
    public string PartialFolder => Stem + ".p";

    string Stem
    {
        get
        {
            string index = $"{Index % 1000:000}";
            for (long rest = Index / 1000; rest > 0; rest /= 1000)
            {
                index = $"x{rest % 1000:000}/{index}";
            }

            return $"tile/{(Level == Entries ? "entries" : Level.ToString(CultureInfo.InvariantCulture))}/{index}";
        }
    }

    /// <summary>Relative to the log's folder, with '/'.</summary>
    public override string ToString() => Width == Full ? Stem : $"{PartialFolder}/{Width}";

    /// <summary>Reads what <see cref="ToString"/> writes, and no other spelling.</summary>
    public static bool TryParse(string relative, out TilePath path)
    {
        path = default;
        string[] parts = relative.Split('/');
        if (parts.Length < 3 || parts[0] != "tile")
        {
            return false;
        }

        long level = Entries;
        if (parts[1] != "entries" && !(WholeNumber.TryRead(parts[1], out level) && level < MostLevels))
        {
            return false;
        }

        long width = Full;
        string[] groups = parts[2..];
        if (groups is [.. var before, var last, var w] && last.EndsWith(".p", StringComparison.Ordinal))
        {
            if (!WholeNumber.TryRead(w, out width) || width is < 1 or >= Full)
            {
                return false;
            }

            groups = [.. before, last[..^2]];
        }

        string digits = string.Concat(groups.Select(g => g.TrimStart('x')));
        if (digits.Length > 16 || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long index))
        {
            return false;
        }

        path = new((int)level, index, (int)width);
        return path.ToString() == relative;
    }
}
