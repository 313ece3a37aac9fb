using System.CommandLine;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;

namespace Retort.Cli;

static class LedgerWitnessVerb
{
    public static Verb Create(Session session)
    {
        Argument<string> run = Inputs.Argument("RUN", "The folder of a run");
        Option<string?> key = Inputs.Text("--key", "FILE", "Sign as a second party with this private key, P-256 in PEM"), name = Inputs.Text("--name", "NAME", "The second party's name [default: that of the key's file]");
        Option<string?> request = Inputs.Text("--request-time", "FILE", "Write a request for a time stamp (RFC 3161), to be sent to an authority or answered by openssl ts -reply"), time = Inputs.Text("--time", "FILE", "Keep the authority's answer"), authority = Inputs.Text("--authority", "FILE", "The authority's certificate, or the root it leads to");
        Verb verb = new(
            "witness", "Bind the owner of a log: a second party signs its checkpoint, once it goes on from the last one that party signed (kept under RETORT_HOME; a key is made by openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256); or a time stamp authority says when it was there. Exit code 1 when it is refused.\n" + RunAuditReport.Limits,
            "retort ledger witness runs/tales --key second-party.key",
            "retort ledger witness runs/tales --request-time request.tsq",
            "retort ledger witness runs/tales --time response.tsr --authority root.pem")
        {
            run, key, name, request, time, authority,
        };
        verb.SetAction(parsed =>
        {
            (string? signer, string? query, string? response, string folder) = (parsed.GetValue(key), parsed.GetValue(request), parsed.GetValue(time), parsed.GetRequiredValue(run));
            if ((signer is null ? 0 : 1) + (query is null ? 0 : 1) + (response is null ? 0 : 1) != 1 || response is null != (parsed.GetValue(authority) is null))
            {
                throw new UserError("one of --key, --request-time, and --time with --authority is needed", "ledger witness", "Say who witnesses.");
            }

            return signer is not null ? Sign(session, folder, signer, parsed.GetValue(name))
                : query is not null ? Request(session, folder, query)
                : KeepTime(session, folder, response!, parsed.GetValue(authority)!);
        });
        return verb;
    }

    static int Sign(Session session, string folder, string key, string? name)
    {
        string named = name ?? Path.GetFileNameWithoutExtension(key);
        if (!LedgerPublicKey.IsName(named))
        {
            throw new UserError($"'{named}' is no name for a witness", "--name", "Give one without spaces and plus signs.");
        }

        (WitnessResult result, bool isFirst) = WitnessJob.Sign(folder, LedgerHome.Of(Environment.GetEnvironmentVariable), key, named);
        if (result is WitnessResult.Refused refused)
        {
            session.Answer(new { signed = false, why = refused.Why }, [$"REFUSED: {refused.Why}"]);
            return ExitCode.Negative;
        }

        Checkpoint checkpoint = ((WitnessResult.Signed)result).Checkpoint;
        session.Answer(new { signed = true, first = isFirst, origin = checkpoint.Origin, size = checkpoint.Size, checkpoint = checkpoint.ToString() }, [$"{named} has signed the {checkpoint.Size:n0} entries of {checkpoint.Origin}{(isFirst ? "; it is the first time, so nothing could be compared" : ", which go on from those it signed before")}"]);
        return ExitCode.Done;
    }

    static int Request(Session session, string folder, string query)
    {
        Checkpoint checkpoint = WitnessJob.RequestTime(folder, query);
        session.Answer(new { file = query, size = checkpoint.Size }, [$"{query}: a request for a time stamp of {checkpoint.Size:n0} entries", $"send it with: curl -H \"Content-Type: application/timestamp-query\" --data-binary @{query} URL -o response.tsr"]);
        return ExitCode.Done;
    }

    static int KeepTime(Session session, string folder, string response, string authority)
    {
        (TimeStampVerdict verdict, Checkpoint? checkpoint, DateTimeOffset time) = WitnessJob.KeepTime(folder, response, authority);
        if (checkpoint is null)
        {
            string why = verdict switch
            {
                TimeStampVerdict.OtherContent => "it is for no checkpoint of this run",
                TimeStampVerdict.OtherAuthority => "its signer does not lead to the authority that was given",
                _ => "its signature does not hold",
            };
            session.Answer(new { kept = false, why }, [$"REFUSED: {why}"]);
            return ExitCode.Negative;
        }

        session.Answer(new { kept = true, time = RunLeaf.Text(time), size = checkpoint.Size }, [$"the first {checkpoint.Size:n0} entries were there at {RunLeaf.Text(time)}"]);
        return ExitCode.Done;
    }
}
