using System.Security.Cryptography;
using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

public sealed class LedgerKeyTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void ReadsWhatItWrites()
    {
        using LedgerKey key = LedgerKey.Make("example.com/ledger");
        key.Write(_scratch["private.pem"]);
        key.Public.Write(_scratch["public.pem"]);
        using LedgerKey read = LedgerKey.Read(_scratch["private.pem"], key.Name);
        LedgerPublicKey other = LedgerPublicKey.Read(_scratch["public.pem"], key.Name);
        Assert.Equal(key.Public.Fingerprint, read.Public.Fingerprint);
        Assert.Equal((key.Public.Fingerprint, key.Public.Hash, key.ToString()), (other.Fingerprint, other.Hash, other.ToString()));
        Assert.True(other.Verifies("a"u8, read.Sign("a"u8)));
        Assert.False(other.Verifies("b"u8, read.Sign("a"u8)));
        Assert.False(other.Verifies("a"u8, "no signature"u8));
        Assert.Equal(key.Public.ToPem(), File.ReadAllText(_scratch["public.pem"]));
    }

    [Fact]
    public void OnlyTheOwnerMayReadThePrivateKey()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no file modes.");
            return;
        }

        using LedgerKey key = LedgerKey.Make("a");
        _scratch.Write("private.pem" + AtomicFile.Suffix, "left by a killed process, for all to read");
        key.Write(_scratch["private.pem"]);
        CommitmentSecret.Make().Write(_scratch["secret"]);
        foreach (string name in new[] { "private.pem", "secret" })
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_scratch[name]));
        }
    }

    [Fact]
    public void NothingPrivateIsSaid()
    {
        using LedgerKey key = LedgerKey.Make("example.com/ledger");
        key.Write(_scratch["private.pem"]);
        string pem = File.ReadAllText(_scratch["private.pem"]);
        string inside = pem.Split('\n')[1];
        Assert.Equal($"example.com/ledger+{key.Public.Hash:x8}", key.ToString());
        foreach (string bad in new[] { pem.Replace("PRIVATE", "PUBLIC", StringComparison.Ordinal), pem.Replace(inside[..8], "AAAAAAAA", StringComparison.Ordinal), inside, pem[..60] })
        {
            UserError e = Assert.Throws<UserError>(() => LedgerKey.Parse(bad, "a", "key.pem"));
            Assert.DoesNotContain(inside[8..24], e.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void OtherKeysAreRefused()
    {
        using ECDsa wide = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using RSA rsa = RSA.Create(2048);
        Assert.Contains("P-256", Assert.Throws<UserError>(() => LedgerKey.Parse(wide.ExportPkcs8PrivateKeyPem(), "a", "k")).What, StringComparison.Ordinal);
        Assert.Throws<UserError>(() => LedgerPublicKey.Parse(wide.ExportSubjectPublicKeyInfoPem(), "a", "k"));
        Assert.Throws<UserError>(() => LedgerKey.Parse(rsa.ExportPkcs8PrivateKeyPem(), "a", "k"));
        Assert.Throws<UserError>(() => LedgerPublicKey.Parse(rsa.ExportSubjectPublicKeyInfoPem(), "a", "k"));
        Assert.Throws<UserError>(() => LedgerKey.Read(_scratch["none"], "a"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a+b")]
    [InlineData("a\u2003b")]
    [InlineData("a\nb")]
    public void NamesThatNotesCannotCarry(string name) => Assert.Throws<ArgumentException>(() => LedgerKey.Make(name));

    [Fact]
    public void OpensslReadsAndMakesSuchKeys()
    {
        OpenSsl.Require();
        OpenSsl.Run(_scratch.Folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "theirs.pem");
        using LedgerKey theirs = LedgerKey.Read(_scratch["theirs.pem"], "a");
        OpenSsl.Run(_scratch.Folder, "pkey", "-in", "theirs.pem", "-pubout", "-out", "public.pem");
        Assert.Equal(File.ReadAllText(_scratch["public.pem"]), theirs.Public.ToPem());
        theirs.Write(_scratch["ours.pem"]);
        Assert.Equal(theirs.Public.ToPem(), OpenSsl.Run(_scratch.Folder, "pkey", "-in", "ours.pem", "-pubout"));
    }
}
