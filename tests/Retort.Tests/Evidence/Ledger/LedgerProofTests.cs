using System.Text;
using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

public sealed class LedgerProofTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly LedgerKey _key = LedgerKey.Make("example.com/ledger");
    readonly LedgerKey _witness = LedgerKey.Make("witness.example");

    public void Dispose()
    {
        _witness.Dispose();
        _key.Dispose();
        _scratch.Dispose();
    }

    LedgerProof Made(int index = 2)
    {
        using TileLog log = TileLog.Open(_scratch["ledger"], _key);
        while (log.Size < 5)
        {
            log.Append(Logs.Entry((int)log.Size));
        }

        log.Keep(log.Publish(_key).Cosign(_witness));
        return TileReader.Open(_scratch["ledger"], _key.Public).Prove(index);
    }

    [Fact]
    public void TextIsThatOfTheSpecification()
    {
        LedgerProof proof = Made();
        string[] lines = proof.ToString().Split('\n');
        Digest[] leaves = [.. Enumerable.Range(0, 5).Select(i => MerkleTree.Leaf(Logs.Entry(i)))];
        Assert.Equal(["c2sp.org/tlog-proof@v1", "index 2", leaves[3].ToBase64(), MerkleTree.Node(leaves[0], leaves[1]).ToBase64(), leaves[4].ToBase64(), ""], lines[..6]);
        Assert.Equal(File.ReadAllText(_scratch["ledger/checkpoint"]), string.Join('\n', lines[6..]));
    }

    [Fact]
    public void IsVerifiedOffline()
    {
        LedgerProof proof = Made() with { Extra = "context"u8.ToArray() };
        proof.Write(_scratch["a" + LedgerProof.FileExtension]);
        Directory.Delete(_scratch["ledger"], recursive: true);
        LedgerProof read = LedgerProof.Read(_scratch["a.tlog-proof"]);
        Assert.Equal(proof.ToString(), read.ToString());
        Assert.Equal("context"u8, read.Extra!.Value.Span);
        Assert.Equal(LedgerVerdict.Holds, read.Verify(Logs.Entry(2), _key.Public));
        Assert.Equal(LedgerVerdict.Holds, read.Verify(Logs.Entry(2), _key.Public, _witness.Public));
        Assert.Equal(LedgerVerdict.NotIncluded, read.Verify(Logs.Entry(3), _key.Public));
        Assert.Equal(LedgerVerdict.NotIncluded, (read with { Index = 3 }).Verify(Logs.Entry(2), _key.Public));
        Assert.Equal(LedgerVerdict.OtherLog, read.Verify(Logs.Entry(2), _witness.Public));
        using LedgerKey another = LedgerKey.Make("another.example");
        Assert.Equal(LedgerVerdict.WitnessAbsent, read.Verify(Logs.Entry(2), _key.Public, another.Public));
    }

    [Theory]
    [InlineData("@v1", "@v2", "line 1")]
    [InlineData("index 2", "index 02", "line 2")]
    [InlineData("index 2", "index", "line 2")]
    [InlineData("index 2", "extra *\nindex 2", "line 2")]
    [InlineData("index 2", "extra AA==", "line 3")]
    [InlineData("index 2\n", "index 2\nAAAA\n", "line 3")]
    [InlineData("\n\nexample.com/ledger\n", "\n\nexample.com/ledger\nx", "checkpoint after line 6, line 2")]
    [InlineData("\n\n", "\n", "line 6")]
    public void FaultsAreSaidWithTheirLine(string from, string to, string where)
    {
        string text = Made().ToString();
        int at = text.IndexOf(from, StringComparison.Ordinal);
        byte[] bad = Encoding.UTF8.GetBytes(text[..at] + to + text[(at + from.Length)..]);
        UserError e = Assert.Throws<UserError>(() => LedgerProof.Parse(bad, "file"));
        Assert.StartsWith("file, " + where, e.Where, StringComparison.Ordinal);
    }
}
