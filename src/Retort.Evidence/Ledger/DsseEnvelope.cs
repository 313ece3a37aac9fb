using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Retort.Evidence.Ledger;

/// <summary>One signature of an envelope.</summary>
/// <param name="KeyId">A hint which key it is by, which nothing vouches for; may be empty.</param>
/// <param name="Value">DER, ECDSA P-256 with SHA-256.</param>
public sealed record DsseSignature(string KeyId, ReadOnlyMemory<byte> Value);

/// <summary>
/// A payload of any type with signatures: the Dead Simple Signing Envelope (secure-systems-lab/dsse, protocol and JSON form version 1). Signed
/// is the pre-authentication encoding, which binds the type as well.
/// </summary>
/// <param name="PayloadType">A media type or URI, for example <c>application/vnd.in-toto+json</c>.</param>
/// <param name="Payload">As it was signed; never parsed before it is verified, never canonicalised.</param>
public sealed record DsseEnvelope(string PayloadType, ReadOnlyMemory<byte> Payload, IReadOnlyList<DsseSignature> Signatures)
{
    const int MostBytes = 64 << 20;

    /// <summary>Signs a payload with one or more keys; the key id is the SHA-256 of the key's DER SubjectPublicKeyInfo.</summary>
    public static DsseEnvelope Sign(string payloadType, ReadOnlyMemory<byte> payload, params ReadOnlySpan<LedgerKey> keys)
    {
        byte[] message = PreAuthenticationEncoding(payloadType, payload.Span);
        List<DsseSignature> signatures = [];
        foreach (LedgerKey key in keys)
        {
            signatures.Add(new(key.Public.Fingerprint.ToString(), key.Sign(message)));
        }

        return new(payloadType, payload, signatures);
    }

    /// <summary>"DSSEv1", length and text of the type, length and bytes of the payload, each after a space. Lengths are in bytes.</summary>
    public static byte[] PreAuthenticationEncoding(string payloadType, ReadOnlySpan<byte> payload) =>
        [.. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"DSSEv1 {Encoding.UTF8.GetByteCount(payloadType)} {payloadType} {payload.Length} ")), .. payload];

    /// <summary>Whether one of the signatures is by this key. Key ids are not trusted, and not needed.</summary>
    public bool IsSignedBy(LedgerPublicKey key)
    {
        byte[] message = PreAuthenticationEncoding(PayloadType, Payload.Span);
        return Signatures.Any(s => key.Verifies(message, s.Value.Span));
    }

    /// <exception cref="UserError">The file cannot be read or is no envelope.</exception>
    public static DsseEnvelope Read(string path) => Parse(InputFile.ReadAll(path, MostBytes), path);

    /// <summary>Reads the JSON form. Base64 may be of either alphabet, fields of other versions are passed over. Nothing is verified.</summary>
    /// <exception cref="UserError">A fault, with its field.</exception>
    public static DsseEnvelope Parse(ReadOnlySpan<byte> utf8, string where)
    {
        JsonFields fields = JsonFields.Parse(utf8, where);
        List<DsseSignature> signatures = [];
        foreach (JsonElement element in fields.Array("signatures") ?? throw fields.Missing("signatures"))
        {
            JsonFields signature = fields.Nested($"signatures[{signatures.Count}]", element);
            signatures.Add(new(signature.Text("keyid", ""), Bytes(signature, "sig")));
        }

        return signatures.Count > 0
            ? new(fields.Text("payloadType"), Bytes(fields, "payload"), signatures)
            : throw new UserError("The envelope has no signatures", where, "Sign it first.");
    }

    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string path) => AtomicFile.WriteAllBytes(path, ToJson());

    /// <summary>The JSON form, UTF-8.</summary>
    public byte[] ToJson()
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteString("payloadType", PayloadType);
            json.WriteBase64String("payload", Payload.Span);
            json.WriteStartArray("signatures");
            foreach (DsseSignature signature in Signatures)
            {
                json.WriteStartObject();
                json.WriteString("keyid", signature.KeyId);
                json.WriteBase64String("sig", signature.Value.Span);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    static byte[] Bytes(JsonFields fields, string name)
    {
        string text = fields.Text(name).Replace('-', '+').Replace('_', '/').TrimEnd('=');
        return Base64Text.TryRead(text.PadRight((text.Length + 3) / 4 * 4, '='), out byte[]? bytes) ? bytes : throw fields.Wrong(name, "It must be base64.");
    }
}
