using Retort.Guard.Accounts;
using Retort.Guard.Detector;
using Retort.Guard.Limits;

namespace Retort.Guard;

/// <summary>What a policy opens for a server: accounts, keys, limits, what is done about accounts.</summary>
public sealed class OpenPolicy : IDisposable
{
    OpenPolicy(GuardPolicy policy, AccountStore store, KeyGate keys, LeasedLimits limits) => (Policy, Store, Keys, Limits) = (policy, store, keys, limits);

    public GuardPolicy Policy { get; }

    public AccountStore Store { get; }

    public KeyGate Keys { get; }

    public LeasedLimits Limits { get; }

    /// <summary>What is done about accounts; whoever looks at requests writes it.</summary>
    public ResponseTable Responses { get; } = new();

    /// <summary>Where requests that pass the limits are offered.</summary>
    public DetectorFeed Feed { get; } = new();

    /// <summary>Opens the stores of a policy.</summary>
    /// <param name="environment">Gives an environment variable; null where it is not set.</param>
    /// <exception cref="UserError">The pepper is missing or another, a store is damaged, or the policy's terms are not in force.</exception>
    public static OpenPolicy Open(GuardPolicy policy, Func<string, string?> environment, TimeProvider time)
    {
        AccountStore store = AccountStore.Open(policy.Store, Pepper.Of(policy.Pepper, environment), time);
        LeasedLimits? limits = null;
        try
        {
            limits = LeasedLimits.Open(policy.Store, LimitTiming.Default, time);
            return new(policy, store, KeyGate.Open(store, policy.Terms, time), limits);
        }
        catch (UserError)
        {
            limits?.Dispose();
            store.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Feed.Close();
        Limits.Dispose();
        Store.Dispose();
    }
}
