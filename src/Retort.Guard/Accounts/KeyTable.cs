using System.Numerics;

namespace Retort.Guard.Accounts;

/// <summary>
/// Keys by id, for reading by many threads while another table is made. A look-up reads all eight places of one bucket whether the id is there or not, and
/// gives an entry in both cases, so that its time tells nothing.
/// </summary>
sealed class KeyTable
{
    const int Width = 8;

    readonly ulong[] _ids;
    readonly KeyEntry[] _entries;
    readonly int _shift;

    KeyTable(ulong[] ids, KeyEntry[] entries, int shift) => (_ids, _entries, _shift) = (ids, entries, shift);

    public static KeyTable Of(IReadOnlyCollection<KeyEntry> entries)
    {
        for (int bits = Math.Max(1, BitOperations.Log2((uint)entries.Count + 1)); ; bits++)
        {
            if (TryPlace(entries, bits) is { } table)
            {
                return table;
            }
        }
    }

    /// <summary>The entry of an id, or one that no key opens.</summary>
    public KeyEntry Find(ulong id)
    {
        int at = Bucket(id, _shift), found = _entries.Length - 1;
        for (int i = at; i < at + Width; i++)
        {
            found = _ids[i] == id ? i : found;
        }

        return _entries[found];
    }

    static KeyTable? TryPlace(IReadOnlyCollection<KeyEntry> entries, int bits)
    {
        int places = Width << bits, shift = 64 - bits;
        ulong[] ids = new ulong[places];
        KeyEntry[] placed = new KeyEntry[places + 1];
        Array.Fill(ids, ulong.MaxValue);
        Array.Fill(placed, KeyEntry.None);
        foreach (KeyEntry entry in entries)
        {
            int at = Bucket(entry.Number, shift), end = at + Width;
            while (at < end && ids[at] != ulong.MaxValue)
            {
                at++;
            }

            if (at == end)
            {
                return null;
            }

            (ids[at], placed[at]) = (entry.Number, entry);
        }

        return new(ids, placed, shift);
    }

    /// <summary>Ids are random already; the multiplication spreads those that are not.</summary>
    static int Bucket(ulong id, int shift) => (int)((id * 0x9E3779B97F4A7C15) >> shift) * Width;
}

/// <summary>A key as requests meet it, with the verdicts that it may get.</summary>
sealed class KeyEntry
{
    /// <summary>What an unknown id finds: a hash that no key has.</summary>
    public static KeyEntry None { get; } = new(ulong.MaxValue, System.Security.Cryptography.RandomNumberGenerator.GetBytes(32), null, null, null, null);

    readonly byte[] _hash;
    readonly KeyVerdict.Passes? _passes, _inGrace;
    readonly KeyVerdict.TermsOutstanding? _outstanding;
    readonly long _ends, _graceEnds;

    KeyEntry(ulong number, byte[] hash, ApiKey? key, KeyVerdict.Passes? passes, KeyVerdict.Passes? inGrace, KeyVerdict.TermsOutstanding? outstanding)
    {
        (Number, _hash, Key, _passes, _inGrace, _outstanding) = (number, hash, key, passes, inGrace, outstanding);
        _ends = key?.Ends?.ToUnixTimeMilliseconds() ?? long.MaxValue;
        _graceEnds = inGrace?.Grace?.GraceEnds?.ToUnixTimeMilliseconds() ?? long.MinValue;
    }

    /// <summary>The id as a number.</summary>
    public ulong Number { get; }

    public ApiKey? Key { get; }

    /// <param name="terms">Those in force, and when; null for none.</param>
    public static KeyEntry Of(ulong number, byte[] hash, ApiKey key, Account account, PublishedTerms? terms, TermsPolicy? policy)
    {
        if (terms is null || policy is null || (account.Accepted is { } a && a.Version == terms.Version && a.Sha256 == terms.Sha256))
        {
            return new(number, hash, key, new(account, key, null), null, null);
        }

        DateTimeOffset? graceEnds = account.Accepted is null || policy.Grace <= TimeSpan.Zero ? null : terms.At + policy.Grace;
        TermsDemand demand = new(terms.Version, terms.Sha256, account.Accepted?.Version, graceEnds, policy.AcceptAt);
        return new(number, hash, key, null, graceEnds is null ? null : new(account, key, demand), new(account, key, demand));
    }

    /// <summary>Whether this is the key's hash; in the same time for all.</summary>
    public bool Opens(ReadOnlySpan<byte> hash) => System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(hash, _hash);

    /// <summary>What the key may do now.</summary>
    public KeyVerdict Verdict(KeyScopes needed, long now) =>
        Key is null ? KeyGate.Refusals[(int)KeyRefusal.Unknown]
        : Key.Revoked is not null ? KeyGate.Refusals[(int)KeyRefusal.Revoked]
        : now >= _ends ? KeyGate.Refusals[(int)KeyRefusal.Expired]
        : (Key.Scopes & needed) != needed ? KeyGate.Refusals[(int)KeyRefusal.OutOfScope]
        : _passes ?? (now < _graceEnds ? _inGrace! : (KeyVerdict)_outstanding!);
}
