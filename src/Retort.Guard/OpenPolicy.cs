using Retort.Evidence.Ledger;
using Retort.Guard.Accounts;
using Retort.Guard.Detector;
using Retort.Guard.Limits;
using Retort.Guard.Records;

namespace Retort.Guard;

/// <summary>What a policy opens for a server: accounts, keys, limits, the ledger of decisions, and what is done about accounts.</summary>
public sealed class OpenPolicy : IAsyncDisposable
{
    OpenPolicy(GuardPolicy policy, AccountStore store, KeyGate keys, LeasedLimits limits, DecisionLog decisions, LedgerHome home) =>
        (Policy, Store, Keys, Limits, Decisions, Home) = (policy, store, keys, limits, decisions, home);

    public GuardPolicy Policy { get; }

    public AccountStore Store { get; }

    public KeyGate Keys { get; }

    public LeasedLimits Limits { get; }

    internal DecisionLog Decisions { get; }

    /// <summary>Who signs the ledgers.</summary>
    internal LedgerHome Home { get; }

    /// <summary>What is done about accounts; whoever looks at requests writes it.</summary>
    public ResponseTable Responses { get; } = new();

    /// <summary>Where requests that pass the limits are offered.</summary>
    public DetectorFeed Feed { get; } = new();

    /// <summary>Opens the stores of a policy.</summary>
    /// <param name="environment">Gives an environment variable; null where it is not set.</param>
    /// <param name="home">Who signs the ledgers.</param>
    /// <exception cref="UserError">The pepper is missing or another, a store is damaged, or the policy's terms are not in force.</exception>
    public static OpenPolicy Open(GuardPolicy policy, Func<string, string?> environment, LedgerHome home, TimeProvider time)
    {
        ContentVault? vault = ContentVault.Of(policy, environment, time);
        AccountStore store = AccountStore.Open(policy.Store, Pepper.Of(policy.Pepper, environment), time);
        LeasedLimits? limits = null;
        try
        {
            limits = LeasedLimits.Open(policy.Store, LimitTiming.Default, time);
            return new(policy, store, KeyGate.Open(store, policy.Terms, time), limits, DecisionLog.Open(policy.Store, home, vault, time), home);
        }
        catch (UserError)
        {
            limits?.Dispose();
            store.Dispose();
            throw;
        }
    }

    /// <summary>Writes what waits, and closes all.</summary>
    public async ValueTask DisposeAsync()
    {
        Feed.Close();
        await Decisions.DisposeAsync().ConfigureAwait(false);
        Limits.Dispose();
        Store.Dispose();
    }
}
