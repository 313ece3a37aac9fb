using System.Security.Cryptography;

namespace Retort.Evidence.Ledger;

/// <summary>A P-256 key in PEM from outside. No message says anything about what stands in the text.</summary>
static class P256Pem
{
    /// <param name="label">"PUBLIC KEY" or "PRIVATE KEY" (PKCS#8).</param>
    /// <exception cref="UserError">Not PEM with that label alone, not a key, or not on P-256.</exception>
    public static ECDsa Import(string pem, string label, string where)
    {
        const string Hint = "It must be one P-256 key in PEM, as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` and `openssl pkey -pubout` write it.";
        if (!PemEncoding.TryFind(pem, out PemFields fields) || !pem.AsSpan()[fields.Label].SequenceEqual(label))
        {
            throw new UserError($"There is no \"BEGIN {label}\" block", where, Hint);
        }

        byte[] der = new byte[fields.DecodedDataLength];
        ECDsa key = ECDsa.Create();
        bool isGood = false;
        try
        {
            Convert.TryFromBase64Chars(pem.AsSpan()[fields.Base64Data], der, out _);
            int read;
            if (label == "PUBLIC KEY")
            {
                key.ImportSubjectPublicKeyInfo(der, out read);
            }
            else
            {
                key.ImportPkcs8PrivateKey(der, out read);
            }

            isGood = read == der.Length && key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value == "1.2.840.10045.3.1.7";
            return isGood ? key : throw new UserError("The key is not on the curve P-256", where, Hint);
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException)
        {
            throw new UserError("The PEM block holds no elliptic curve key", where, Hint);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
            if (!isGood)
            {
                key.Dispose();
            }
        }
    }
}
