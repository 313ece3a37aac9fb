namespace Retort.Model.Tokenizers;

/// <summary>
/// GPT-2's spelling of bytes as printable characters (Radford et al. 2019, bytes_to_unicode): printable Latin-1 stands for itself, the
/// other 68 bytes are U+0100 onwards in byte order.
/// </summary>
static class ByteAlphabet
{
    static readonly char[] Characters = Spell();
    static readonly Dictionary<char, byte> Bytes = Enumerable.Range(0, 256).ToDictionary(value => Characters[value], value => (byte)value);

    internal static char Character(byte value) => Characters[value];

    internal static bool TryByte(char character, out byte value) => Bytes.TryGetValue(character, out value);

    /// <summary>All 256 characters in order of code point.</summary>
    internal static IEnumerable<char> Ordered => Characters.Order();

    /// <summary>The bytes a token's spelling stands for, or null when a character of it is outside the alphabet.</summary>
    internal static byte[]? Decode(string spelling)
    {
        byte[] bytes = new byte[spelling.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!TryByte(spelling[i], out bytes[i]))
            {
                return null;
            }
        }

        return bytes;
    }

    static char[] Spell()
    {
        char[] characters = new char[256];
        int extra = 0;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[value] = (char)(printable ? value : 256 + extra++);
        }

        return characters;
    }
}
