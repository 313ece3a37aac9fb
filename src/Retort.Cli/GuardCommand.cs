using System.CommandLine;
using Retort.Evidence.Ledger;
using Retort.Guard;
using Retort.Guard.Accounts;

namespace Retort.Cli;

/// <summary>What guards a model: accounts, their keys, the terms their owners accept.</summary>
static class GuardCommand
{
    public static Verb Create(Session session) => new(
        "guard",
        $"Who may ask a model, under which terms, and how much: accounts, keys and terms of a policy, guard.yaml. Every change has an entry in the store's ledger.\n\nA policy:\n\n{string.Join('\n', GuardPolicy.Example.Split('\n').Select(l => "  " + l))}",
        "retort guard accounts add acme --tier free --purpose evaluation",
        "retort guard keys make acme --expires 90d",
        "retort guard terms publish terms.md --version 2026-11")
    {
        GuardAccounts.Create(session),
        GuardKeys.Create(session),
        GuardTerms.Create(session),
        GuardIndicators.Create(session),
        GuardReplay.Create(session),
    };

    public static Option<string?> Policy() => Inputs.Text("--guard", "FILE", "The policy [default: guard.yaml]");

    /// <summary>Runs something on the store of a policy.</summary>
    /// <exception cref="UserError">The policy, the pepper or the store is not as it should be.</exception>
    public static T On<T>(Session session, string? file, Func<GuardPolicy, AccountStore, T> run)
    {
        GuardPolicy policy = GuardPolicy.Read(file ?? "guard.yaml");
        using AccountStore store = AccountStore.Open(policy.Store, Pepper.Of(policy.Pepper, Environment.GetEnvironmentVariable), session.Time);
        return run(policy, store);
    }

    /// <summary>Brings the ledger up to what happened. The change itself is made: a ledger that cannot be written is said so, and catches up the next time.</summary>
    public static object? Record(Session session, AccountStore store)
    {
        try
        {
            Checkpoint published = AccountLedger.Record(store, OwnLedger.Open(session));
            return new { origin = published.Origin, entries = published.Size };
        }
        catch (UserError e)
        {
            session.Error.WriteLine($"retort: the change is made, and its entry in the ledger is not: {e.Message}");
            return null;
        }
    }

    public static T OneOf<T>(string text, string option)
        where T : struct, Enum =>
        Enum.GetValues<T>().Where(v => Name(v) == text && text != "none").Select(v => (T?)v).FirstOrDefault() ?? throw new UserError($"must be one of {string.Join(", ", Names<T>())}, not '{text}'", option, "Give one of these.");

    public static IEnumerable<string> Names<T>()
        where T : struct, Enum => Enum.GetValues<T>().Select(Name).Where(n => n != "none");

    /// <summary>The flags of a value by name.</summary>
    public static string[] Flags<T>(T value)
        where T : struct, Enum => [.. Enum.GetValues<T>().Where(v => long.PopCount(Convert.ToInt64(v)) == 1 && value.HasFlag(v)).Select(Name)];

    static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
