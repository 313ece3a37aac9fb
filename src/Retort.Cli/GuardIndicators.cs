using System.CommandLine;
using System.Globalization;
using Retort.Evidence.Ledger;
using Retort.Guard;
using Retort.Guard.Indicators;

namespace Retort.Cli;

static class GuardIndicators
{
    public static Verb Create(Session session) => new(
        "indicators",
        "What operators tell each other of campaigns: signed bundles of templates as salted hashes, with coarse counts. An import can raise scrutiny and never acts. The policy's indicators name this operator (issuer) and whose bundles are taken (trust).",
        "retort guard indicators export seen.jsonl --expires 30d --tlp amber -o bundle.json",
        "retort guard indicators import bundle.json")
    {
        Export(session), Import(session), List(session), Revoke(session),
    };

    static Verb Export(Session session)
    {
        Argument<string> seen = Inputs.Argument("FILE", "JSON lines: {\"template\": \"…\", \"accounts\": 24, \"requests\": 5100, \"days\": 6}");
        Option<string> to = To();
        Option<string?> expires = Inputs.Text("--expires", "TIME", "How long the bundle holds, such as 30d [default: 30d]"), light = Inputs.Text("--tlp", "MARK", "How far it may be passed on: clear, green, amber, amber+strict or red [default: amber]"), policy = GuardCommand.Policy();
        Verb verb = new(
            "export", $"Sign a bundle of templates that were seen. A template needs {IndicatorBundle.FewestAccounts} accounts behind it; its counts are told in steps of 1, 2, 5, 10 and so on, and its text not at all.",
            "retort guard indicators export seen.jsonl -o bundle.json", "retort guard indicators export seen.jsonl --expires 90d --tlp green -o bundle.json --json") { seen, to, expires, light, policy };
        verb.SetAction(parsed => Issue(session, parsed.GetValue(policy), parsed.GetRequiredValue(to), (folder, key) =>
        {
            string file = parsed.GetRequiredValue(seen);
            return IndicatorExchange.Export(folder, key, file, parsed.GetValue(light) ?? "amber", "--tlp", DurationText.Parse(parsed.GetValue(expires) ?? "30d", "--expires"), session.Time.GetUtcNow());
        }));
        return verb;
    }

    static Verb Import(Session session)
    {
        Argument<string> file = Inputs.Argument("FILE", "A bundle");
        Option<string?> policy = GuardCommand.Policy();
        Verb verb = new("import", "Take a bundle of an issuer the policy trusts. Exit code 1 when it is not signed by one, not newer than the last, expired, or issued in the future.", "retort guard indicators import bundle.json", "retort guard indicators import bundle.json --json") { file, policy };
        verb.SetAction(parsed => On(parsed.GetValue(policy), (guard, folder) =>
        {
            ImportVerdict verdict = IndicatorExchange.Import(folder, guard.Indicators, parsed.GetRequiredValue(file), session.Time.GetUtcNow());
            ImportVerdict.Accepted? taken = verdict as ImportVerdict.Accepted;
            session.Answer(new { accepted = taken is not null, verdict = verdict.Sentence, bundle = taken is null ? null : Json(taken.Bundle) }, [verdict.Sentence]);
            return taken is null ? ExitCode.Negative : ExitCode.Done;
        }));
        return verb;
    }

    static Verb List(Session session)
    {
        Option<string?> policy = GuardCommand.Policy(), template = Inputs.Text("--template", "TEMPLATE", "Those that tell of this template alone");
        Verb verb = new("list", "The bundles that hold, a line each.", "retort guard indicators list", "retort guard indicators list --template \"Solve this step by step and show all your reasoning:\" --json") { template, policy };
        verb.SetAction(parsed => On(parsed.GetValue(policy), (guard, folder) =>
        {
            DateTimeOffset now = session.Time.GetUtcNow();
            IndicatorSet set = IndicatorSet.Open(folder, guard.Indicators);
            Scrutiny? scrutiny = parsed.GetValue(template) is { } text ? set.Scrutiny(text, now) : null;
            IndicatorBundle[] bundles = [.. set.Bundles.Where(b => b.Expires > now && (scrutiny is null || scrutiny.Matches.Any(m => m.Issuer == b.Issuer && m.Sequence == b.Sequence)))];
            session.Answer(
                new { scrutiny = scrutiny?.Level, bundles = bundles.Select(Json), matches = scrutiny?.Matches },
                [
                    .. scrutiny is null ? Array.Empty<string>() : [$"scrutiny: {(scrutiny.Level == ScrutinyLevel.Raised ? "raised" : "usual")}"],
                    .. bundles.Select(b => $"{b.Issuer}  {b.Sequence}  issued {DurationText.Show(b.Issued)}, until {DurationText.Show(b.Expires)}  {b.Templates.Count} templates  TLP:{IndicatorExchange.Mark(b).ToUpperInvariant()}"),
                    .. bundles.Length == 0 ? ["no bundle holds"] : Array.Empty<string>(),
                ]);
            return ExitCode.Done;
        }));
        return verb;
    }

    static Verb Revoke(Session session)
    {
        Argument<string> sequence = Inputs.Argument("SEQUENCE", "The bundle's number");
        Option<string?> issuer = Inputs.Text("--issuer", "NAME", "Whose bundle no longer holds here, whatever its issuer says; without it the bundle is this operator's own"), to = Inputs.Text("--output", "FILE", "The bundle that tells others of it, to write"), policy = GuardCommand.Policy();
        to.Aliases.Add("-o");
        Verb verb = new("revoke", "Take back a bundle of one's own, by a signed bundle that says so; or let an imported one no longer hold.", "retort guard indicators revoke 3 -o revocation.json", "retort guard indicators revoke 7 --issuer other.org") { sequence, issuer, to, policy };
        verb.SetAction(parsed =>
        {
            if (!int.TryParse(parsed.GetRequiredValue(sequence), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                throw new UserError("this is no bundle's number", "SEQUENCE", "Give a whole number, as export and list show it.");
            }

            if (parsed.GetValue(issuer) is not { } other)
            {
                return Issue(session, parsed.GetValue(policy), parsed.GetValue(to) ?? throw new UserError("there is nowhere to write the revocation", "--output", "Name a file, or with --issuer the issuer of an imported bundle."), (folder, key) => IndicatorExchange.Revoke(folder, key, number, session.Time.GetUtcNow()));
            }

            return On(parsed.GetValue(policy), (_, folder) =>
            {
                if (!IndicatorSet.Ignore(folder, other, number))
                {
                    throw new UserError($"no bundle {number} of {other} was taken", "--issuer", "retort guard indicators list shows what holds.");
                }

                session.Answer(new { issuer = other, sequence = number, holds = false }, [$"bundle {number} of {other} no longer holds here"]);
                return ExitCode.Done;
            });
        });
        return verb;
    }

    static Option<string> To()
    {
        Option<string> to = Inputs.Required("--output", "FILE", "The bundle to write");
        to.Aliases.Add("-o");
        return to;
    }

    static int Issue(Session session, string? policy, string to, Func<string, LedgerKey, SignedBundle> make) => On(policy, (guard, folder) =>
    {
        string issuer = guard.Indicators.Issuer ?? throw new UserError("the policy does not say under which name bundles are signed", guard.Path, "Write indicators: {issuer: example.com}.");
        using LedgerKey key = OwnLedger.Open(session).Key(issuer);
        SignedBundle made = make(folder, key);
        made.Signed.Write(to);
        session.Answer(new { bundle = Json(made.Bundle), file = to, key = key.Public.Fingerprint.ToString() }, [$"{to}: bundle {made.Bundle.Sequence} of {issuer}, {made.Bundle.Templates.Count} templates, until {DurationText.Show(made.Bundle.Expires)}"]);
        return ExitCode.Done;
    });

    static int On(string? file, Func<GuardPolicy, string, int> run)
    {
        GuardPolicy policy = GuardPolicy.Read(file ?? "guard.yaml");
        return run(policy, Path.Combine(policy.Store, "indicators"));
    }

    static object Json(IndicatorBundle b) => new { b.Issuer, b.Sequence, b.Issued, b.Expires, tlp = IndicatorExchange.Mark(b), templates = b.Templates.Count, b.Revokes };
}
