using System.Security.Cryptography;
using System.Text;

namespace Retort.Evidence.Ledger;

/// <summary>Who signs: a name and an ECDSA P-256 private key, of a log or of a witness. Nothing but <see cref="Write"/> gives the key away.</summary>
public sealed class LedgerKey : IDisposable
{
    const int MostBytes = 1 << 16;

    readonly ECDsa _key;

    LedgerKey(string name, ECDsa key) => (_key, Public) = (key, new(name, key));

    /// <summary>What others need to verify.</summary>
    public LedgerPublicKey Public { get; }

    public string Name => Public.Name;

    /// <summary>A new key, from the system's random numbers.</summary>
    /// <param name="name">Of a log, its origin; without spaces and plus signs.</param>
    public static LedgerKey Make(string name) => new(name, ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads a PEM file with a P-256 private key in PKCS#8.</summary>
    /// <exception cref="UserError">It cannot be read or holds no such key.</exception>
    public static LedgerKey Read(string path, string name) => Parse(TextFile.Read(path, MostBytes), name, path);

    /// <summary>Reads PEM text ("BEGIN PRIVATE KEY").</summary>
    /// <exception cref="UserError">It holds no P-256 private key in PKCS#8.</exception>
    public static LedgerKey Parse(string pem, string name, string where) => new(name, P256Pem.Import(pem, "PRIVATE KEY", where));

    /// <summary>Writes the private key as PEM (PKCS#8), readable by its owner alone.</summary>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string path)
    {
        byte[] der = _key.ExportPkcs8PrivateKey();
        byte[] pem = Encoding.ASCII.GetBytes(PemEncoding.WriteString("PRIVATE KEY", der) + "\n");
        SecretFile.Write(path, pem);
        CryptographicOperations.ZeroMemory(der);
        CryptographicOperations.ZeroMemory(pem);
    }

    /// <summary>A DER signature: ECDSA with SHA-256 over the message.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message) => _key.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>Name and key hash of the public key.</summary>
    public override string ToString() => Public.ToString();

    public void Dispose() => _key.Dispose();
}
