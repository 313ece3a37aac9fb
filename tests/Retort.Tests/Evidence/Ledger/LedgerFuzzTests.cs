using System.Security.Cryptography.X509Certificates;
using System.Text;
using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

/// <summary>Seeded mutations of everything the ledger reads: each is read, judged or refused with a <see cref="UserError"/>.</summary>
public sealed class LedgerFuzzTests : IDisposable
{
    const int Mutations = 10_000;

    static readonly string[] Words = ["\n", "\n\n", " ", "— ", "-1", "0", "9223372036854775808", "=", "AAAA", "\0", "é", "\r\n", "index ", "extra ", "\"", "null", "{}", "-----", "tile/"];

    readonly Scratch _scratch = new();
    readonly LedgerKey _key = LedgerKey.Make("example.com/ledger");

    public void Dispose()
    {
        _key.Dispose();
        _scratch.Dispose();
    }

    [Fact]
    public void Checkpoints() => Fuzz(Checkpoint.Sign(_key, 3, MerkleTree.Empty, "x").Cosign(_key).ToBytes(), bad => Checkpoint.Parse(bad, "a").Verify(_key.Public));

    [Fact]
    public void Proofs()
    {
        Logs.Publish(_scratch.Folder, _key, 13);
        LedgerProof proof = TileReader.Open(_scratch.Folder, _key.Public).Prove(5) with { Extra = new byte[] { 1, 2 } };
        Fuzz(proof.ToBytes(), bad => LedgerProof.Parse(bad, "a").Verify(Logs.Entry(5), _key.Public));
    }

    [Fact]
    public void Envelopes()
    {
        byte[] good = DsseEnvelope.Sign("application/vnd.in-toto+json", "{}"u8.ToArray(), _key).ToJson();
        Fuzz(good, bad => DsseEnvelope.Parse(bad, "a").IsSignedBy(_key.Public));
        Fuzz(good, bad => DsseEnvelope.Parse(bad, "a").IsSignedBy(_key.Public), (text, random) => Encoding.UTF8.GetBytes(JsonMutation.Of(Encoding.UTF8.GetString(text), random)));
    }

    [Fact]
    public void CanonicalTexts()
    {
        byte[] good = "{\"a\":[1,2.5e-7,\"\\u20ac\",{\"b\":null,\"\\ud83d\\ude00\":true}],\"c\":-0}"u8.ToArray();
        Fuzz(good, bad => CanonicalJson.Rewrite(bad, "a"));
        Fuzz(good, bad => CanonicalJson.Rewrite(bad, "a"), (text, random) => Encoding.UTF8.GetBytes(JsonMutation.Of(Encoding.UTF8.GetString(text), random)));
    }

    [Fact]
    public void Keys()
    {
        _key.Write(_scratch["private.pem"]);
        Fuzz(File.ReadAllBytes(_scratch["private.pem"]), bad => LedgerKey.Parse(Encoding.UTF8.GetString(bad), "a", "a").Dispose());
        Fuzz(Encoding.ASCII.GetBytes(_key.Public.ToPem()), bad => LedgerPublicKey.Parse(Encoding.UTF8.GetString(bad), "a", "a"));
        Fuzz(Encoding.ASCII.GetBytes(Convert.ToBase64String(new byte[32]) + "\n"), bad => CommitmentSecret.Read(_scratch.Write("secret", bad)));
    }

    [Fact]
    public void TimeStamps()
    {
        Checkpoint checkpoint = Checkpoint.Read(Repository.PathOf("tests/golden/ledger/checkpoint"));
        using X509Certificate2 root = X509CertificateLoader.LoadCertificateFromFile(Repository.PathOf("tests/golden/ledger/root.pem"));
        byte[] good = File.ReadAllBytes(Repository.PathOf("tests/golden/ledger/response.tsr"));
        DateTimeOffset time = TimeStamp.Parse(good, "a").Time;
        int held = 0;
        Fuzz(good, bad =>
        {
            TimeStamp stamp = TimeStamp.Parse(bad, "a");
            if (stamp.Verify(checkpoint, root) == TimeStampVerdict.Holds)
            {
                Assert.Equal(time, stamp.Time);
                held++;
            }
        });

        // Bytes that no signature covers are few.
        Assert.InRange(held, 0, Mutations / 50);
    }

    /// <summary>A log's folder with one file changed at random, read in every way there is; the audit notices each.</summary>
    [Theory]
    [InlineData("checkpoint")]
    [InlineData("tile/entries/000")]
    [InlineData("tile/entries/001.p/44")]
    [InlineData("tile/0/000")]
    [InlineData("tile/1/000.p/1")]
    public void Folders(string name)
    {
        Logs.Publish(_scratch.Folder, _key, 300);
        byte[] good = File.ReadAllBytes(_scratch[name]);
        int unnoticed = 0;
        Fuzz(good, bad =>
        {
            _scratch.Write(name, bad);
            unnoticed += LedgerAudit.Run(_scratch.Folder, _key.Public).Holds && !bad.AsSpan().SequenceEqual(good) ? 1 : 0;
            TileReader reader = TileReader.Open(_scratch.Folder, _key.Public);
            _ = reader.Entries().Count();
            reader.Prove(7);
            reader.ProveConsistency(99);
            TileLog.Open(_scratch.Folder, _key).Dispose();
        }, leastRefused: 0, mutations: Mutations / 5);
        Assert.Equal(0, unnoticed);
    }

    [Fact]
    public void Bundles()
    {
        MemoryStream bundle = new();
        for (int i = 0; i < 5; i++)
        {
            EntryBundle.Add(bundle, new byte[i]);
        }

        Fuzz(bundle.ToArray(), bad => EntryBundle.Parse(bad, 5, "a"));
    }

    [Fact]
    public void Paths() => Fuzz("tile/entries/x001/x234/067.p/12"u8.ToArray(), bad => Assert.True(!TilePath.TryParse(Encoding.UTF8.GetString(bad), out TilePath p) || p.Width > 0), leastRefused: 0);

    static void Fuzz(byte[] good, Action<byte[]> read, Func<byte[], Random, byte[]>? change = null, int leastRefused = Mutations / 20, int mutations = Mutations)
    {
        read(good);
        Random random = new(20260);
        int refused = 0;
        for (int i = 0; i < mutations; i++)
        {
            byte[] bad = change?.Invoke(good, random) ?? Mutate(good, random);
            Exception? e = Record.Exception(() => read(bad));
            Assert.True(e is null or UserError, $"mutation {i}: {e}");
            refused += e is null ? 0 : 1;
        }

        Assert.InRange(refused, leastRefused, mutations);
    }

    static byte[] Mutate(byte[] good, Random random)
    {
        List<byte> bytes = [.. good];
        for (int n = random.Next(1, 4); n > 0 && bytes.Count > 0; n--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)));
                    break;
                case 4 when random.Next(4) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Words[random.Next(Words.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }
}
