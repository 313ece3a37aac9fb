using System.Text;
using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

public sealed class DsseEnvelopeTests : IDisposable
{
    const string InToto = "application/vnd.in-toto+json";

    readonly Scratch _scratch = new();
    readonly LedgerKey _key = LedgerKey.Make("a");
    readonly LedgerKey _other = LedgerKey.Make("b");

    public void Dispose()
    {
        _other.Dispose();
        _key.Dispose();
        _scratch.Dispose();
    }

    /// <summary>The example in the protocol's own text, and lengths in bytes.</summary>
    [Theory]
    [InlineData("http://example.com/HelloWorld", "hello world", "DSSEv1 29 http://example.com/HelloWorld 11 hello world")]
    [InlineData("é", "ü", "DSSEv1 2 é 2 ü")]
    [InlineData("", "", "DSSEv1 0  0 ")]
    public void PreAuthenticationEncoding(string type, string payload, string encoded) =>
        Assert.Equal(encoded, Encoding.UTF8.GetString(DsseEnvelope.PreAuthenticationEncoding(type, Encoding.UTF8.GetBytes(payload))));

    [Fact]
    public void ReadsWhatItWrites()
    {
        DsseEnvelope made = DsseEnvelope.Sign(InToto, "{}"u8.ToArray(), _key, _other);
        made.Write(_scratch["a.json"]);
        DsseEnvelope read = DsseEnvelope.Read(_scratch["a.json"]);
        Assert.Equal((InToto, "{}"), (read.PayloadType, Encoding.UTF8.GetString(read.Payload.Span)));
        Assert.Equal(made.ToJson(), read.ToJson());
        Assert.True(read.IsSignedBy(_key.Public) && read.IsSignedBy(_other.Public));
        Assert.Equal(_key.Public.Fingerprint.ToString(), read.Signatures[0].KeyId);
    }

    [Fact]
    public void TypeAndPayloadAreSigned()
    {
        DsseEnvelope made = DsseEnvelope.Sign(InToto, "{}"u8.ToArray(), _key);
        Assert.False(made.IsSignedBy(_other.Public));
        Assert.False((made with { PayloadType = "text/plain" }).IsSignedBy(_key.Public));
        Assert.False((made with { Payload = "{ }"u8.ToArray() }).IsSignedBy(_key.Public));
        Assert.True((made with { Signatures = [new("anything", made.Signatures[0].Value)] }).IsSignedBy(_key.Public));
    }

    [Fact]
    public void EitherAlphabetOfBase64IsRead()
    {
        byte[] payload = [0xfb, 0xff, 0xfe, 0x01];
        string json = Encoding.UTF8.GetString(DsseEnvelope.Sign("t", payload, _key).ToJson());
        Assert.Contains(Convert.ToBase64String(payload), json.Replace("\\u002B", "+", StringComparison.Ordinal), StringComparison.Ordinal);
        string url = json.Replace("\\u002B", "-", StringComparison.Ordinal).Replace("+", "-", StringComparison.Ordinal).Replace("==\"", "\"", StringComparison.Ordinal);
        Assert.True(DsseEnvelope.Parse(Encoding.UTF8.GetBytes(url), "a").IsSignedBy(_key.Public));
    }

    [Theory]
    [InlineData("""{"payload":"e30=","signatures":[{"sig":"AA=="}]}""", "payloadType is missing")]
    [InlineData("""{"payloadType":"t","signatures":[{"sig":"AA=="}]}""", "payload is missing")]
    [InlineData("""{"payloadType":"t","payload":"e30=","signatures":[]}""", "no signatures")]
    [InlineData("""{"payloadType":"t","payload":"e30=","signatures":[{"keyid":"k"}]}""", "sig is missing")]
    [InlineData("""{"payloadType":"t","payload":"*","signatures":[{"sig":"AA=="}]}""", "payload is")]
    [InlineData("[]", "not an object")]
    public void FaultsAreSaid(string json, string what) =>
        Assert.Contains(what, Assert.Throws<UserError>(() => DsseEnvelope.Parse(Encoding.UTF8.GetBytes(json), "a")).What, StringComparison.Ordinal);

    [Fact]
    public void OpensslVerifies()
    {
        OpenSsl.Require();
        DsseEnvelope made = DsseEnvelope.Sign(InToto, "{\"a\":1}"u8.ToArray(), _key);
        File.WriteAllBytes(_scratch["message"], DsseEnvelope.PreAuthenticationEncoding(InToto, made.Payload.Span));
        File.WriteAllBytes(_scratch["signature"], made.Signatures[0].Value.ToArray());
        _key.Public.Write(_scratch["key.pem"]);
        Assert.Contains("Verified OK", OpenSsl.Run(_scratch.Folder, "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"), StringComparison.Ordinal);

        _key.Write(_scratch["private.pem"]);
        OpenSsl.Run(_scratch.Folder, "dgst", "-sha256", "-sign", "private.pem", "-out", "theirs", "message");
        Assert.True((made with { Signatures = [new("", File.ReadAllBytes(_scratch["theirs"]))] }).IsSignedBy(_key.Public));
    }
}
