using System.Text;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;

namespace Retort.Tests.Asking.Runs;

/// <summary>Seeded mutations of everything that is read of a run's ledger: each is read, judged or refused with a <see cref="UserError"/>.</summary>
public sealed class RunFuzzTests : IDisposable
{
    const int Mutations = 4000;

    readonly RunWorld _world = new RunWorld().Recorded(2);

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Leaves()
    {
        RunLedgerView view = RunLedgerView.Read(_world.Run);
        foreach (RunLeaf leaf in view.Leaves.All)
        {
            Assert.Equal(leaf.ToBytes(), RunLeaf.Parse(leaf.ToBytes(), "a").ToBytes());
        }

        Fuzz(view.Leaves.All[^1].ToBytes(), bad => RunLeaf.Parse(bad, "a"));
    }

    [Fact]
    public void Rows() => Fuzz(Encoding.UTF8.GetBytes(File.ReadLines(_world.Files.Export).First()), bad => SealedTranscript.Parse(bad, "a"));

    [Fact]
    public void Proofs()
    {
        RunLedgerView view = RunLedgerView.Read(_world.Run);
        LedgerProof proof = RunProof.Of(view.Files, view.Log, 1, open: true).Proof;
        Fuzz(proof.Extra!.Value.ToArray(), bad =>
        {
            (proof with { Extra = bad }).Write(_world["p"]);
            Assert.All(RunProof.Read(_world["p"]).Faults(view.Key), f => Assert.NotEmpty(f));
        });
    }

    [Fact]
    public void ConsistencyProofs()
    {
        byte[] good = new ConsistencyProof(2, RunLedgerView.Open(_world.Run).Log.ProveConsistency(2), _world.Checkpoint()).ToBytes();
        Assert.Equal(good, ConsistencyProof.Parse(good, "a").ToBytes());
        LedgerPublicKey key = RunLedgerView.Open(_world.Run).Key;
        Fuzz(good, bad => ConsistencyProof.Parse(bad, "a").Verify(_world.Checkpoint(), key), isJson: false);
    }

    [Fact]
    public void Manifests()
    {
        Fuzz(File.ReadAllBytes(_world.Files["manifest.json"]), bad =>
        {
            _world.Write("m/manifest.json", Encoding.UTF8.GetString(bad));
            Assert.All(Manifest.Stated(_world.Files["m"]).SelectMany(s => s.Wrote.Keys), f => Assert.True(RunFiles.IsWithin(f)));
        });
    }

    [Theory]
    [InlineData("a/b.c", true)]
    [InlineData("../a", false)]
    [InlineData("a/../../b", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("a//b", false)]
    [InlineData("a\\b", false)]
    [InlineData("", false)]
    public void NoPathLeadsOutOfTheRun(string path, bool isWithin) => Assert.Equal(isWithin, RunFiles.IsWithin(path));

    [Theory]
    [InlineData("", 0)]
    [InlineData("a", 1)]
    [InlineData("a\n", 1)]
    [InlineData("a\nb", 2)]
    [InlineData("\n\na\r\n", 3)]
    public void LinesAreBytes(string text, int lines)
    {
        _world.Write("l", text);
        byte[][] read = [.. JsonLines.Read(_world.Files["l"]).Select(l => l.ToArray())];
        Assert.Equal(lines, read.Length);
        Assert.Equal(text.TrimEnd('\n'), string.Join('\n', read.Select(Encoding.UTF8.GetString)).TrimEnd('\n'));
    }

    [Fact]
    public void LongLinesAreReadWhole()
    {
        string[] lines = [new('a', 200_000), "", new('b', 70_000)];
        _world.Write("l", string.Join('\n', lines) + "\n");
        Assert.Equal(lines, JsonLines.Read(_world.Files["l"]).Select(l => Encoding.UTF8.GetString(l.Span)));
    }

    static void Fuzz(byte[] good, Action<byte[]> read, bool isJson = true)
    {
        Random random = new(9);
        int refused = 0;
        read(good);
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bad = isJson && i % 2 == 0 ? Encoding.UTF8.GetBytes(JsonMutation.Of(Encoding.UTF8.GetString(good), random)) : Bytes(good, random);
            try
            {
                read(bad);
            }
            catch (UserError)
            {
                refused++;
            }
        }

        Assert.InRange(refused, Mutations / 10, Mutations);
    }

    static byte[] Bytes(byte[] good, Random random)
    {
        byte[] bad = [.. good];
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            bad[random.Next(bad.Length)] = (byte)random.Next(256);
        }

        return random.Next(5) == 0 ? bad[..random.Next(bad.Length)] : bad;
    }
}
