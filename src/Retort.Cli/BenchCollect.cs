using System.CommandLine;
using System.Diagnostics;
using Retort.Asking.Bench;

namespace Retort.Cli;

/// <summary>bench collect, and the faulty server it asks.</summary>
static class BenchCollect
{
    public static Verb Create(Session session)
    {
        Option<bool> faults = Inputs.Flag("--faults", "Spoil a fifth of the requests, and kill the program that asks"), names = Inputs.Flag("--names", "The server names its limit in its headers");
        Option<int> requests = Inputs.Whole("--requests", "Prompts, each another", 10_000, 1, 10_000_000), kills = Inputs.Whole("--kills", "How often it is killed, with --faults", 20, 0, 1000);
        Option<int> flight = Inputs.Whole("--in-flight", "Requests under way at a time", 64, 1, 4096), latency = Inputs.Whole("--latency", "Milliseconds an answer takes", 30, 0, 60_000), seed = Inputs.Whole("--seed", "Of what goes wrong and when", 1, 0, int.MaxValue);
        Option<int?> limit = Inputs.OptionalWhole("--limit", "Requests a minute the server allows", 1, 100_000_000);
        Option<double> ceiling = Inputs.Number("--ceiling", "Dollars that are not to be passed; 0 for none", 0, 0, 1000);
        Verb verb = new(
            "collect", "Ask a faulty server of our own from a program that is killed at random moments, then join the server's log to the store: what was answered, lost, paid twice, spent.",
            "retort bench collect --faults",
            "retort bench collect --limit 3000 --requests 6000")
        {
            faults, requests, kills, flight, latency, limit, names, ceiling, seed,
        };
        verb.SetAction(parsed =>
        {
            bool spoil = parsed.GetValue(faults);
            CollectBenchOptions options = new(
                parsed.GetValue(requests), spoil ? parsed.GetValue(kills) : 0, spoil ? 0.2 : 0, parsed.GetValue(limit), parsed.GetValue(names), parsed.GetValue(flight), TimeSpan.FromMilliseconds(parsed.GetValue(latency)),
                parsed.GetValue(ceiling) is > 0 and { } most ? (decimal)most : null, (ulong)parsed.GetValue(seed));
            string folder = Directory.CreateTempSubdirectory("retort-bench-").FullName;
            try
            {
                CollectBenchResult result = ProgressDisplay.Run(session, advance => CollectBench.Run(Itself, folder, options, (share, line) => advance("ask", share, line), session.Time, session.Stop));
                session.Answer(result, Lines(result));
                return result.Holds ? ExitCode.Done : ExitCode.Negative;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        });
        return verb;
    }

    /// <summary>The server, a process of its own; it prints its port and runs until it is ended.</summary>
    public static Verb Server(Session session)
    {
        Option<string?> log = Inputs.Text("--log", "FILE", "Where it writes what it was asked");
        Option<double> faults = Inputs.Number("--faults", "Share of requests it spoils", 0.2, 0, 1);
        Option<int> latency = Inputs.Whole("--latency", "Milliseconds an answer takes", 30, 0, 60_000), seed = Inputs.Whole("--seed", "Of its faults", 1, 0, int.MaxValue);
        Option<int?> limit = Inputs.OptionalWhole("--limit", "Requests a minute it allows", 1, 100_000_000);
        Option<bool> names = Inputs.Flag("--names", "It names its limit in its headers");
        Verb verb = new("faulty-server", "An endpoint as bad as endpoints are, for tests: answers on a free port of this machine, which it prints.", "retort bench faulty-server --log server.log") { log, faults, latency, limit, names, seed };
        verb.SetAction(parsed =>
        {
            FaultOptions options = new(parsed.GetValue(faults), parsed.GetValue(limit), parsed.GetValue(names), TimeSpan.FromMilliseconds(parsed.GetValue(latency)), (ulong)parsed.GetValue(seed));
            using FaultyServer server = new(parsed.GetValue(log) ?? throw new UserError("a log is needed", "--log", "Name a file."), options, session.Time);
            session.Output.WriteLine(server.Port);
            session.Output.Flush();
            server.Run(session.Stop).GetAwaiter().GetResult();
            return ExitCode.Done;
        });
        return verb;
    }

    /// <summary>This program with other arguments.</summary>
    static ProcessStartInfo Itself(string[] arguments)
    {
        string program = Environment.ProcessPath!;
        bool host = Path.GetFileNameWithoutExtension(program) == "dotnet";
        return new(program, host ? [Path.Combine(AppContext.BaseDirectory, "retort.dll"), .. arguments] : arguments);
    }

    static IEnumerable<string> Lines(CollectBenchResult r)
    {
        yield return $"{r.Answered:n0} of {r.Prompts:n0} prompts answered in {r.Seconds:n1} s, {r.AnsweredPerMinute:n0} a minute; {r.PeakMib:n0} MiB at most";
        yield return $"{r.Sent:n0} requests, {r.Charged:n0} charged; {r.Kills} kills, {r.InFlightAtKills:n0} requests in flight at them";
        yield return "what became of them: " + string.Join(", ", r.ByFault.OrderByDescending(f => f.Value).Select(f => $"{f.Value:n0} {f.Key}"));
        yield return $"wrong answers {r.WrongAnswers}, lost {r.Lost}, paid twice {r.PaidTwice}, of that not by a kill or a broken answer {r.PaidTwiceUnexplained}";
        yield return $"billed USD {r.Billed:0.000000}, booked USD {r.Spent:0.000000}{(r.Ceiling is { } most ? $", ceiling USD {most:0.######}" : "")}";
        yield return r.Holds ? "holds" : "DOES NOT HOLD";
    }
}
