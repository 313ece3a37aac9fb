using System.CommandLine;
using Retort.Guard.Accounts;

namespace Retort.Cli;

static class GuardTerms
{
    public static Verb Create(Session session) => new("terms", "The terms under which keys work: publish a version, write down who accepted it.", "retort guard terms publish terms.md --version 2026-11", "retort guard terms accept acme --version 2026-11") { Publish(session), Accept(session), List(session) };

    static Verb Publish(Session session)
    {
        Argument<string> file = Inputs.Argument("FILE", "The document");
        Option<string> version = Inputs.Required("--version", "V", "What it is called, such as 2026-11");
        Option<string?> policy = GuardCommand.Policy();
        Verb verb = new("publish", "Put terms in force. Keys of owners who accepted the version before go on for the policy's grace, and then stop until this one is accepted. A copy is kept in the store.", "retort guard terms publish terms.md --version 2026-11") { file, version, policy };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(policy), (guard, store) =>
        {
            string path = parsed.GetRequiredValue(file);
            PublishedTerms published = store.Publish(parsed.GetRequiredValue(version), path, InputFile.ReadAll(path, 64 << 20));
            session.Answer(
                new { published.Version, published.Sha256, published.File, published.At, ledger = GuardCommand.Record(session, store) },
                [$"{published.Version} is in force, sha256 {published.Sha256}", .. guard.Terms?.Version == published.Version ? Array.Empty<string>() : [$"{guard.Path} does not name it yet: terms: {{version: {published.Version}, …}}"]]);
            return ExitCode.Done;
        }));
        return verb;
    }

    static Verb Accept(Session session)
    {
        Argument<string> account = Inputs.Argument("ACCOUNT", "Whose owner accepted");
        Option<string> version = Inputs.Required("--version", "V", "The version that was accepted");
        Option<string?> by = Inputs.Text("--by", "WHO", "Who accepted, in words [default: the user of this machine]"), policy = GuardCommand.Policy();
        Verb verb = new("accept", "Write down that an account's owner accepted terms: when, which version and hash, and who.", "retort guard terms accept acme --version 2026-11 --by \"J. Doe, by e-mail\"") { account, version, by, policy };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(policy), (_, store) =>
        {
            string name = parsed.GetRequiredValue(account);
            Acceptance accepted = store.Accept(name, parsed.GetRequiredValue(version), parsed.GetValue(by) ?? Environment.UserName);
            session.Answer(new { account = name, accepted.Version, accepted.Sha256, accepted.At, accepted.Who, ledger = GuardCommand.Record(session, store) }, [$"{name} accepted {accepted.Version} by {accepted.Who}, sha256 {accepted.Sha256}"]);
            return ExitCode.Done;
        }));
        return verb;
    }

    static Verb List(Session session)
    {
        Option<string?> policy = GuardCommand.Policy();
        Verb verb = new("list", "Every version that was published; the last is in force.", "retort guard terms list") { policy };
        verb.SetAction(parsed => GuardCommand.On(session, parsed.GetValue(policy), (_, store) =>
        {
            IReadOnlyList<PublishedTerms> all = store.Terms();
            session.Answer(new { terms = all }, [.. all.Select((t, i) => $"{t.Version}  {DurationText.Show(t.At)}  sha256 {t.Sha256}  {t.File}{(i == all.Count - 1 ? "  in force" : "")}"), .. all.Count == 0 ? ["none is published: retort guard terms publish FILE --version V"] : Array.Empty<string>()]);
            return ExitCode.Done;
        }));
        return verb;
    }
}
