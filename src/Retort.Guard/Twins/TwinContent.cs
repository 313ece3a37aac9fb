using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Twins;

/// <summary>What a twin is of, in the clear.</summary>
/// <param name="Number">Set aside in the ledger before either answer was drawn.</param>
/// <param name="Account">As the guard numbers it.</param>
/// <param name="Prompt">As the model read it.</param>
/// <param name="First">The answer that was drawn first.</param>
/// <param name="Second">The other, from a seed of its own.</param>
public sealed record TwinContent(long Number, DateTimeOffset At, string Account, string Prompt, string First, string Second)
{
    const int NonceLength = 12, TagLength = 16;

    /// <summary>Nonce, tag and AES-256-GCM of the contents, bound to the number and the ledger.</summary>
    /// <param name="ledger">The ledger's name.</param>
    internal byte[] Seal(byte[] key, string ledger)
    {
        byte[] plain = CanonicalJson.Write(new JsonObject { ["at"] = At.ToUnixTimeMilliseconds(), ["account"] = Account, ["prompt"] = Prompt, ["first"] = First, ["second"] = Second });
        byte[] box = new byte[NonceLength + TagLength + plain.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceLength));
        using AesGcm cipher = new(key, TagLength);
        cipher.Encrypt(box.AsSpan(0, NonceLength), plain, box.AsSpan(NonceLength + TagLength), box.AsSpan(NonceLength, TagLength), Bound(Number, ledger));
        CryptographicOperations.ZeroMemory(plain);
        return box;
    }

    /// <exception cref="UserError">It was sealed with another key, for another number or ledger, or was changed.</exception>
    internal static TwinContent Open(ReadOnlySpan<byte> box, long number, byte[] key, string ledger, string where)
    {
        const string Hint = "Start with the secret under which the twin was sealed; without it, or once a byte was changed, the text is lost.";
        if (box.Length < NonceLength + TagLength)
        {
            throw new UserError($"the text of twin {number} cannot be opened", where, Hint);
        }

        byte[] plain = new byte[box.Length - NonceLength - TagLength];
        try
        {
            using AesGcm cipher = new(key, TagLength);
            cipher.Decrypt(box[..NonceLength], box[(NonceLength + TagLength)..], box.Slice(NonceLength, TagLength), plain, Bound(number, ledger));
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new UserError($"the text of twin {number} cannot be opened", where, Hint);
        }

        JsonFields fields = JsonFields.Parse(plain, where);
        return new(number, DateTimeOffset.FromUnixTimeMilliseconds((long)fields.Double("at")), fields.Text("account"), fields.Text("prompt"), fields.Text("first"), fields.Text("second"));
    }

    static byte[] Bound(long number, string ledger)
    {
        byte[] bound = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bound, number);
        return [.. bound, .. Encoding.UTF8.GetBytes(ledger)];
    }

    /// <summary>Nothing of the texts.</summary>
    public override string ToString() => $"twin {Number}";
}
