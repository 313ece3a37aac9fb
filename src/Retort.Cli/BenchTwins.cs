using System.CommandLine;
using Retort.Guard.Bench;

namespace Retort.Cli;

static class BenchTwins
{
    public static Verb Create(Session session)
    {
        Argument<string> folder = Inputs.Argument("FOLDER", "The store's folder, made where there is none");
        Option<int> count = Inputs.Whole("--count", "Twins to serve", 1000, 1, 10_000_000), requests = Inputs.Whole("--requests", "Requests at once", 16, 1, 1024);
        Verb verb = new("twins", "Commit to sealed twins: how many a second, and how long an answer waits for it. Standard error names each that may be served; whatever kills the program, it is in the ledger.", "retort bench twins made-up-twins --count 2000", "retort bench twins made-up-twins --requests 1 --json") { folder, count, requests };
        verb.SetAction(parsed =>
        {
            TwinBenchResult r = TwinBench.Run(parsed.GetRequiredValue(folder), parsed.GetValue(count), parsed.GetValue(requests), number => session.Error.WriteLine($"{number} served"), session.Time, session.Stop).GetAwaiter().GetResult();
            session.Answer(r, [$"{r.TwinsPerS:n0} twins a second, {r.Requests} requests at once; an answer waits {r.MillisecondsP50:n1} ms (p50), {r.MillisecondsP99:n1} ms (p99)"]);
            return ExitCode.Done;
        });
        return verb;
    }
}
