using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Twins;

/// <summary>
/// The seed of an epoch: 32 bytes that follow from the ledger's secret, so that an epoch's can be shown without the others'. Its commitment is in the ledger
/// before the first coin is thrown with it. From it follow which requests are twinned and, for each twin's number, the coin.
/// </summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Key">Shown when the epoch's twins are examined; until then, whoever has it knows which answers were served.</param>
/// <param name="Salt">Of its commitment.</param>
public sealed record TwinSeed(int Epoch, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Salt)
{
    internal static TwinSeed Of(CommitmentSecret secret, int epoch) => new(epoch, secret.Salt(Name(epoch, "key")), secret.Salt(Name(epoch, "salt")));

    public Commitment Commitment => Commitment.To(Salt.Span, Key.Span);

    /// <summary>The coin of a twin: the lowest bit of HMAC-SHA-256(seed, "coin/" and the number in decimal). 0 serves the first answer, 1 the second.</summary>
    public int Coin(long number) => Function("coin", number.ToString(CultureInfo.InvariantCulture))[^1] & 1;

    /// <summary>Whether a request is twinned, at a share of requests. Who asks cannot tell, and who serves cannot choose.</summary>
    /// <param name="request">An id that the server made, once for every request.</param>
    public bool Draws(string request, double share) => BinaryPrimitives.ReadUInt64BigEndian(Function("draw", request)) * (1.0 / 18446744073709551616.0) < share;

    byte[] Function(string what, string of) => HMACSHA256.HashData(Key.Span, Encoding.UTF8.GetBytes($"{what}/{of}"));

    static string Name(int epoch, string what) => string.Create(CultureInfo.InvariantCulture, $"twin seed/{epoch}/{what}");

    /// <summary>Nothing of the seed.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"seed of epoch {Epoch}");
}
