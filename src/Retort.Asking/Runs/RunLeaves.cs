using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>The entries of a run's ledger, and which of them are in force.</summary>
/// <param name="All">In order.</param>
/// <param name="Transcripts">By an answer's name the index of its entry.</param>
/// <param name="Steps">By a step's name the indices of its last entries, one a part.</param>
/// <param name="Statements">By a statement's name the index of its last entry.</param>
public sealed record RunLeaves(IReadOnlyList<RunLeaf> All, IReadOnlyDictionary<string, long> Transcripts, IReadOnlyDictionary<string, IReadOnlyList<long>> Steps, IReadOnlyDictionary<string, long> Statements)
{
    /// <summary>Reads them as the bundles have them; that these are the signed ones is what an audit says.</summary>
    /// <exception cref="UserError">An entry is none of a run's ledger, or an answer has two.</exception>
    public static RunLeaves Read(TileReader reader, string where)
    {
        List<RunLeaf> all = [];
        Dictionary<string, long> transcripts = new(StringComparer.Ordinal), statements = new(StringComparer.Ordinal);
        Dictionary<string, IReadOnlyList<long>> steps = new(StringComparer.Ordinal);
        foreach (ReadOnlyMemory<byte> entry in reader.Entries())
        {
            string at = $"{where}, entry {all.Count}";
            RunLeaf leaf = RunLeaf.Parse(entry.Span, at);
            switch (leaf.Kind)
            {
                case LeafKind.Transcript when !transcripts.TryAdd(leaf.Name, all.Count):
                    throw new UserError($"Answer {JsonFields.Short(leaf.Name)} has two entries", at, "It was not written by retort.");
                case LeafKind.Step when leaf.Part == 1:
                    steps[leaf.Name] = [all.Count];
                    break;
                case LeafKind.Step:
                    steps[leaf.Name] = [.. steps.GetValueOrDefault(leaf.Name, []), all.Count];
                    break;
                case LeafKind.Statement:
                    statements[leaf.Name] = all.Count;
                    break;
                default:
                    break;
            }

            all.Add(leaf);
        }

        return new(all, transcripts, steps, statements);
    }
}
