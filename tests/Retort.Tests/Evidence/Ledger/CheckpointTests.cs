using System.Text;
using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

public sealed class CheckpointTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly LedgerKey _key = LedgerKey.Make("example.com/ledger");
    readonly LedgerKey _witness = LedgerKey.Make("witness.example/w1");

    public void Dispose()
    {
        _witness.Dispose();
        _key.Dispose();
        _scratch.Dispose();
    }

    [Fact]
    public void TextIsThatOfTheSpecification()
    {
        Checkpoint checkpoint = Checkpoint.Sign(_key, 20_852_163, MerkleTree.Empty, "extension one", "two");
        string[] lines = checkpoint.ToString().Split('\n');
        Assert.Equal(["example.com/ledger", "20852163", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "extension one", "two", ""], lines[..6]);
        Assert.StartsWith("— example.com/ledger ", lines[6], StringComparison.Ordinal);
        byte[] signature = Convert.FromBase64String(lines[6].Split(' ')[2]);
        Assert.Equal(_key.Public.Fingerprint.ToArray()[..4], signature[..4]);
        Assert.Equal(0x30, signature[4]);
        Assert.Equal("", lines[7]);
        Assert.Equal(8, lines.Length);
    }

    [Fact]
    public void ReadsWhatItWrites()
    {
        Checkpoint made = Checkpoint.Sign(_key, 3, MerkleTree.Leaf("a"u8), "x").Cosign(_witness);
        File.WriteAllBytes(_scratch["checkpoint"], made.ToBytes());
        Checkpoint read = Checkpoint.Read(_scratch["checkpoint"]);
        Assert.Equal(made.ToString(), read.ToString());
        Assert.Equal((made.Origin, made.Size, made.Root), (read.Origin, read.Size, read.Root));
        Assert.Equal(["x"], read.Extensions);
        Assert.Equal([_key.Name, _witness.Name], read.Note.Signatures.Select(s => s.Name));
        Assert.Equal(LedgerVerdict.Holds, read.Verify(_key.Public, _witness.Public));
    }

    [Fact]
    public void VerdictsOfSignatures()
    {
        Checkpoint made = Checkpoint.Sign(_key, 3, MerkleTree.Empty);
        using LedgerKey sameName = LedgerKey.Make(_key.Name);
        Assert.Equal(LedgerVerdict.Holds, made.Verify(_key.Public));
        Assert.Equal(LedgerVerdict.OtherLog, made.Verify(_witness.Public));
        Assert.Equal(LedgerVerdict.Unsigned, made.Verify(sameName.Public));
        Assert.Equal(LedgerVerdict.WitnessAbsent, made.Verify(_key.Public, _witness.Public));
        Checkpoint cosigned = made.Cosign(_witness).Cosign(sameName);
        Assert.Equal(LedgerVerdict.Holds, cosigned.Verify(_key.Public, _witness.Public, sameName.Public));
        Assert.Equal(LedgerVerdict.BadSignature, Changed(cosigned, "\n3\n", "\n4\n").Verify(_key.Public));
        string[] lines = cosigned.ToString().Split('\n');
        string swapped = string.Join('\n', [.. lines[..5], lines[5].Replace(_witness.Name, "x", StringComparison.Ordinal), .. lines[6..]]);
        Assert.Equal(LedgerVerdict.WitnessAbsent, Checkpoint.Parse(Encoding.UTF8.GetBytes(swapped), "a").Verify(_key.Public, _witness.Public));
        SignedNote forged = made.Note with { Signatures = [.. made.Note.Signatures, new(_witness.Name, _witness.Public.Hash, made.Note.Signatures[0].Value)] };
        Assert.Equal(LedgerVerdict.BadWitness, Checkpoint.Parse(forged.ToBytes(), "a").Verify(_key.Public, _witness.Public));
        Assert.Equal(LedgerVerdict.Holds, Checkpoint.Parse(forged.ToBytes(), "a").Verify(_key.Public));
    }

    [Theory]
    [InlineData("\n3\n", "\n03\n", "line 2")]
    [InlineData("\n3\n", "\n+3\n", "line 2")]
    [InlineData("\n3\n", "\n 3\n", "line 2")]
    [InlineData("\n3\n", "\n9223372036854775808\n", "line 2")]
    [InlineData("uFU=\n", "uFV=\n", "line 3")]
    [InlineData("uFU=\n", "uFU\n", "line 3")]
    [InlineData("uFU=\n", "uFU=\r\n", "line 3")]
    [InlineData("uFU=\n", "uFU=\n\n\n", "line 4")]
    [InlineData("example.com/ledger\n3\n", "3\n", "line 2")]
    [InlineData("example.com/ledger\n3\n", "\n3\n", "line 1")]
    [InlineData("— ", "- ", "line 5")]
    [InlineData("— ", "—  ", "line 5")]
    [InlineData("— example.com/ledger ", "— exam+ple.com/ledger ", "line 5")]
    [InlineData("— example.com/ledger ", "— ", "line 5")]
    [InlineData("\n\n", "\n", "line 4")]
    [InlineData("\n3\n", "\n\u00013\n", "line 2")]
    public void FaultsAreSaidWithTheirLine(string from, string to, string line)
    {
        string good = Checkpoint.Sign(_key, 3, MerkleTree.Empty).ToString();
        UserError e = Assert.Throws<UserError>(() => Checkpoint.Parse(Encoding.UTF8.GetBytes(good.Replace(from, to, StringComparison.Ordinal)), "file"));
        Assert.Equal($"file, {line}", e.Where);
    }

    [Fact]
    public void EndsAndOtherBytesAreStrict()
    {
        byte[] good = Checkpoint.Sign(_key, 3, MerkleTree.Empty).ToBytes();
        Assert.Throws<UserError>(() => Checkpoint.Parse(good.AsSpan(0, good.Length - 1), "file"));
        Assert.Throws<UserError>(() => Checkpoint.Parse([.. good, (byte)'\n'], "file"));
        Assert.Throws<UserError>(() => Checkpoint.Parse([.. good, 0xff, (byte)'\n'], "file"));
        Assert.Throws<UserError>(() => Checkpoint.Parse([], "file"));
        Assert.Throws<ArgumentException>(() => Checkpoint.Sign(_key, 3, MerkleTree.Empty, ""));
        Assert.Throws<ArgumentException>(() => Checkpoint.Sign(_key, 3, MerkleTree.Empty, "a\nb"));
    }

    [Fact]
    public void OpensslVerifiesALogsSignature()
    {
        OpenSsl.Require();
        Checkpoint made = Checkpoint.Sign(_key, 3, MerkleTree.Empty);
        File.WriteAllBytes(_scratch["text"], made.SignedBytes());
        File.WriteAllBytes(_scratch["signature"], made.Note.Signatures[0].Value.ToArray());
        _key.Public.Write(_scratch["key.pem"]);
        Assert.Contains("Verified OK", OpenSsl.Run(_scratch.Folder, "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "text"), StringComparison.Ordinal);
    }

    /// <summary>Made by tests/golden/ledger/make.sh, with openssl alone.</summary>
    [Fact]
    public void ACheckpointThatOpensslSigned()
    {
        LedgerPublicKey key = LedgerPublicKey.Read(Repository.PathOf("tests/golden/ledger/log.pem"), "example.com/golden");
        Checkpoint checkpoint = Checkpoint.Read(Repository.PathOf("tests/golden/ledger/checkpoint"));
        Assert.Equal(LedgerVerdict.Holds, checkpoint.Verify(key));
        Assert.Equal((0, MerkleTree.Empty), (checkpoint.Size, checkpoint.Root));
    }

    static Checkpoint Changed(Checkpoint checkpoint, string from, string to) =>
        Checkpoint.Parse(Encoding.UTF8.GetBytes(checkpoint.ToString().Replace(from, to, StringComparison.Ordinal)), "changed");
}
