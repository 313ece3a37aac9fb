using System.Text.Json;
using Retort.Evidence.Ledger;

namespace Retort.Tests.Evidence.Ledger;

public class MerkleTests
{
    /// <summary>The leaves that certificate transparency's implementations test with.</summary>
    static readonly string[] Leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    [Theory]
    [InlineData(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [InlineData(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    [InlineData(4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    [InlineData(6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef")]
    [InlineData(7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    [InlineData(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    public void RootsOfKnownLeaves(int size, string root)
    {
        Digest[] leaves = [.. Leaves.Take(size).Select(hex => MerkleTree.Leaf(Convert.FromHexString(hex)))];
        Assert.Equal(root, MerkleTree.Root(leaves).ToString());
        Assert.Equal(root, MerkleTree.Root(size, Of(leaves)).ToString());
    }

    [Fact]
    public void EveryRootAndProofIsThatOfTheDefinition()
    {
        Digest[] all = [.. Enumerable.Range(0, 70).Select(i => MerkleTree.Leaf([(byte)i]))];
        for (int size = 0; size <= all.Length; size++)
        {
            Digest[] leaves = all[..size];
            Digest root = Naive(leaves);
            Assert.Equal(root, MerkleTree.Root(leaves));
            Assert.Equal(root, MerkleTree.Root(size, Of(leaves)));
            for (int index = 0; index < size; index++)
            {
                IReadOnlyList<Digest> proof = MerkleTree.ProveInclusion(index, size, Of(leaves));
                Assert.Equal(NaivePath(index, leaves), proof);
                Assert.True(MerkleProof.Includes(leaves[index], index, size, root, proof));
                Assert.False(MerkleProof.Includes(all[(index + 1) % all.Length], index, size, root, proof));
            }

            for (int earlier = 1; earlier <= size; earlier++)
            {
                IReadOnlyList<Digest> proof = MerkleTree.ProveConsistency(earlier, size, Of(leaves));
                Assert.Equal(NaiveSubproof(earlier, leaves, isWhole: true), proof);
                Assert.True(MerkleProof.IsConsistent(earlier, Naive(leaves[..earlier]), size, root, proof));
                Assert.False(MerkleProof.IsConsistent(earlier, all[0], size, all[1], proof));
            }
        }
    }

    [Fact]
    public void AProofIsOfOneIndexSizeAndOrderAlone()
    {
        Digest[] leaves = [.. Enumerable.Range(0, 13).Select(i => MerkleTree.Leaf([(byte)i]))];
        Digest root = MerkleTree.Root(leaves);
        IReadOnlyList<Digest> proof = MerkleTree.ProveInclusion(5, 13, Of(leaves));
        foreach (long index in Enumerable.Range(-1, 15).Where(i => i != 5))
        {
            Assert.False(MerkleProof.Includes(leaves[5], index, 13, root, proof));
        }

        Assert.False(MerkleProof.Includes(leaves[5], 5, 6, root, proof));
        Assert.False(MerkleProof.Includes(leaves[5], 5, long.MaxValue, root, proof));
        Assert.False(MerkleProof.Includes(leaves[5], 5, 13, root, [.. proof.Reverse()]));
        Assert.False(MerkleProof.Includes(leaves[5], 5, 13, root, [.. proof.Skip(1)]));
        Assert.False(MerkleProof.Includes(leaves[5], 5, 13, root, [.. proof, root]));
    }

    [Theory]
    [MemberData(nameof(Vectors), "inclusion")]
    public void InclusionVectors(string file)
    {
        using JsonDocument vector = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Shared.Folder("oracles/merkle/inclusion"), file)));
        JsonElement v = vector.RootElement;
        bool holds = IsDigest(v, "leafHash") && IsDigest(v, "root") && MerkleProof.Includes(Hash(v.GetProperty("leafHash")), Number(v, "leafIdx"), Number(v, "treeSize"), Hash(v.GetProperty("root")), Hashes(v));
        Assert.Equal(v.GetProperty("wantErr").GetBoolean(), !holds);
    }

    [Theory]
    [MemberData(nameof(Vectors), "consistency")]
    public void ConsistencyVectors(string file)
    {
        using JsonDocument vector = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Shared.Folder("oracles/merkle/consistency"), file)));
        JsonElement v = vector.RootElement;
        bool holds = MerkleProof.IsConsistent(Number(v, "size1"), Hash(v.GetProperty("root1")), Number(v, "size2"), Hash(v.GetProperty("root2")), Hashes(v));
        Assert.Equal(v.GetProperty("wantErr").GetBoolean(), !holds);
    }

    /// <summary>The files of a kind; where there are none, one name, whose test then says so and is skipped.</summary>
    public static TheoryData<string> Vectors(string kind)
    {
        string root = Environment.GetEnvironmentVariable("RETORT_SHARED") ?? Path.Combine(Path.GetDirectoryName(Repository.Root)!, "shared");
        string folder = Path.Combine(root, "oracles/merkle", kind);
        return Directory.Exists(folder)
            ? [.. Directory.GetFiles(folder, "*.json", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal)]
            : ["absent.json"];
    }

    static long Number(JsonElement vector, string name) => unchecked((long)vector.GetProperty(name).GetUInt64());

    static bool IsDigest(JsonElement vector, string name) => vector.GetProperty(name).GetBytesFromBase64().Length == Digest.Length;

    /// <summary>Some consistent vectors have roots of other lengths, which no digest can be; a digest made of it stands for each, so that equal ones stay equal.</summary>
    static Digest Hash(JsonElement base64) => base64.GetBytesFromBase64() is { Length: Digest.Length } bytes ? new(bytes) : Digest.Of([.. "another length"u8, .. base64.GetBytesFromBase64()]);

    static Digest[] Hashes(JsonElement vector)
    {
        JsonElement proof = vector.GetProperty("proof");
        return proof.ValueKind == JsonValueKind.Null ? [] : [.. proof.EnumerateArray().Select(Hash)];
    }

    static PerfectSubtree Of(Digest[] leaves) => (height, index) => Naive(leaves[(int)(index << height)..(int)((index + 1) << height)]);

    /// <summary>MTH, PATH and SUBPROOF word for word from RFC 6962, section 2.1.</summary>
    static Digest Naive(Digest[] d) => d.Length switch
    {
        0 => MerkleTree.Empty,
        1 => d[0],
        _ => MerkleTree.Node(Naive(d[..Split(d)]), Naive(d[Split(d)..])),
    };

    static Digest[] NaivePath(int m, Digest[] d) => d.Length switch
    {
        1 => [],
        _ when m < Split(d) => [.. NaivePath(m, d[..Split(d)]), Naive(d[Split(d)..])],
        _ => [.. NaivePath(m - Split(d), d[Split(d)..]), Naive(d[..Split(d)])],
    };

    static Digest[] NaiveSubproof(int m, Digest[] d, bool isWhole)
    {
        if (m == d.Length)
        {
            return isWhole ? [] : [Naive(d)];
        }

        return m <= Split(d)
            ? [.. NaiveSubproof(m, d[..Split(d)], isWhole), Naive(d[Split(d)..])]
            : [.. NaiveSubproof(m - Split(d), d[Split(d)..], isWhole: false), Naive(d[..Split(d)])];
    }

    static int Split(Digest[] d)
    {
        int k = 1;
        while (2 * k < d.Length)
        {
            k *= 2;
        }

        return k;
    }
}
