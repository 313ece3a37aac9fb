using Retort.Evidence.Ledger;

namespace Retort.Cli;

/// <summary>The key that signs this user's ledgers.</summary>
static class OwnLedger
{
    /// <summary>As the environment says; the first time a key is made, and said so in one line.</summary>
    /// <exception cref="UserError">The key cannot be read or made.</exception>
    public static LedgerHome Open(Session session)
    {
        LedgerHome home = LedgerHome.Of(Environment.GetEnvironmentVariable);
        if (home.MakeKey())
        {
            session.Error.WriteLine($"retort: made the key that signs your ledgers, {home.KeyPath}; keep it, and let nobody read it");
        }

        return home;
    }
}
