using System.Text.Json;

namespace Retort.Guard.Hardening;

/// <summary>A few names, compared as bytes with the one a reader stands on.</summary>
sealed class JsonNames(params string[] names)
{
    readonly byte[][] _names = [.. names.Select(System.Text.Encoding.UTF8.GetBytes)];

    /// <summary>A name with escapes is none of them.</summary>
    public bool Has(in Utf8JsonReader json)
    {
        if (json.ValueIsEscaped)
        {
            return false;
        }

        foreach (byte[] name in _names)
        {
            if (json.ValueSpan.SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }
}
