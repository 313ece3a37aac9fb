using System.CommandLine;
using System.Security.Cryptography;
using Retort.Asking;
using Retort.Evidence.Terms;

namespace Retort.Cli;

/// <summary>The register of teachers' terms: list, show, check one use against it, compare two, see what a change touches.</summary>
static class TermsCommand
{
    public static Verb Create(Session session) => new(
        "terms", "What teachers' terms say of training on their answers, and whether a use is open.\nThis is bookkeeping of what somebody read on a day, not legal advice.",
        "retort terms list", "retort terms check https://api.openai.com/v1#gpt-5")
    {
        List(session),
        Show(session),
        Check(session),
        Diff(session),
        TermsImpact.Create(session),
    };

    static Verb List(Session session)
    {
        Option<string?> register = Register();
        Option<int> age = MaxAge();
        Verb verb = new("list", "Every entry of the register, a line each.", "retort terms list", "retort terms list --register my-terms --json") { register, age };
        verb.SetAction(parsed =>
        {
            TermsRegister r = ShippedTerms.Or(parsed.GetValue(register));
            (DateOnly today, int days) = (Today(session), parsed.GetValue(age));
            session.Answer(
                new { sha256 = r.Sha256, on = today, max_age_days = days, entries = r.Entries.Select(e => new { e.Id, e.Provider, e.Teacher, path = KebabName.Of(e.Path), @class = KebabName.Of(e.Class), evidence = KebabName.Of(e.Evidence), e.Read, stale = e.IsStale(today, days) }) },
                TermsText.List(r, today, days));
            return ExitCode.Done;
        });
        return verb;
    }

    static Verb Show(Session session)
    {
        Argument<string> id = Inputs.Argument("ID", "An id as retort terms list shows it");
        Option<string?> register = Register();
        Option<int> age = MaxAge();
        Verb verb = new("show", "All that one entry says.", "retort terms show deepseek-r1-weights") { id, register, age };
        verb.SetAction(parsed =>
        {
            TermsEntry entry = ShippedTerms.Or(parsed.GetValue(register)).Get(parsed.GetRequiredValue(id), "terms show");
            (DateOnly today, int days) = (Today(session), parsed.GetValue(age));
            session.Answer(TermsJson.Entry(entry, today, days), TermsText.Entry(entry, today, days));
            return ExitCode.Done;
        });
        return verb;
    }

    static Verb Check(Session session)
    {
        Argument<string> model = Inputs.Argument("MODEL", "An endpoint https://host/v1#model, a name org/model, or a file or folder");
        Option<string?> terms = Inputs.Text("--terms", "ID", "The entry that you say applies"), register = Register(), policy = Inputs.Text("--policy", "FILE", "The endpoint's own list of models, JSON as it was fetched; OpenRouter's and NanoGPT's fields are read");
        Option<string> purpose = Inputs.Text("--purpose", "ask|train|export", "What is about to be done [default: train]")!, role = Inputs.Text("--role", "ROLE", "teacher, judge, prompt-grower, base-model or seed-data [default: teacher]")!;
        Option<string[]> permission = Inputs.Many("--permission", "FILE", "A permission of the provider, YAML");
        Option<int> age = MaxAge();
        Option<bool> live = Inputs.Flag("--live", "Ask the endpoint for its own list of models, and take the stricter of it and the register");
        Option<string?> key = Inputs.Text("--key", "VARIABLE", "With --live, the environment variable that holds the endpoint's key");
        Verb verb = new(
            "check", "Whether a model may be used: exit code 0 when the gate is open, with what is to be met later, 1 when it is closed, with the reasons.",
            "retort terms check https://api.openai.com/v1#gpt-5",
            "retort terms check http://localhost:8000/v1#student --terms llama-3.1-weights --purpose train",
            "retort terms check https://api.openai.com/v1#gpt-5 --permission contract.yaml",
            "retort terms check https://openrouter.ai/api/v1#deepseek/deepseek-r1 --live --key OPENROUTER_API_KEY")
        {
            model, terms, purpose, role, permission, policy, live, key, register, age,
        };
        verb.SetAction(parsed =>
        {
            TermsRegister r = ShippedTerms.Or(parsed.GetValue(register));
            string reference = parsed.GetRequiredValue(model);
            UsedModel used = UsedModel.Of(reference, r);
            TermsUse use = new(
                OneOf(parsed.GetValue(role), "--role", TermsRole.Teacher), used, OneOf(parsed.GetValue(purpose), "--purpose", TermsPurpose.Train), parsed.GetValue(terms),
                Own(session, reference, used, parsed.GetValue(live), parsed.GetValue(key), parsed.GetValue(policy)));
            TermsPermission[] permissions = [.. (parsed.GetValue(permission) ?? []).Select(p => PermissionFile.Read(p, r))];
            TermsVerdict verdict = TermsGate.Check(r, [use], Today(session), parsed.GetValue(age), permissions);
            session.Answer(TermsJson.Verdict(verdict), TermsText.Verdict(verdict, permissions));
            return verdict is TermsVerdict.Open ? ExitCode.Done : ExitCode.Negative;
        });
        return verb;
    }

    static Verb Diff(Session session)
    {
        Argument<string> old = Inputs.Argument("OLD", "A folder of .yaml files"), now = Inputs.Argument("NEW", "Another");
        Verb verb = new("diff", "What changed between two registers, and whether terms got stricter.", "retort terms diff terms-2026-08 terms") { old, now };
        verb.SetAction(parsed =>
        {
            TermsDiff diff = TermsDiff.Between(TermsRegister.Read(parsed.GetRequiredValue(old)), TermsRegister.Read(parsed.GetRequiredValue(now)));
            session.Answer(TermsJson.Diff(diff), TermsText.Diff(diff));
            return ExitCode.Done;
        });
        return verb;
    }

    /// <summary>What the endpoint itself says, asked for or from a file; null where neither is wanted.</summary>
    static PolicyReading? Own(Session session, string reference, UsedModel used, bool live, string? key, string? policy) =>
        live ? Live(session, reference, key, policy)
        : key is not null ? throw new UserError("a key is named, and without --live nothing is asked", "--key", "Add --live, or leave --key out.")
        : policy is null ? null
        : Policy(session, policy, used);

    static PolicyReading Policy(Session session, string file, UsedModel used)
    {
        if (used is not UsedModel.Endpoint e)
        {
            throw new UserError("a policy is an endpoint's, and this is none", "--policy", "Leave it out, or give an endpoint https://host/v1#model.");
        }

        byte[] list = InputFile.ReadAll(file, 64 << 20);
        return new(file, session.Time.GetUtcNow(), Convert.ToHexStringLower(SHA256.HashData(list)), EndpointPolicy.Parse(list, file, e.Model));
    }

    static PolicyReading Live(Session session, string reference, string? variable, string? policy)
    {
        if (policy is not null)
        {
            throw new UserError("the endpoint's list is given as a file, and asked for", "--live", "Give --live or --policy FILE.");
        }

        if (!Endpoint.Is(reference))
        {
            throw new UserError("only an endpoint can be asked, and this is none", "--live", "Leave it out, or give an endpoint https://host/v1#model.");
        }

        string? key = variable is null ? null : Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : throw new UserError($"the environment variable {variable} is not set", "--key", "Set it to the endpoint's key, or leave --key out where none is needed.");
        return PolicyRequest.Read(Endpoint.Parse(reference), key, session.Time, session.Stop).GetAwaiter().GetResult();
    }

    static T OneOf<T>(string? given, string option, T otherwise)
        where T : struct, Enum =>
        given is null ? otherwise
        : KebabName.All<T>().Contains(given, StringComparer.Ordinal) ? KebabName.Parse<T>(given)
        : throw new UserError($"must be one of {string.Join(", ", KebabName.All<T>())}, not '{given}'", option, "See: retort terms check --help.");

    static DateOnly Today(Session session) => DateOnly.FromDateTime(session.Time.GetUtcNow().UtcDateTime);

    internal static Option<string?> Register() => Inputs.Text("--register", "DIR", "A folder of .yaml files instead of the register that ships");

    static Option<int> MaxAge() => Inputs.Whole("--max-age", "Days a reading counts for", TermsGate.DefaultMaxAgeDays, 0, 36_500);
}
