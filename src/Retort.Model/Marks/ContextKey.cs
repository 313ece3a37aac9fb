using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Retort.Model.Marks;

/// <summary>
/// The key that holds after one context, and 64 bits for each token under it: SipHash-1-3 (Aumasson and Bernstein, 2012) of the token's number as eight bytes,
/// little-endian. A keyed function of its own, for whoever learns some tokens' bits after a context shall not know the others'.
/// </summary>
readonly record struct ContextKey(ulong K0, ulong K1)
{
    /// <summary>SipHash's last block: the message's length, 8, in its highest byte.</summary>
    const ulong Last = 8UL << 56;

    /// <summary>The bits of one token.</summary>
    public ulong Of(int token) => Bits(Vector512.Create((ulong)token))[0];

    /// <summary>The bits of tokens 0, 1, 2 …</summary>
    public void Fill(Span<ulong> bits)
    {
        Vector512<ulong> tokens = Vector512<ulong>.Indices;
        int at = 0;
        for (; at + Vector512<ulong>.Count <= bits.Length; at += Vector512<ulong>.Count)
        {
            Bits(tokens).CopyTo(bits[at..]);
            tokens += Vector512.Create((ulong)Vector512<ulong>.Count);
        }

        for (; at < bits.Length; at++)
        {
            bits[at] = Of(at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector512<ulong> Bits(Vector512<ulong> tokens)
    {
        Vector512<ulong> v0 = Vector512.Create(K0 ^ 0x736f6d6570736575), v1 = Vector512.Create(K1 ^ 0x646f72616e646f6d);
        Vector512<ulong> v2 = Vector512.Create(K0 ^ 0x6c7967656e657261), v3 = Vector512.Create(K1 ^ 0x7465646279746573) ^ tokens;
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= tokens;
        v3 ^= Vector512.Create(Last);
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= Vector512.Create(Last);
        v2 ^= Vector512.Create(0xffUL);
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Round(ref Vector512<ulong> v0, ref Vector512<ulong> v1, ref Vector512<ulong> v2, ref Vector512<ulong> v3)
    {
        v0 += v1;
        v2 += v3;
        v1 = Turn(v1, 13) ^ v0;
        v3 = Turn(v3, 16) ^ v2;
        v0 = Turn(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = Turn(v1, 17) ^ v2;
        v3 = Turn(v3, 21) ^ v0;
        v2 = Turn(v2, 32);
    }

    static Vector512<ulong> Turn(Vector512<ulong> v, int bits) => (v << bits) | (v >>> (64 - bits));
}
