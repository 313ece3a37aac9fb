namespace Retort.Guard.Hardening;

/// <summary>The names of the objects that are open while JSON is read, to tell one that is given twice. A name is kept as 64 bits: two equal ones never differ, and two others are taken for equal once in 10¹³ objects of a thousand names.</summary>
sealed class ObjectNames
{
    /// <summary>Names of one object.</summary>
    public const int Most = 1024;

    const int DeepestDepth = 257;

    readonly int[] _starts = new int[DeepestDepth];
    ulong[] _hashes = new ulong[256];
    int _count;

    public void Clear() => _count = 0;

    public void Open(int depth) => _starts[depth] = _count;

    public void Close(int depth) => _count = _starts[depth];

    /// <summary>Names of the object at a depth.</summary>
    public int CountAt(int depth) => _count - _starts[depth];

    /// <summary>False where the object at this depth has the name already.</summary>
    public bool Add(int depth, ReadOnlySpan<byte> name)
    {
        ulong hash = Hash(name);
        if (_hashes.AsSpan(_starts[depth], _count - _starts[depth]).Contains(hash))
        {
            return false;
        }

        if (_count == _hashes.Length)
        {
            Array.Resize(ref _hashes, _count * 2);
        }

        _hashes[_count++] = hash;
        return true;
    }

    /// <summary>FNV-1a with a last mixing.</summary>
    static ulong Hash(ReadOnlySpan<byte> name)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in name)
        {
            hash = (hash ^ b) * 1099511628211;
        }

        hash ^= hash >> 32;
        return hash * 0x9E3779B97F4A7C15;
    }
}
