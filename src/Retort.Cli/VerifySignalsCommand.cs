using System.CommandLine;
using System.Text.Json;
using Retort.Distill;

namespace Retort.Cli;

static class VerifySignalsCommand
{
    const int Shown = 10;

    public static Verb Create(Session session)
    {
        Argument<string> run = Inputs.Argument("RUN", "The folder of a run that asked with ask.top_logprobs");
        Option<string?> teacher = Inputs.Text("--teacher", "MODEL", "The model that is said to have answered, on disk, to compare its own numbers with those that were served");
        Option<int> threads = Inputs.Threads();
        Verb verb = new(
            "signals", "Check the probabilities that came with a teacher's answers: whether the bytes of the tokens join to the text, each place has as many as asked for, in order, and no more than 1 in sum. Exit code 1 where any fails.",
            "retort verify signals runs/mine", "retort verify signals runs/mine --teacher models/tales-teacher")
        {
            run, teacher, threads,
        };
        verb.SetAction(parsed =>
        {
            VerifiedSignals found = ProgressDisplay.Run(session, advance => VerifySignalsJob.Run(parsed.GetRequiredValue(run), parsed.GetValue(teacher), parsed.GetValue(threads), p => advance(p.Step, p.Share, p.Detail, p.Left), session.Time, session.Stop));
            session.Answer(
                new { holds = found.Holds, answers = found.Answers, tokens = found.Tokens, faults = found.Faults.Select(f => new { id = f.Id, fault = JsonNamingPolicy.SnakeCaseLower.ConvertName(f.Fault.ToString()) }), parity = found.Parity },
                Lines(found));
            return found.Holds ? ExitCode.Done : ExitCode.Negative;
        });
        return verb;
    }

    static IEnumerable<string> Lines(VerifiedSignals found)
    {
        yield return found.Faults.Count == 0
            ? $"{found.Answers:n0} answers with {found.Tokens:n0} tokens: bytes, order, count and mass hold"
            : $"{found.Faults.Count:n0} of {found.Answers:n0} answers have probabilities that do not hold:";
        foreach ((string id, SignalFault fault) in found.Faults.Take(Shown))
        {
            yield return $"  {id}: {SignalCheck.Sentence(fault)}";
        }

        if (found.Faults.Count > Shown)
        {
            yield return $"  and {found.Faults.Count - Shown:n0} more; --json lists them";
        }

        if (found.Parity is { } p)
        {
            yield return p.Tokens == 0 ? "nothing could be compared with the model: its tokens have other bytes"
                : p.Over == 0 ? $"the model itself gives the same within {p.Largest:0.#######} nats at {p.Tokens:n0} places"
                : $"the model itself differs by more than {ServedParity.Tolerance} nats at {p.Over:n0} of {p.Tokens:n0} places, most in {p.Worst}: {p.Largest:0.####}";
        }
    }
}
