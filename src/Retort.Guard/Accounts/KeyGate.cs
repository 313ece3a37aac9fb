using System.Security.Cryptography;

namespace Retort.Guard.Accounts;

/// <summary>
/// Whether a request's key passes, told from memory: no request asks the store. What changed, here or in another program, is read before the next verdict:
/// a key that was revoked passes nowhere once the revocation has returned.
/// <code>
/// using AccountStore store = AccountStore.Open("guard", Pepper.Of("RETORT_GUARD_PEPPER", Environment.GetEnvironmentVariable), TimeProvider.System);
/// KeyGate gate = KeyGate.Open(store, null, TimeProvider.System);
/// KeyVerdict verdict = gate.Check("Bearer rt_…", KeyScopes.Chat);
/// </code>
/// <see cref="Poll"/> is to be called a few times a second: it notices what a program changed that was killed before it could say so.
/// </summary>
public sealed class KeyGate
{
    /// <summary>One of each, in the order of <see cref="KeyRefusal"/>.</summary>
    internal static KeyVerdict.Refused[] Refusals { get; } = [.. Enum.GetValues<KeyRefusal>().Select(r => new KeyVerdict.Refused(r))];

    readonly AccountStore _store;
    readonly TermsPolicy? _policy;
    readonly TimeProvider _time;
    readonly Lock _gate = new();
    readonly Dictionary<long, Account> _accounts = [];
    readonly Dictionary<ulong, (byte[] Hash, ApiKey Key)> _keys = [];
    readonly Dictionary<ulong, KeyPlace> _places = [];
    PublishedTerms? _terms;
    KeyTable _table = KeyTable.Of(new Dictionary<ulong, KeyPlace>());
    long _seen = -1, _change, _dataVersion = -1;

    KeyGate(AccountStore store, TermsPolicy? policy, TimeProvider time) => (_store, _policy, _time) = (store, policy, time);

    /// <param name="policy">Null where no terms are asked for.</param>
    /// <exception cref="UserError">The store is damaged, was changed without the pepper, or the policy's terms are not in force.</exception>
    public static KeyGate Open(AccountStore store, TermsPolicy? policy, TimeProvider time)
    {
        if (store.Faults() is { Count: > 0 } faults)
        {
            throw new UserError($"the store was changed without the pepper: {string.Join(", ", faults)}", store.Folder, "Put back a copy of the store, or find who changed it.");
        }

        if (policy is not null)
        {
            store.Require(policy, "terms");
        }

        KeyGate gate = new(store, policy, time);
        gate.Read();
        return gate;
    }

    /// <summary>Rows that were left out because their seal does not hold; their keys are unknown here.</summary>
    public IReadOnlyList<string> Faults { get; private set; } = [];

    /// <summary>Why the store could not be read last, for a log; null where it could.</summary>
    public string? LastFault { get; private set; }

    /// <summary>The verdict on an Authorization header, of whatever length and content. The same work is done for a key that is known and one that is not.</summary>
    /// <param name="needed">What the request is about to do.</param>
    public KeyVerdict Check(ReadOnlySpan<char> header, KeyScopes needed)
    {
        if (_store.Word != Volatile.Read(ref _seen) && !TryRead())
        {
            return Refusals[(int)KeyRefusal.Unavailable];
        }

        switch (KeyText.Read(header, out ulong id, out ReadOnlySpan<char> key))
        {
            case KeyTextFault.Missing:
                return Refusals[(int)KeyRefusal.Missing];
            case KeyTextFault.Malformed:
                return Refusals[(int)KeyRefusal.Malformed];
            case KeyTextFault.Mistyped:
                return Refusals[(int)KeyRefusal.Mistyped];
            default:
                break;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _store.Pepper.Hash(key, hash);
        ref readonly KeyPlace place = ref Volatile.Read(ref _table).Find(id);

        // Both are worked out for every key, and one is taken without a branch.
        Either either = default;
        either[0] = Refusals[(int)KeyRefusal.Unknown];
        either[1] = place.Verdict(needed, _time.GetUtcNow().ToUnixTimeMilliseconds());
        return either[place.Opens(hash) ? 1 : 0];
    }

    /// <summary>Reads what changed without a word of it.</summary>
    /// <exception cref="UserError">The store cannot be read.</exception>
    public void Poll()
    {
        if (_store.DataVersion != _dataVersion)
        {
            Read();
        }
    }

    [System.Runtime.CompilerServices.InlineArray(2)]
    struct Either
    {
        KeyVerdict _first;
    }

    bool TryRead()
    {
        try
        {
            Read();
            return true;
        }
        catch (UserError e)
        {
            LastFault = e.Message;
            return false;
        }
    }

    void Read()
    {
        lock (_gate)
        {
            // Before the rows: whoever changes them afterwards raises it again.
            (long word, long version) = (_store.Word, _store.DataVersion);
            if (word == _seen && version == _dataVersion)
            {
                return;
            }

            AccountRows rows = _store.ChangedSince(_change);
            foreach (Account account in rows.Accounts)
            {
                _accounts[account.Id] = account;
            }

            HashSet<long> touched = [.. rows.Accounts.Select(a => a.Id)];
            HashSet<ulong> again = [];
            foreach ((ulong number, byte[] hash, ApiKey key) in rows.Keys)
            {
                _keys[number] = (hash, key);
                again.Add(number);
            }

            foreach (ulong number in rows.Unsealed)
            {
                _keys.Remove(number);
                _places.Remove(number);
            }

            foreach (long account in rows.UnsealedAccounts)
            {
                _accounts.Remove(account);
                touched.Add(account);
            }

            bool all = rows.Terms is not null && rows.Terms != _terms;
            _terms = rows.Terms ?? _terms;
            foreach ((ulong number, (byte[] hash, ApiKey key)) in _keys)
            {
                if (all || touched.Contains(key.Account) || again.Contains(number))
                {
                    if (_accounts.TryGetValue(key.Account, out Account? account))
                    {
                        _places[number] = KeyPlace.Of(hash, key, account, _terms, _policy);
                    }
                    else
                    {
                        _places.Remove(number);
                    }
                }
            }

            Faults = rows.Faults;
            LastFault = null;
            Volatile.Write(ref _table, KeyTable.Of(_places));
            (_change, _dataVersion) = (rows.Change, version);
            Volatile.Write(ref _seen, word);
        }
    }
}
