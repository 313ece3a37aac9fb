using System.Text;
using Retort.Evidence.Ledger;

namespace Retort.Tests.Evidence.Ledger;

/// <summary>Small logs for tests.</summary>
static class Logs
{
    public static byte[] Entry(int index) => Encoding.UTF8.GetBytes($"e{index}");

    /// <summary>Appends entries up to each of the sizes in turn and publishes.</summary>
    public static Checkpoint Publish(string folder, LedgerKey key, params ReadOnlySpan<int> sizes)
    {
        using TileLog log = TileLog.Open(folder, key);
        foreach (int size in sizes)
        {
            while (log.Size < size)
            {
                log.Append(Entry((int)log.Size));
            }

            log.Publish(key);
        }

        return log.Published;
    }

    public static Digest Root(int size) => MerkleTree.Root([.. Enumerable.Range(0, size).Select(i => MerkleTree.Leaf(Entry(i)))]);

    public static string[] Files(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    public static void Copy(string from, string to)
    {
        foreach (string file in Files(from))
        {
            CopyFile(from, to, file);
        }
    }

    public static void CopyFile(string from, string to, string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(to, file))!);
        File.Copy(Path.Combine(from, file), Path.Combine(to, file), overwrite: true);
    }
}
