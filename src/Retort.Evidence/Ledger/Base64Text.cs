using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace Retort.Evidence.Ledger;

/// <summary>Base64 by RFC 4648, section 4, in its one canonical form: padded, without spaces, no bits left over. A second spelling of the same
/// bytes would be a change that no signature notices.</summary>
static class Base64Text
{
    public static bool TryRead(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        byte[] room = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length) + 2];
        if (!Convert.TryFromBase64String(text, room, out int count) || Convert.ToBase64String(room.AsSpan(0, count)) != text)
        {
            return false;
        }

        bytes = room[..count];
        return true;
    }

    public static bool TryReadDigest(string text, out Digest digest)
    {
        bool is32 = TryRead(text, out byte[]? bytes) && bytes.Length == Digest.Length;
        digest = is32 ? new(bytes) : default;
        return is32;
    }
}
