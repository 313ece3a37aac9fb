using System.Buffers.Text;

namespace Retort.Guard.Hardening;

/// <summary>Escapes such as \ud83d in JSON texts: half a pair is no character, and programs differ in what they make of it.</summary>
static class SurrogateEscapes
{
    /// <summary>Whether every half of a pair has its other half behind it.</summary>
    /// <param name="text">Between the quotes, with escapes, valid JSON.</param>
    public static bool ArePairs(ReadOnlySpan<byte> text)
    {
        for (int at = text.IndexOf((byte)'\\'); at >= 0;)
        {
            int length = 2;
            if (text[at + 1] == 'u')
            {
                length = 6;
                int unit = Unit(text[(at + 2)..]);
                if (char.IsLowSurrogate((char)unit))
                {
                    return false;
                }

                if (char.IsHighSurrogate((char)unit))
                {
                    ReadOnlySpan<byte> rest = text[(at + 6)..];
                    if (rest.Length < 6 || rest[0] != '\\' || rest[1] != 'u' || !char.IsLowSurrogate((char)Unit(rest[2..])))
                    {
                        return false;
                    }

                    length = 12;
                }
            }

            int next = text[(at + length)..].IndexOf((byte)'\\');
            at = next < 0 ? -1 : at + length + next;
        }

        return true;
    }

    /// <summary>The reader has seen that these are four digits.</summary>
    static int Unit(ReadOnlySpan<byte> digits) => Utf8Parser.TryParse(digits[..4], out ushort unit, out _, 'x') ? unit : 0;
}
