namespace Retort.Evidence.Ledger;
public sealed record TimeStamp;
