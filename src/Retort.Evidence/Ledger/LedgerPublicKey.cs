using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Retort.Evidence.Ledger;

/// <summary>
/// Who signs, as others know them: a name and an ECDSA P-256 public key. The key hash, with which a signature line names its key, is the
/// first four bytes of the SHA-256 of the DER SubjectPublicKeyInfo, as the ECDSA type of c2sp.org/signed-note and Sigstore's logs have it.
/// </summary>
public sealed class LedgerPublicKey
{
    const int MostBytes = 1 << 16;

    readonly byte[] _subjectPublicKeyInfo;

    internal LedgerPublicKey(string name, ECDsa key)
    {
        CheckName(name);
        Name = name;
        _subjectPublicKeyInfo = key.ExportSubjectPublicKeyInfo();
        Fingerprint = Digest.Of(_subjectPublicKeyInfo);
        Hash = BinaryPrimitives.ReadUInt32BigEndian(Fingerprint.ToArray());
    }

    /// <summary>Of a log, its origin: a URL without scheme, for example <c>example.com/ledger</c>.</summary>
    public string Name { get; }

    /// <summary>The four bytes that signature lines carry, big-endian.</summary>
    public uint Hash { get; }

    /// <summary>SHA-256 of the DER SubjectPublicKeyInfo.</summary>
    public Digest Fingerprint { get; }

    /// <summary>Reads a PEM file with a P-256 public key.</summary>
    /// <exception cref="UserError">It cannot be read or holds no such key.</exception>
    public static LedgerPublicKey Read(string path, string name) => Parse(TextFile.Read(path, MostBytes), name, path);

    /// <summary>Reads PEM text ("BEGIN PUBLIC KEY").</summary>
    /// <exception cref="UserError">It holds no P-256 public key.</exception>
    public static LedgerPublicKey Parse(string pem, string name, string where)
    {
        CheckName(name);
        using ECDsa key = P256Pem.Import(pem, "PUBLIC KEY", where);
        return new(name, key);
    }

    /// <summary>The key as PEM text.</summary>
    public string ToPem() => PemEncoding.WriteString("PUBLIC KEY", _subjectPublicKeyInfo) + "\n";

    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string path) => AtomicFile.WriteAllBytes(path, Encoding.ASCII.GetBytes(ToPem()));

    /// <summary>Whether a DER signature (ECDSA with SHA-256) over a message is by this key.</summary>
    public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        using ECDsa key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(_subjectPublicKeyInfo, out _);
        return key.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    public override string ToString() => $"{Name}+{Hash:x8}";

    /// <summary>Whether a key may have this name (c2sp.org/signed-note): not empty, without spaces, plus signs and control characters.</summary>
    public static bool IsName(string name) => name.Length > 0 && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c == '+');

    static void CheckName(string name)
    {
        if (!IsName(name))
        {
            throw new ArgumentException("A key's name has no spaces and no plus sign, and is not empty.", nameof(name));
        }
    }
}
