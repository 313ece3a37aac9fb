using Retort.Asking.Runs;

namespace Retort.Cli;

/// <summary>The ledger of a run: its four verbs.</summary>
static class LedgerCommand
{
    public static Verb Create(Session session) => new(
        "ledger", "The append-only log of a run: an entry an answer and one a step, each a commitment and not the content. Show it, prove entries, verify proofs, have it witnessed.\n" + RunAuditReport.Limits,
        "retort ledger show runs/tales", "retort ledger prove runs/tales --step report --open -o report.tlog-proof")
    {
        LedgerShow.Create(session),
        LedgerProve.Create(session),
        LedgerVerify.Create(session),
        LedgerWitnessVerb.Create(session),
    };
}
