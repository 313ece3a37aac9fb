using System.CommandLine;
using Retort.Guard.Detector;
using Retort.Guard.Replay;

namespace Retort.Cli;

static class GuardReplay
{
    public static Verb Create(Session session)
    {
        Option<string> scenario = new("--scenario") { Description = "What is replayed", HelpName = "FILE", Required = true }, prompts = new("--prompts") { Description = "A folder with chat-*.jsonl, narrow-*.jsonl, evaluation/*.jsonl and campaign-*.jsonl", HelpName = "DIR", Required = true };
        Option<string> traffic = new("--traffic") { Description = "A folder with traces *conversation*.csv and *code*.csv", HelpName = "DIR", Required = true };
        Verb verb = new(
            "replay",
            $"Replay honest traffic and campaigns, made of real prompts, against the detector: who is acted on, rightly and wrongly, how soon, and what a campaign had taken by then. Prompts that calibrate and prompts that score are disjoint.\n\nA scenario:\n\n{string.Join('\n', Scenario.Example.Split('\n').Select(l => "  " + l))}",
            "retort guard replay --scenario samples/scenarios/campaign-full.yaml --prompts prompts --traffic traffic") { scenario, prompts, traffic };
        verb.SetAction(parsed =>
        {
            Scenario chosen = Scenario.Read(parsed.GetRequiredValue(scenario));
            ReplayReport report = ProgressDisplay.Run(
                session, advance => ReplayJob.Run(chosen, parsed.GetRequiredValue(prompts), parsed.GetRequiredValue(traffic), DetectorOptions.Default, share => advance("replaying", share, ""), session.Stop));
            session.Answer(report, Lines(report));
            return ExitCode.Done;
        });
        return verb;
    }

    static IEnumerable<string> Lines(ReplayReport report)
    {
        yield return $"{report.Scenario}: {report.Runs} runs";
        foreach (HonestRate h in report.Honest)
        {
            yield return $"  honest, {h.Kind.ToString().ToLowerInvariant(),-10} {h.Accounts.Count} of {h.Accounts.Of} accounts acted on; {h.Sources.Count} of {h.Sources.Of} independent sources (95 %: at most {h.Sources.High:p1})";
        }

        foreach (CampaignRate c in report.Campaigns)
        {
            yield return $"  {c.Name}: found in {c.Found.Count} of {c.Found.Of} runs (95 %: {c.Found.Low:p0} to {c.Found.High:p0}); {c.Accounts.Count} of {c.Accounts.Of} accounts acted on";
            if (c is { HoursToAction: { } hours, TakenAtAction: { } at, Taken: { } taken })
            {
                yield return $"    first action after {hours.Median:0.0} hours ({hours.Least:0.0} to {hours.Most:0.0}), with {at.Median:p2} of the list taken ({at.Least:p2} to {at.Most:p2}); {taken.Median:p2} in the end ({taken.Least:p2} to {taken.Most:p2})";
            }
        }
    }
}
