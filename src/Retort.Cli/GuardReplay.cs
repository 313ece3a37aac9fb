using System.CommandLine;
using Retort.Guard.Detector;
using Retort.Guard.Replay;

namespace Retort.Cli;

static class GuardReplay
{
    public static Verb Create(Session session)
    {
        Option<string> scenario = new("--scenario") { Description = "What is replayed", HelpName = "FILE", Required = true }, prompts = new("--prompts") { Description = "Folder with chat-*.jsonl, narrow-*.jsonl, evaluation/*.jsonl, campaign-*.jsonl", HelpName = "DIR", Required = true };
        Option<string> traffic = new("--traffic") { Description = "Folder with traces *conversation*.csv and *code*.csv", HelpName = "DIR", Required = true };
        Verb verb = new("replay", $"Replay honest traffic and campaigns against the detector.\n\nA scenario:\n\n{string.Join('\n', Scenario.Example.Split('\n').Select(l => "  " + l))}", "retort guard replay --scenario samples/scenarios/campaign-full.yaml --prompts prompts --traffic traffic") { scenario, prompts, traffic };
        verb.SetAction(parsed =>
        {
            Scenario s = Scenario.Read(parsed.GetRequiredValue(scenario));
            IReadOnlyList<RunOutcome> runs = ProgressDisplay.Run(session, advance => ReplayJob.Run(s, parsed.GetRequiredValue(prompts), parsed.GetRequiredValue(traffic), DetectorOptions.Default, share => advance("replaying", share, ""), session.Stop));
            session.Answer(new { scenario = s.Name, runs }, runs.SelectMany(Lines));
            return ExitCode.Done;
        });
        return verb;
    }

    static IEnumerable<string> Lines(RunOutcome run)
    {
        yield return "honest: " + string.Join(", ", run.Honest.Select(h => $"{h.Key} {h.Value.Acted}/{h.Value.Accounts} ({h.Value.Origins})"));
        foreach (CampaignOutcome c in run.Campaigns)
        {
            yield return $"{c.Name}: acted on {c.Acted}/{c.Accounts}, first after {c.FirstAction:0.0} h with {c.TakenAtFirst:p1} of the list; {c.Taken:p1} in the end, {c.Requests} requests; {Text(c.Finding)}";
        }

        foreach (GroupFinding f in run.Strongest)
        {
            yield return "   " + Text(f);
        }
    }

    static string Text(GroupFinding? f) => f is null ? "" : $"group of {f.Members.Count}: lnE {f.LogE:0.0} = prior {f.Prior:0} + {string.Join(" ", f.Families.Select(x => $"{x.Key} {x.Value:0.0}"))}; shared {f.List.Shared} of {f.List.Exposure:0}";
}
