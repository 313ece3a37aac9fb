using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;

namespace Retort.Evidence.Ledger;

/// <summary>
/// A time stamp authority's word, RFC 3161, that a checkpoint existed at a time. Stamped is the SHA-256 of the checkpoint's signed text (the
/// lines before the empty one), so that a witness' later signature leaves the stamp valid.
/// </summary>
public sealed class TimeStamp
{
    const string TimeStamping = "1.3.6.1.5.5.7.3.8", TokenInfo = "1.2.840.113549.1.9.16.1.4", Sha256 = "2.16.840.1.101.3.4.2.1";

    /// <summary>Most bytes of a response that is read.</summary>
    const int MostBytes = 1 << 20;

    readonly ReadOnlyMemory<byte> _token;
    readonly Rfc3161TimestampTokenInfo _info;
    readonly X509Certificate2Collection _certificates;

    TimeStamp(ReadOnlyMemory<byte> token, Rfc3161TimestampTokenInfo info, X509Certificate2Collection certificates) =>
        (_token, _info, _certificates) = (token, info, certificates);

    /// <summary>When, by the authority's clock. To be believed once <see cref="Verify"/> says that it holds.</summary>
    public DateTimeOffset Time => _info.Timestamp;

    /// <summary>The request to send, DER (<c>application/timestamp-query</c>; what <c>openssl ts -query -sha256 -cert</c> makes).</summary>
    /// <param name="nonce">Random bytes that the authority repeats; none, and an old answer may be sent again.</param>
    public static byte[] Request(Checkpoint checkpoint, ReadOnlyMemory<byte>? nonce = null) =>
        Rfc3161TimestampRequest.CreateFromHash(Imprint(checkpoint), HashAlgorithmName.SHA256, nonce: nonce, requestSignerCertificates: true).Encode();

    /// <summary>Reads a response from a file.</summary>
    /// <exception cref="UserError">As for <see cref="Parse"/>, or it cannot be read.</exception>
    public static TimeStamp Read(string path) => Parse(InputFile.ReadAll(path, MostBytes), path);

    /// <summary>Reads a response (<c>application/timestamp-reply</c>). Nothing is verified.</summary>
    /// <exception cref="UserError">It is none, or says that the authority refused.</exception>
    public static TimeStamp Parse(ReadOnlyMemory<byte> response, string where)
    {
        const string Hint = "It must be the authority's whole answer, a DER TimeStampResp.";
        try
        {
            AsnReader reader = new(response, AsnEncodingRules.BER);
            AsnReader fields = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            AsnReader status = fields.ReadSequence();
            if (!status.TryReadInt32(out int code) || code is not (0 or 1))
            {
                throw new UserError($"The authority refused (status {code})", where, "Ask again, or ask another authority.");
            }

            ReadOnlyMemory<byte> encoded = fields.ReadEncodedValue();
            fields.ThrowIfNotEmpty();
            SignedCms signed = new();
            signed.Decode(encoded.Span);
            return signed.ContentInfo.ContentType.Value == TokenInfo && Rfc3161TimestampTokenInfo.TryDecode(signed.ContentInfo.Content, out Rfc3161TimestampTokenInfo? info, out _)
                ? new(encoded, info, signed.Certificates)
                : throw new UserError("The response holds no time stamp", where, Hint);
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            throw new UserError("This is not a time stamp response", where, Hint);
        }
    }

    /// <summary>Whether this is for a checkpoint and by a trusted authority. Revocation is not looked up.</summary>
    /// <param name="authority">The authority's own certificate, or the root it leads to.</param>
    public TimeStampVerdict Verify(Checkpoint checkpoint, X509Certificate2 authority)
    {
        byte[] imprint = Imprint(checkpoint);
        if (_info.HashAlgorithmId.Value != Sha256 || !_info.GetMessageHash().Span.SequenceEqual(imprint))
        {
            return TimeStampVerdict.OtherContent;
        }

        try
        {
            // Already the decoder refuses a token whose attributes or certificate do not fit its signature.
            if (!Rfc3161TimestampToken.TryDecode(_token, out Rfc3161TimestampToken? token, out _)
                || !token.VerifySignatureForHash(imprint, HashAlgorithmName.SHA256, out X509Certificate2? signer, [authority]))
            {
                return TimeStampVerdict.BadSignature;
            }

            return Leads(signer, authority) ? TimeStampVerdict.Holds : TimeStampVerdict.OtherAuthority;
        }
        catch (CryptographicException)
        {
            return TimeStampVerdict.BadSignature;
        }
    }

    bool Leads(X509Certificate2 signer, X509Certificate2 authority)
    {
        if (signer.RawDataMemory.Span.SequenceEqual(authority.RawDataMemory.Span))
        {
            return Time.UtcDateTime >= signer.NotBefore.ToUniversalTime() && Time.UtcDateTime <= signer.NotAfter.ToUniversalTime();
        }

        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.ExtraStore.AddRange(_certificates);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(TimeStamping));
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = Time.UtcDateTime;
        return chain.Build(signer);
    }

    static byte[] Imprint(Checkpoint checkpoint) => SHA256.HashData(checkpoint.SignedBytes());
}
