using System.CommandLine;
using Retort.Guard.Bench;

namespace Retort.Cli;

static class BenchGuard
{
    public static Verb Create(Session session)
    {
        Option<int> keys = Inputs.Whole("--keys", "Keys of each kind", 512, 16, 1_000_000), samples = Inputs.Whole("--samples", "Times taken of verdicts", 600_000, 1000, 100_000_000);
        Option<int> pairs = Inputs.Whole("--pairs", "Requests reserved and settled", 2_000_000, 1000, 1_000_000_000), threads = Inputs.Threads();
        Verb verb = new("guard", "Measure the guard's decisions without its server: verdicts on keys, whether their time tells anything, reservations and settlements a second. Exit code 1 when times tell keys apart.", "retort bench guard", "retort bench guard --samples 1000000 --json") { keys, samples, pairs, threads };
        verb.SetAction(parsed =>
        {
            string folder = Directory.CreateTempSubdirectory("retort-bench-").FullName;
            try
            {
                GuardBenchResult r = ProgressDisplay.Run(session, advance => GuardBench.Run(
                    folder, parsed.GetValue(keys), parsed.GetValue(samples), parsed.GetValue(pairs), Inputs.Count(parsed.GetValue(threads)), (step, share) => advance(step, share, ""), session.Stop));
                session.Answer(r, Lines(r));
                return r.Keys.MaxT < KeyTimingResult.Told ? ExitCode.Done : ExitCode.Negative;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        });
        return verb;
    }

    public static Verb Drain(Session session)
    {
        Argument<string> store = Inputs.Argument("FOLDER", "The store's folder; several programs may drain one");
        Option<int> tokens = Inputs.Whole("--tokens", "Tokens a day of its one account", 1_000_000, 1, int.MaxValue), seed = Inputs.Whole("--seed", "Of the requests", 1, 0, int.MaxValue);
        Verb verb = new("limits", "Use up an account's tokens of a day as one worker of a store. What all workers together used is never more than the limit.", "retort bench limits shared-store --tokens 1000000") { store, tokens, seed };
        verb.SetAction(parsed =>
        {
            LimitDrainResult r = GuardBench.Drain(parsed.GetRequiredValue(store), parsed.GetValue(tokens), parsed.GetValue(seed), settled => session.Error.WriteLine($"{settled} tokens settled"), session.Time, session.Stop).GetAwaiter().GetResult();
            session.Answer(r, [$"{r.Tokens:n0} tokens of {r.Requests:n0} requests; {r.Refusals:n0} times there was no room for the moment"]);
            return ExitCode.Done;
        });
        return verb;
    }

    static IEnumerable<string> Lines(GuardBenchResult r)
    {
        foreach ((string kind, double ns) in r.Keys.Nanoseconds)
        {
            yield return $"{ns,12:n0} ns for a verdict on a key that is {kind}";
        }

        yield return $"{r.Keys.BytesEach,12:n2} bytes of memory taken by one";
        foreach ((string kinds, double t) in r.Keys.T)
        {
            yield return $"{t,12:n2} Welch's t, {kinds}: {(Math.Abs(t) < KeyTimingResult.Told ? "their times tell nothing" : "THEIR TIMES TELL THEM APART")}";
        }

        yield return $"{r.Limits.PairsPerS,12:n0} requests a second reserved and settled, {r.Limits.Threads} threads, {r.Limits.BytesEach:n2} bytes of memory each";
        yield return $"{r.Limits.LinkedPerS,12:n0} with a group's limits besides, which all share";
        yield return $"{r.Limits.StoredPerS,12:n0} with transactions in the store instead of leases, one thread";
        yield return $"{r.Limits.RefusedPerS,12:n0} refused, of a limit that is used up";
    }
}
