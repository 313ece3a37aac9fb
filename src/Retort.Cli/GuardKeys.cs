using System.CommandLine;
using Retort.Guard.Accounts;

namespace Retort.Cli;

static class GuardKeys
{
    public static Verb Create(Session session) => new("keys", "Keys: made and shown once, rotated with an overlap, revoked at once.", "retort guard keys make acme", "retort guard keys revoke 4k2m9x0q7r1t") { Make(session), Rotate(session), Revoke(session), List(session) };

    static Verb Make(Session session)
    {
        Argument<string> account = Inputs.Argument("ACCOUNT", "Whose key it is");
        Option<string?> scopes = Inputs.Text("--scopes", "SCOPES", $"What it may be used for, joined by commas: {string.Join(", ", GuardCommand.Flags(KeyScopes.All))} [default: all]"), expires = Inputs.Text("--expires", "WHEN", "A day such as 2027-01-31, or a length of time such as 90d [default: never]"), policy = GuardCommand.Policy();
        Verb verb = new("make", "Make a key and print it. It is shown this once: the store keeps a hash.", "retort guard keys make acme", "retort guard keys make acme --scopes chat,models --expires 90d") { account, scopes, expires, policy };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(policy), (_, store) =>
        {
            KeyScopes granted = parsed.GetValue(scopes) is { } text ? text.Split(',', StringSplitOptions.TrimEntries).Aggregate(KeyScopes.None, (all, s) => all | GuardCommand.OneOf<KeyScopes>(s, "--scopes")) : KeyScopes.All;
            MadeKey made = store.MakeKey(parsed.GetRequiredValue(account), granted, parsed.GetValue(expires) is { } when ? DurationText.Moment(when, "--expires", session.Time.GetUtcNow()) : null);
            Give(session, store, made, null);
            return ExitCode.Done;
        }));
        return verb;
    }

    static Verb Rotate(Session session)
    {
        Argument<string> key = Inputs.Argument("KEYID", "The key's id, as keys list shows it");
        Option<string?> overlap = Inputs.Text("--overlap", "TIME", "How long the old key goes on, such as 24h [default: 24h]"), policy = GuardCommand.Policy();
        Verb verb = new("rotate", "Make a key in place of another, with the same scopes and expiry; the old one goes on until the overlap ends.", "retort guard keys rotate 4k2m9x0q7r1t --overlap 24h") { key, overlap, policy };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(policy), (_, store) =>
        {
            string id = parsed.GetRequiredValue(key);
            TimeSpan time = DurationText.Parse(parsed.GetValue(overlap) ?? "24h", "--overlap");
            MadeKey made = store.Rotate(id, time);
            Give(session, store, made, $"{id} goes on until {DurationText.Show(session.Time.GetUtcNow() + time)}");
            return ExitCode.Done;
        }));
        return verb;
    }

    static Verb Revoke(Session session)
    {
        Argument<string> key = Inputs.Argument("KEYID", "The key's id, as keys list shows it");
        Option<string?> policy = GuardCommand.Policy();
        Verb verb = new("revoke", "Revoke a key: once this returns, no server on this store lets it pass.", "retort guard keys revoke 4k2m9x0q7r1t") { key, policy };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(policy), (_, store) =>
        {
            ApiKey revoked = store.Revoke(parsed.GetRequiredValue(key));
            session.Answer(new { key = Json(revoked, session.Time.GetUtcNow()), ledger = GuardCommand.Record(session, store) }, [Line(revoked, session.Time.GetUtcNow())]);
            return ExitCode.Done;
        }));
        return verb;
    }

    static Verb List(Session session)
    {
        Option<string?> account = Inputs.Text("--account", "NAME", "Of this account alone"), policy = GuardCommand.Policy();
        Verb verb = new("list", "Every key, a line each.", "retort guard keys list", "retort guard keys list --account acme --json") { account, policy };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(policy), (_, store) =>
        {
            IReadOnlyList<ApiKey> keys = store.Keys(parsed.GetValue(account) is { } name ? store.Account(name).Id : null);
            Dictionary<long, string> names = store.Accounts().ToDictionary(a => a.Id, a => a.Name);
            DateTimeOffset now = session.Time.GetUtcNow();
            session.Answer(new { keys = keys.Select(k => Json(k, now)) }, [.. keys.Select(k => $"{Line(k, now)}  {names.GetValueOrDefault(k.Account)}"), .. keys.Count == 0 ? ["no keys: retort guard keys make ACCOUNT"] : Array.Empty<string>()]);
            return ExitCode.Done;
        }));
        return verb;
    }

    /// <summary>The key alone on standard output, so that it can be piped to where it is kept.</summary>
    static void Give(Session session, AccountStore store, MadeKey made, string? besides)
    {
        session.Answer(new { key = made.Text, made.Key.Id, made.Key.Account, scopes = GuardCommand.Flags(made.Key.Scopes), made.Key.Expires, ledger = GuardCommand.Record(session, store) }, [made.Text]);
        if (!session.Json)
        {
            session.Error.WriteLine($"key {made.Key.Id}, shown this once{(made.Key.Expires is { } e ? $", expires {DurationText.Show(e)}" : "")}{(besides is null ? "" : $"; {besides}")}");
        }
    }

    internal static object Json(ApiKey k, DateTimeOffset now) => new { k.Id, k.Account, scopes = GuardCommand.Flags(k.Scopes), k.Made, k.Expires, k.Replaced, k.Revoked, k.Successor, state = k.State(now) };

    internal static string Line(ApiKey k, DateTimeOffset now) =>
        $"{k.Id}  {k.State(now),-8}  made {DurationText.Show(k.Made)}{(k.Ends is { } e ? $", until {DurationText.Show(e)}" : "")}{(k.Successor is { } s ? $", then {s}" : "")}{(k.Scopes == KeyScopes.All ? "" : $", {string.Join(" and ", GuardCommand.Flags(k.Scopes))} alone")}";
}
