using System.Buffers.Binary;
using System.Security.Cryptography;
using Retort.Model.Marks;

namespace Retort.Tests.Model.Marks;

public class MarkHashTests
{
    /// <summary>The paper's own example, appendix A.</summary>
    [Fact]
    public void TheTwinIsThePapersSipHash()
    {
        byte[] message = [.. Enumerable.Range(0, 15).Select(i => (byte)i)];
        Assert.Equal(0xa129ca6149be45e5UL, SipHash.Of(0x0706050403020100, 0x0f0e0d0c0b0a0908, message, 2, 4));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(37)]
    [InlineData(1024)]
    public void EveryTokensBitsAreSipHashOfItsNumber(int vocabulary)
    {
        ContextKey key = new(0xfeedfacecafebeef, 0x0123456789abcdef);
        ulong[] bits = new ulong[vocabulary];
        key.Fill(bits);
        byte[] message = new byte[8];
        for (int id = 0; id < vocabulary; id++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(message, id);
            Assert.Equal(SipHash.Of(key.K0, key.K1, message, 1, 3), bits[id]);
            Assert.Equal(bits[id], key.Of(id));
        }
    }

    [Fact]
    public void AContextsKeyIsItsMessageAuthenticationCode()
    {
        byte[] key = RandomNumberGenerator.GetBytes(32), message = [0xff, 0xff, 0, 0, 5, 0, 0, 0], code = HMACSHA256.HashData(key, message);
        Assert.Equal(new(BinaryPrimitives.ReadUInt64LittleEndian(code), BinaryPrimitives.ReadUInt64LittleEndian(code.AsSpan(8))), new MarkHash(key).After([0xffff, 5]));
        Assert.NotEqual(new MarkHash(key).After([0xffff, 5]), new MarkHash(key).After([5, 0xffff]));
    }
}
