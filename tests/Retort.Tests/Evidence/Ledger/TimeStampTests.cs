using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

public sealed class TimeStampTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly LedgerKey _key = LedgerKey.Make("example.com/ledger");

    public void Dispose()
    {
        _key.Dispose();
        _scratch.Dispose();
    }

    /// <summary>Made by tests/golden/ledger/make.sh.</summary>
    [Fact]
    public void AStampOfLongAgoHolds()
    {
        TimeStamp stamp = TimeStamp.Read(Golden("response.tsr"));
        Checkpoint checkpoint = Checkpoint.Read(Golden("checkpoint"));
        using X509Certificate2 root = X509CertificateLoader.LoadCertificateFromFile(Golden("root.pem"));
        using X509Certificate2 signer = X509CertificateLoader.LoadCertificateFromFile(Golden("signer.pem"));
        Assert.Equal(TimeStampVerdict.Holds, stamp.Verify(checkpoint, root));
        Assert.Equal(TimeStampVerdict.Holds, stamp.Verify(checkpoint, signer));
        Assert.Equal(TimeSpan.Zero, stamp.Time.Offset);
        Assert.True(stamp.Time.Year >= 2026);
        using LedgerKey witness = LedgerKey.Make("witness.example");
        Assert.Equal(TimeStampVerdict.Holds, stamp.Verify(checkpoint.Cosign(witness), root));
        Assert.Equal(TimeStampVerdict.OtherContent, stamp.Verify(Checkpoint.Sign(_key, 1, MerkleTree.Empty), root));
    }

    [Fact]
    public void AnAuthorityOfOpensslStampsACheckpoint()
    {
        OpenSsl.Require();
        Checkpoint checkpoint = Checkpoint.Sign(_key, 7, MerkleTree.Leaf("a"u8));
        TimeAuthority.Make(_scratch["one"]);
        TimeAuthority.Make(_scratch["two"]);
        File.WriteAllBytes(_scratch["one/request.tsq"], TimeStamp.Request(checkpoint, RandomNumberGenerator.GetBytes(8)));
        OpenSsl.Run(_scratch["one"], "ts", "-reply", "-config", "tsa.conf", "-queryfile", "request.tsq", "-out", "response.tsr");
        TimeStamp stamp = TimeStamp.Read(_scratch["one/response.tsr"]);
        using X509Certificate2 root = X509CertificateLoader.LoadCertificateFromFile(_scratch["one/root.pem"]);
        using X509Certificate2 other = X509CertificateLoader.LoadCertificateFromFile(_scratch["two/root.pem"]);
        Assert.Equal(TimeStampVerdict.Holds, stamp.Verify(checkpoint, root));
        Assert.Equal(TimeStampVerdict.OtherAuthority, stamp.Verify(checkpoint, other));
        Assert.Equal(TimeStampVerdict.OtherContent, stamp.Verify(Checkpoint.Sign(_key, 8, MerkleTree.Leaf("a"u8)), root));
        File.WriteAllBytes(_scratch["one/text"], checkpoint.SignedBytes());
        Assert.Contains("Verification: OK", OpenSsl.Run(_scratch["one"], "ts", "-verify", "-data", "text", "-in", "response.tsr", "-CAfile", "root.pem"), StringComparison.Ordinal);

        // Nobody but the authority can have said so.
        byte[] response = File.ReadAllBytes(_scratch["one/response.tsr"]);
        response[^5] ^= 1;
        Assert.Equal(TimeStampVerdict.BadSignature, TimeStamp.Parse(response, "a").Verify(checkpoint, root));
    }

    [Fact]
    public void TheRequestIsThatOfOpenssl()
    {
        Checkpoint checkpoint = Checkpoint.Sign(_key, 7, MerkleTree.Leaf("a"u8));
        byte[] request = TimeStamp.Request(checkpoint);
        Assert.True(Rfc3161TimestampRequest.TryDecode(TimeStamp.Request(checkpoint, new byte[] { 1, 2, 3 }), out Rfc3161TimestampRequest? read, out _));
        Assert.Equal([1, 2, 3], read.GetNonce()!.Value.ToArray());
        Assert.True(read.RequestSignerCertificate);
        Assert.Equal(SHA256.HashData(checkpoint.SignedBytes()), read.GetMessageHash().ToArray());
        OpenSsl.Require();
        File.WriteAllBytes(_scratch["text"], checkpoint.SignedBytes());
        OpenSsl.Run(_scratch.Folder, "ts", "-query", "-data", "text", "-sha256", "-cert", "-no_nonce", "-out", "theirs.tsq");
        Assert.Equal(File.ReadAllBytes(_scratch["theirs.tsq"]), request);
    }

    [Fact]
    public void ARefusalIsSaid()
    {
        OpenSsl.Require();
        TimeAuthority.Make(_scratch["one"]);
        _scratch.Write("one/text", "a");
        OpenSsl.Run(_scratch["one"], "ts", "-query", "-data", "text", "-sha512", "-out", "request.tsq");
        OpenSsl.Run(_scratch["one"], "ts", "-reply", "-config", "tsa.conf", "-queryfile", "request.tsq", "-out", "response.tsr");
        Assert.Contains("refused", Assert.Throws<UserError>(() => TimeStamp.Read(_scratch["one/response.tsr"])).What, StringComparison.Ordinal);
        Assert.Throws<UserError>(() => TimeStamp.Parse("<html>"u8.ToArray(), "a"));
    }

    static string Golden(string name) => Repository.PathOf($"tests/golden/ledger/{name}");
}
