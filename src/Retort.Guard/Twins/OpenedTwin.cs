using System.Text;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Twins;

/// <summary>What showing a twin came to.</summary>
public enum TwinVerdict
{
    Holds,

    /// <summary>An entry is not in the log, or the log's key has not signed it.</summary>
    NotInLog,

    /// <summary>A text or the account is not the one that was committed to.</summary>
    TextDiffers,

    /// <summary>The seed is not the one that was committed to, or of another epoch.</summary>
    SeedDiffers,

    /// <summary>Its number was not set aside before the twin, or the seed was committed to after that.</summary>
    NotSetAside,
}

/// <summary>An entry with its place in the log.</summary>
public sealed record ProvenEntry(ReadOnlyMemory<byte> Entry, LedgerProof Proof);

/// <summary>
/// A twin as it is shown: what it is of with the salts, the entry that commits to it, the entry that set its number aside, and the seed with its entry. Nothing
/// else is needed to check it but the log's public key. The seed shows the coins of its whole epoch.
/// </summary>
/// <param name="Salts">Of account, prompt, first and second answer.</param>
public sealed record OpenedTwin(TwinContent Content, IReadOnlyList<ReadOnlyMemory<byte>> Salts, TwinSeed Seed, ProvenEntry Twin, ProvenEntry Numbers, ProvenEntry Committed)
{
    static readonly string[] s_names = ["account", "prompt", "first", "second"];

    /// <summary>The answer that was served, and the one that never was.</summary>
    public (string Served, string Sealed) Answers => Seed.Coin(Content.Number) == 0 ? (Content.First, Content.Second) : (Content.Second, Content.First);

    /// <summary>1 are all three entries in the log · 2 do the contents open the twin's commitments · 3 does the seed open its own · 4 was the number set aside with that seed, in that order.</summary>
    /// <param name="log">The log's public key, kept elsewhere.</param>
    /// <exception cref="UserError">An entry is in the log and broken.</exception>
    public TwinVerdict Verify(LedgerPublicKey log)
    {
        if (((ProvenEntry[])[Twin, Numbers, Committed]).Any(e => e.Proof.Verify(e.Entry.Span, log) != LedgerVerdict.Holds))
        {
            return TwinVerdict.NotInLog;
        }

        if (TwinEntry.Parse(Twin.Entry.Span, "the twin's entry") is not TwinEntry.Twin twin || twin.Number != Content.Number || !Opens(twin))
        {
            return TwinVerdict.TextDiffers;
        }

        if (TwinEntry.Parse(Committed.Entry.Span, "the seed's entry") is not TwinEntry.Seed seed || seed.Epoch != twin.Epoch || Seed.Epoch != seed.Epoch || Seed.Commitment.ToString() != seed.Commitment)
        {
            return TwinVerdict.SeedDiffers;
        }

        return TwinEntry.Parse(Numbers.Entry.Span, "the numbers' entry") is TwinEntry.Numbers numbers && numbers.Epoch == twin.Epoch && numbers.From <= twin.Number && twin.Number <= numbers.To
            && Committed.Proof.Index < Numbers.Proof.Index && Numbers.Proof.Index < Twin.Proof.Index ? TwinVerdict.Holds : TwinVerdict.NotSetAside;
    }

    /// <returns>Null where the log has no such twin.</returns>
    internal static OpenedTwin? Of(TwinContent content, TileReader log, CommitmentSecret secret)
    {
        (long twinAt, long numbersAt, long seedAt) = (-1, -1, -1);
        foreach ((int at, ReadOnlyMemory<byte> entry) in log.Entries().Index())
        {
            switch (TwinEntry.Parse(entry.Span, $"the ledger of twins, entry {at}"))
            {
                case TwinEntry.Seed when numbersAt < 0:
                    seedAt = at;
                    break;
                case TwinEntry.Numbers n when n.From <= content.Number && content.Number <= n.To:
                    numbersAt = at;
                    break;
                case TwinEntry.Twin t when t.Number == content.Number:
                    twinAt = at;
                    break;
            }
        }

        if (twinAt < 0 || numbersAt < 0 || TwinEntry.Parse(log.Entry(twinAt).Span, "the twin's entry") is not TwinEntry.Twin twin)
        {
            return null;
        }

        ProvenEntry Proven(long at) => new(log.Entry(at), log.Prove(at));
        return new(content, [.. s_names.Select(name => (ReadOnlyMemory<byte>)secret.Salt(TwinEntry.Row(content.Number, name)))], TwinSeed.Of(secret, twin.Epoch), Proven(twinAt), Proven(numbersAt), Proven(seedAt));
    }

    bool Opens(TwinEntry.Twin twin) => Salts.Count == s_names.Length && new[] { (twin.Account, Content.Account), (twin.Prompt, Content.Prompt), (twin.First, Content.First), (twin.Second, Content.Second) }.Zip(Salts)
        .All(pair => pair.Second.Length == Commitment.SaltLength && Commitment.To(pair.Second.Span, Encoding.UTF8.GetBytes(pair.First.Item2)).ToString() == pair.First.Item1);

    /// <summary>Nothing of the texts.</summary>
    public override string ToString() => Content.ToString();
}
