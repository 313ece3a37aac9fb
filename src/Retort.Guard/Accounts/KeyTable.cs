using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Retort.Guard.Accounts;

/// <summary>
/// Keys by id, for reading by many threads while another table is made. A look-up reads all eight places of one bucket whether the id is there or not, and
/// gives a place in both cases: every bucket has a decoy, with a hash that no key has, in the same array. So the work for an unknown id is that for a known
/// one, down to which memory is read.
/// </summary>
sealed class KeyTable
{
    const int Width = 8;

    readonly ulong[] _ids;
    readonly KeyPlace[] _places;
    readonly int _shift;

    KeyTable(ulong[] ids, KeyPlace[] places, int shift) => (_ids, _places, _shift) = (ids, places, shift);

    public static KeyTable Of(IReadOnlyDictionary<ulong, KeyPlace> keys)
    {
        for (int bits = Math.Max(1, BitOperations.Log2((uint)keys.Count + 1)); ; bits++)
        {
            if (TryPlace(keys, bits) is { } table)
            {
                return table;
            }
        }
    }

    /// <summary>The place of an id, or a decoy.</summary>
    public ref readonly KeyPlace Find(ulong id)
    {
        int at = Bucket(id, _shift), found = at + Width;
        for (int i = at; i < at + Width; i++)
        {
            // Without a branch, which would be foreseen for ids that are not there and missed for those that are.
            int mask = -(_ids[i] == id ? 1 : 0);
            found = (found & ~mask) | (i & mask);
        }

        return ref _places[found];
    }

    static KeyTable? TryPlace(IReadOnlyDictionary<ulong, KeyPlace> keys, int bits)
    {
        int count = (Width + 1) << bits, shift = 64 - bits;
        ulong[] ids = new ulong[count];
        KeyPlace[] places = new KeyPlace[count];
        Array.Fill(ids, ulong.MaxValue);
        foreach ((ulong id, KeyPlace key) in keys)
        {
            int at = Bucket(id, shift), end = at + Width;
            while (at < end && ids[at] != ulong.MaxValue)
            {
                at++;
            }

            if (at == end)
            {
                return null;
            }

            (ids[at], places[at]) = (id, key);
        }

        for (int decoy = Width; decoy < count; decoy += Width + 1)
        {
            places[decoy] = KeyPlace.Decoy();
        }

        return new(ids, places, shift);
    }

    /// <summary>Ids are random already; the multiplication spreads those that are not.</summary>
    static int Bucket(ulong id, int shift) => (int)((id * 0x9E3779B97F4A7C15) >> shift) * (Width + 1);
}

/// <summary>A key as requests meet it, with the verdicts that it may get.</summary>
struct KeyPlace
{
    Hash32 _hash;
    KeyVerdict _within, _after;
    long _ends, _graceEnds;
    KeyScopes _scopes;
    bool _isRevoked;

    /// <summary>What an unknown id finds: as a key of a good account is, so that the same branches are taken.</summary>
    public static KeyPlace Decoy()
    {
        KeyVerdict unknown = KeyGate.Refusals[(int)KeyRefusal.Unknown];
        KeyPlace place = new() { _within = unknown, _after = unknown, _ends = long.MaxValue, _scopes = KeyScopes.All };
        RandomNumberGenerator.Fill(place._hash);
        return place;
    }

    /// <param name="terms">Those in force, and when; null for none.</param>
    public static KeyPlace Of(byte[] hash, ApiKey key, Account account, PublishedTerms? terms, TermsPolicy? policy)
    {
        KeyPlace place = new() { _ends = key.Ends?.ToUnixTimeMilliseconds() ?? long.MaxValue, _scopes = key.Scopes, _isRevoked = key.Revoked is not null };
        hash.CopyTo(place._hash);
        if (terms is null || policy is null || (account.Accepted is { } a && a.Version == terms.Version && a.Sha256 == terms.Sha256))
        {
            place._within = place._after = new KeyVerdict.Passes(account, key, null);
            return place;
        }

        DateTimeOffset? graceEnds = account.Accepted is null || policy.Grace <= TimeSpan.Zero ? null : terms.At + policy.Grace;
        TermsDemand demand = new(terms.Version, terms.Sha256, account.Accepted?.Version, graceEnds, policy.AcceptAt);
        place._graceEnds = graceEnds?.ToUnixTimeMilliseconds() ?? long.MinValue;
        (place._within, place._after) = (new KeyVerdict.Passes(account, key, demand), new KeyVerdict.TermsOutstanding(account, key, demand));
        return place;
    }

    /// <summary>Whether this is the key's hash; in the same time for all.</summary>
    public readonly bool Opens(ReadOnlySpan<byte> hash) => CryptographicOperations.FixedTimeEquals(hash, _hash);

    /// <summary>What the key may do now.</summary>
    public readonly KeyVerdict Verdict(KeyScopes needed, long now) =>
        _isRevoked ? KeyGate.Refusals[(int)KeyRefusal.Revoked]
        : now >= _ends ? KeyGate.Refusals[(int)KeyRefusal.Expired]
        : (_scopes & needed) != needed ? KeyGate.Refusals[(int)KeyRefusal.OutOfScope]
        : now < _graceEnds ? _within : _after;

    [InlineArray(SHA256.HashSizeInBytes)]
    struct Hash32
    {
        byte _first;
    }
}
