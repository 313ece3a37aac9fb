using System.Buffers.Binary;
using System.Numerics;

namespace Retort.Tests.Model.Marks;

/// <summary>SipHash-c-d as the paper writes it (Aumasson and Bernstein, 2012), for any message.</summary>
static class SipHash
{
    public static ulong Of(ulong k0, ulong k1, ReadOnlySpan<byte> message, int compressions, int finals)
    {
        ulong[] v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573];
        byte[] padded = new byte[(message.Length + 8) / 8 * 8];
        message.CopyTo(padded);
        padded[^1] = (byte)message.Length;
        for (int at = 0; at < padded.Length; at += 8)
        {
            ulong m = BinaryPrimitives.ReadUInt64LittleEndian(padded.AsSpan(at));
            v[3] ^= m;
            Rounds(v, compressions);
            v[0] ^= m;
        }

        v[2] ^= 0xff;
        Rounds(v, finals);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
    }

    static void Rounds(ulong[] v, int count)
    {
        for (int i = 0; i < count; i++)
        {
            v[0] += v[1];
            v[1] = BitOperations.RotateLeft(v[1], 13) ^ v[0];
            v[0] = BitOperations.RotateLeft(v[0], 32);
            v[2] += v[3];
            v[3] = BitOperations.RotateLeft(v[3], 16) ^ v[2];
            v[0] += v[3];
            v[3] = BitOperations.RotateLeft(v[3], 21) ^ v[0];
            v[2] += v[1];
            v[1] = BitOperations.RotateLeft(v[1], 17) ^ v[2];
            v[2] = BitOperations.RotateLeft(v[2], 32);
        }
    }
}
