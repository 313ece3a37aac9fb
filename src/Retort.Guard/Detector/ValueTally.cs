namespace Retort.Guard.Detector;

/// <summary>The value that comes most often, in constant memory (Misra and Gries 1982, "Finding repeated elements"); exact for up to four values.</summary>
public sealed class ValueTally
{
    const int Kept = 4;

    readonly ulong[] _values = new ulong[Kept];
    readonly int[] _counts = new int[Kept];

    /// <summary>0 where nothing was counted, or unknown values most.</summary>
    public ulong Most => _values[Array.IndexOf(_counts, _counts.Max())];

    public void Add(ulong value)
    {
        int free = -1;
        for (int i = 0; i < Kept; i++)
        {
            if (_counts[i] > 0 && _values[i] == value)
            {
                _counts[i]++;
                return;
            }

            free = _counts[i] == 0 ? i : free;
        }

        if (free >= 0)
        {
            (_values[free], _counts[free]) = (value, 1);
            return;
        }

        for (int i = 0; i < Kept; i++)
        {
            _counts[i]--;
        }
    }
}
