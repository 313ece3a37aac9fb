using Retort.Guard.Accounts;
using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Guard.Replay;

/// <summary>What an account of a replay is in truth.</summary>
public enum AccountKind
{
    Chat,
    Narrow,
    Evaluation,
    Judge,
    Agent,
    Class,
    Reseller,
    Campaign,
}

/// <summary>An account of a replay.</summary>
/// <param name="Origin">The independent source its prompts are of.</param>
/// <param name="Facts">What the guard knows of it.</param>
/// <param name="Campaign">Its campaign's place in the scenario; null for none.</param>
public sealed record ReplayAccount(long Id, AccountKind Kind, string Origin, AccountFacts Facts, int? Campaign);

/// <summary>A request of a replay.</summary>
/// <param name="IsCampaign">Whether its prompt is of a campaign's list.</param>
public sealed record ReplayRequest(SeenRequest Seen, bool IsCampaign);

/// <summary>Makes accounts with the traits that strangers have: each its own, but clients and settings that many use.</summary>
sealed class Strangers(RandomStream random)
{
    /// <summary>Clients' libraries and settings, by how common they are; the shares fall as one over their rank.</summary>
    const int Clients = 8, Settings = 12;

    long _next = 1;

    public List<ReplayAccount> Accounts { get; } = [];

    public RandomStream Random => random;

    public ReplayAccount Add(AccountKind kind, string origin, Purposes purposes = Purposes.None, int? campaign = null, ulong payment = 0, ulong organisation = 0)
    {
        ReplayAccount account = new(_next++, kind, origin, new(payment == 0 ? random.Next() | 1 : payment, organisation == 0 ? random.Next() | 1 : organisation, purposes, IsResearcher: false), campaign);
        Accounts.Add(account);
        return account;
    }

    public RequestOrigin Origin() => new(random.Next() | 1, random.Next() | 1, 1 + Ranked(Clients));

    public RequestShape Shape(ulong system = 0) => new(100 + Ranked(Settings), system, 1, AsksProbabilities: false);

    ulong Ranked(int count)
    {
        double all = Enumerable.Range(1, count).Sum(r => 1.0 / r), at = random.NextDouble() * all;
        for (int rank = 1; ; rank++)
        {
            at -= 1.0 / rank;
            if (at <= 0 || rank == count)
            {
                return (ulong)rank;
            }
        }
    }
}
