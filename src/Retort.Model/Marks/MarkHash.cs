using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Retort.Model.Marks;

/// <summary>
/// The pseudo-random function of a mark's key. The key of a context is the first 16 bytes of HMAC-SHA-256(key, the context's tokens, four bytes each,
/// little-endian); under it every token has bits of its own (<see cref="ContextKey"/>). One HMAC a step is dear enough to be sound and too dear for every token
/// of a vocabulary; SipHash under a key that is used after one context alone is the other way round.
/// </summary>
sealed class MarkHash(ReadOnlyMemory<byte> key)
{
    readonly byte[] _key = key.ToArray();

    public ContextKey After(ReadOnlySpan<int> context)
    {
        Span<byte> message = stackalloc byte[context.Length * sizeof(int)], hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        for (int i = 0; i < context.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(message[(i * sizeof(int))..], context[i]);
        }

        HMACSHA256.HashData(_key, message, hash);
        return new(BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash[sizeof(ulong)..]));
    }

    /// <summary>Below it a token's bits, as a number, are those of a green token: γ of all numbers.</summary>
    public static ulong Greens(double gamma) => (ulong)(gamma * 18446744073709551616.0);
}
