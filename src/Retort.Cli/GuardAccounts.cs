using System.CommandLine;
using Retort.Guard;
using Retort.Guard.Accounts;
using Retort.Guard.Limits;

namespace Retort.Cli;

static class GuardAccounts
{
    public static Verb Create(Session session) => new("accounts", "Accounts: who they are, their tier of limits, what they say they use the model for, and whether they are verified researchers.", "retort guard accounts add acme --tier free", "retort guard accounts list") { Add(session), List(session), Show(session), Set(session) };

    static Verb Add(Session session)
    {
        Argument<string> name = Inputs.Argument("NAME", "What the account is called");
        Facts facts = new(Inputs.Flag("--researcher", "Verified as a researcher's"));
        Verb verb = new("add", "Add an account.", "retort guard accounts add acme --tier free --purpose evaluation --purpose batch", "retort guard accounts add lab --researcher --trait organisation=\"University of X\"") { name };
        facts.AddTo(verb);
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(facts.Policy), (policy, store) =>
        {
            AccountChange change = facts.Of(parsed, policy);
            Account account = store.Add(parsed.GetRequiredValue(name), change.Tier ?? policy.DefaultTier, change with { IsResearcher = parsed.GetValue(facts.Researcher) });
            session.Answer(new { account = Json(account), ledger = GuardCommand.Record(session, store) }, [Line(account), .. policy.Terms is { } t ? [$"its keys work once its owner has accepted the terms: retort guard terms accept {Quoted(account.Name)} --version {t.Version}"] : Array.Empty<string>()]);
            return ExitCode.Done;
        }));
        return verb;
    }

    static Verb Set(Session session)
    {
        Argument<string> name = Inputs.Argument("NAME", "The account");
        Facts facts = new(Inputs.Flag("--researcher", "Verified as a researcher's"));
        Option<bool> no = Inputs.Flag("--no-researcher", "Not verified any more");
        Option<int?> linked = Inputs.OptionalWhole("--linked", "The group of accounts it is linked to, whose limits hold for all together; 0 for none", 0, int.MaxValue);
        Verb verb = new("set", "Change an account; what is not named stays as it is.", "retort guard accounts set acme --tier pro", "retort guard accounts set acme --linked 7") { name, no, linked };
        facts.AddTo(verb);
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(facts.Policy), (policy, store) =>
        {
            (bool yes, bool none) = (parsed.GetValue(facts.Researcher), parsed.GetValue(no));
            if (yes && none)
            {
                throw new UserError("--researcher and --no-researcher exclude each other", "accounts set", "Give one of them.");
            }

            Account account = store.Set(parsed.GetRequiredValue(name), facts.Of(parsed, policy) with { IsResearcher = yes ? true : none ? false : null, Linked = parsed.GetValue(linked) });
            session.Answer(new { account = Json(account), ledger = GuardCommand.Record(session, store) }, [Line(account)]);
            return ExitCode.Done;
        }));
        return verb;
    }

    static Verb List(Session session)
    {
        Option<string?> policy = GuardCommand.Policy();
        Verb verb = new("list", "Every account, a line each. Exit code 1 when the store was changed without the pepper.", "retort guard accounts list", "retort guard accounts list --json") { policy };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(policy), (_, store) =>
        {
            IReadOnlyList<Account> all = store.Accounts();
            IReadOnlyList<string> faults = store.Faults();
            session.Answer(new { accounts = all.Select(Json), changed_without_pepper = faults }, [.. all.Select(Line), .. faults.Select(f => $"changed without the pepper: {f}"), .. all.Count == 0 ? ["no accounts: retort guard accounts add NAME"] : Array.Empty<string>()]);
            return faults.Count == 0 ? ExitCode.Done : ExitCode.Negative;
        }));
        return verb;
    }

    static Verb Show(Session session)
    {
        Argument<string> name = Inputs.Argument("NAME", "The account");
        Option<string?> file = GuardCommand.Policy();
        Verb verb = new("show", "All that is known of an account: its limits, its keys, what it accepted.", "retort guard accounts show acme") { name, file };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(file), (policy, store) =>
        {
            Account account = store.Account(parsed.GetRequiredValue(name));
            IReadOnlyList<ApiKey> keys = store.Keys(account.Id);
            DateTimeOffset now = session.Time.GetUtcNow();
            BoundScope[] scopes = new BoundScope[2];
            scopes = scopes[..policy.Scopes(account, scopes)];
            IReadOnlyList<(TraitKind Kind, byte[] Hash)> traits = store.TraitsOf(account.Id);
            session.Answer(
                new { account = Json(account), limits = scopes.ToDictionary(s => s.Scope.IsGroup ? "linked" : "account", s => s.Limits), keys = keys.Select(k => GuardKeys.Json(k, now)), traits = traits.Select(t => new { kind = t.Kind, hash = Convert.ToHexStringLower(t.Hash) }) },
                [
                    Line(account),
                    .. account.Accepted is { } a ? [$"accepted  terms {a.Version} on {DurationText.Show(a.At)} by {a.Who}, sha256 {a.Sha256}"] : Array.Empty<string>(),
                    .. scopes.Select(s => $"limits    {(s.Scope.IsGroup ? $"of all in group {s.Scope.Id}" : $"of tier {account.Tier}")}: {Limits(s.Limits)}"),
                    .. traits.Select(t => $"trait     {t.Kind.ToString().ToLowerInvariant()} {Convert.ToHexStringLower(t.Hash)[..16]}…"),
                    .. keys.Select(k => "key       " + GuardKeys.Line(k, now)),
                ]);
            return ExitCode.Done;
        }));
        return verb;
    }

    static string Limits(ScopeLimits l)
    {
        string[] all =
        [
            .. l.RequestsPerMinute is { } r ? [$"{r:n0} requests a minute"] : Array.Empty<string>(), .. l.TokensPerMinute is { } m ? [$"{m:n0} tokens a minute"] : Array.Empty<string>(),
            .. l.TokensPerDay is { } d ? [$"{d:n0} tokens a day"] : Array.Empty<string>(), .. l.PicoUsdPerDay is { } u ? [$"USD {u / 1e12m:0.######} a day"] : Array.Empty<string>(),
            .. l.LogprobTokensPerDay is { } p ? [$"{p:n0} tokens with log-probabilities a day"] : Array.Empty<string>(), .. l.Streams is { } s ? [$"{s:n0} answers at once"] : Array.Empty<string>(),
        ];
        return all.Length == 0 ? "none" : string.Join(", ", all);
    }

    static object Json(Account a) => new
    {
        a.Id,
        a.Name,
        a.Tier,
        purposes = GuardCommand.Flags(a.Purposes),
        researcher_since = a.ResearcherSince,
        a.Linked,
        a.Made,
        accepted = a.Accepted,
    };

    static string Line(Account a) =>
        $"{a.Id,4}  {a.Name}  tier {a.Tier}{(a.Purposes == Purposes.None ? "" : $", for {string.Join(" and ", GuardCommand.Flags(a.Purposes))}")}{(a.ResearcherSince is null ? "" : ", verified researcher")}{(a.Linked is { } g ? $", linked in group {g}" : "")}{(a.Accepted is { } t ? $", terms {t.Version}" : "")}";

    static string Quoted(string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_') ? name : $"\"{name}\"";

    /// <summary>The options that add and set have in common.</summary>
    sealed record Facts(Option<bool> Researcher)
    {
        public Option<string?> Tier { get; } = Inputs.Text("--tier", "NAME", "A tier of the policy");

        public Option<string[]> Purpose { get; } = Inputs.Many("--purpose", string.Join('|', GuardCommand.Names<Purposes>()), "What its owner declares to use the model for");

        public Option<string[]> Trait { get; } = Inputs.Many("--trait", "KIND=TEXT", $"What other accounts may share, {string.Join(", ", GuardCommand.Names<TraitKind>())}; kept as a keyed hash alone");

        public Option<string?> Policy { get; } = GuardCommand.Policy();

        public void AddTo(Verb verb)
        {
            foreach (Option option in (Option[])[Tier, Purpose, Researcher, Trait, Policy])
            {
                verb.Add(option);
            }
        }

        public AccountChange Of(ParseResult parsed, GuardPolicy policy)
        {
            string? tier = parsed.GetValue(Tier);
            if (tier is not null && !policy.Tiers.ContainsKey(tier))
            {
                throw new UserError($"the policy has no tier '{tier}'", "--tier", $"It has {string.Join(", ", policy.Tiers.Keys)}.");
            }

            string[] purposes = parsed.GetValue(Purpose) ?? [], traits = parsed.GetValue(Trait) ?? [];
            return new(tier, purposes.Length == 0 ? null : purposes.Aggregate(Purposes.None, (all, p) => all | GuardCommand.OneOf<Purposes>(p, "--purpose")), Traits: [.. traits.Select(TraitOf)]);
        }

        static (TraitKind, string) TraitOf(string text)
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);

            // The text itself is not repeated: it may be somebody's address.
            return equals > 0 && text[(equals + 1)..].Trim().Length > 0
                ? (GuardCommand.OneOf<TraitKind>(text[..equals], "--trait"), text[(equals + 1)..])
                : throw new UserError("a trait is a kind and a text", "--trait", "Give it as organisation=NAME.");
        }
    }
}
