namespace Retort.Guard.Detector;

/// <summary>Prompts that are alike but for what fills them: those like the first one seen.</summary>
/// <param name="first">The first prompt's sample.</param>
/// <param name="text">A sample of that prompt with what goes around.</param>
public sealed class Template(int id, uint[] first, uint[] text)
{
    /// <summary>Accounts that are remembered of one template.</summary>
    const int MostAccounts = 256;

    /// <summary>Prompts that others are compared with.</summary>
    const int MostItems = 16;

    /// <summary>A template of whose pairs this share is the same item is a public one: a benchmark, an exercise, the same data under two jobs.</summary>
    const double PublicShare = 0.05;

    readonly List<long> _accounts = [];
    readonly List<(AccountTrail Account, ItemSketch Item)> _items = [];
    int _pairs, _same;

    public int Id => id;

    public ReadOnlySpan<uint> First => first;

    public ReadOnlySpan<uint> Text => text;

    /// <summary>Who asked in this form, each once, the first first.</summary>
    public IReadOnlyList<long> Accounts => _accounts;

    /// <summary>Whether accounts asked the very same here, as those do who work on the same public list and not those who divide one among them.</summary>
    public bool IsPublic => _same > 0 && _same >= PublicShare * _pairs;

    /// <summary>Whether it tells nothing of who knows whom: public, or made of what goes around.</summary>
    public bool IsCommon => IsPublic || IsKnown;

    /// <summary>Whether half of what made it one has turned out to be wrapping, or to go around.</summary>
    public bool IsKnown { get; set; }

    /// <summary>Adds a prompt.</summary>
    /// <returns>Whether its account is new here.</returns>
    public bool Add(AccountTrail account, ItemSketch item)
    {
        foreach ((AccountTrail other, ItemSketch known) in _items)
        {
            if (!ReferenceEquals(other, account))
            {
                _pairs++;
                _same += item.IsSameAs(known) ? 1 : 0;
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
