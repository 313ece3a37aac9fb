namespace Retort.Guard.Detector;

/// <summary>Prompts that are alike but for what fills them: those like the first one seen.</summary>
/// <param name="first">The first prompt's sample.</param>
public sealed class Template(int id, uint[] first)
{
    /// <summary>Accounts that are remembered of one template.</summary>
    const int MostAccounts = 256;

    /// <summary>Prompts that others are compared with.</summary>
    const int MostItems = 16;

    /// <summary>Two items of which this much is the same are one: another wrapping, and no other filling.</summary>
    const double SameItem = 0.9;

    /// <summary>A template of whose pairs this share is the same item is a public one: a benchmark, an exercise, the same data under two jobs.</summary>
    const double PublicShare = 0.05;

    readonly List<long> _accounts = [];
    readonly List<(AccountTrail Account, uint[] Item)> _items = [];
    int _pairs, _same;

    public int Id => id;

    public ReadOnlySpan<uint> First => first;

    /// <summary>Who asked in this form, each once, the first first.</summary>
    public IReadOnlyList<long> Accounts => _accounts;

    /// <summary>Whether accounts asked the very same here, as those do who work on the same public list and not those who divide one among them.</summary>
    public bool IsPublic => _same > 0 && _same >= PublicShare * _pairs;

    /// <summary>Whether it tells nothing of who knows whom: public, or known from honest traffic.</summary>
    public bool IsCommon => IsPublic || IsKnown;

    /// <summary>Whether honest traffic holds it that the detector was calibrated by.</summary>
    public bool IsKnown { get; set; }

    /// <summary>Adds a prompt.</summary>
    /// <returns>Whether its account is new here.</returns>
    public bool Add(AccountTrail account, uint[] item)
    {
        uint[] own = account.WithoutWrapping(item);
        foreach ((AccountTrail other, uint[] known) in _items)
        {
            if (!ReferenceEquals(other, account))
            {
                _pairs++;
                uint[] theirs = other.WithoutWrapping(known);

                // Nothing but wrapping on either side tells nothing apart.
                _same += own.Length == 0 || theirs.Length == 0 || PromptSketch.Compare(own, theirs).Containment >= SameItem ? 1 : 0;
            }
        }

        // Each account's first is kept, so that one that asks much does not hide the others.
        bool isNew = !_accounts.Contains(account.Id);
        if (isNew && _items.Count < MostItems)
        {
            _items.Add((account, item));
        }

        if (isNew && _accounts.Count < MostAccounts)
        {
            _accounts.Add(account.Id);
        }

        return isNew;
    }
}
