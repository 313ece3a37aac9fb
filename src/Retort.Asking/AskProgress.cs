namespace Retort.Asking;

/// <summary>How asking stands, in words.</summary>
public static class AskProgress
{
    /// <summary>For one who watches.</summary>
    public static string Line(AskFacts f)
    {
        string faults = f.Faults.Count == 0 ? "" : "  " + string.Join(", ", f.Faults.OrderBy(p => p.Key).Select(p => $"{p.Value:n0} {Word(p.Key)}"));
        return $"{f.Answered:n0} answered{(f.GivenUp > 0 ? $", {f.GivenUp:n0} given up" : "")}{faults}  {f.Spent}  {f.Answered / Math.Max(f.Elapsed.TotalMinutes, 1e-3):n0} a minute";
    }

    /// <summary>What an attempt met.</summary>
    public static string Word(FaultKind kind) => kind switch
    {
        FaultKind.Limited => "too fast (429)",
        FaultKind.Unauthorized => "not authorised (401)",
        FaultKind.Forbidden => "forbidden (403)",
        FaultKind.Challenged => "met a page for people",
        FaultKind.Refused => "refused",
        FaultKind.Unavailable => "failed at the endpoint",
        FaultKind.Broken => "broke off",
        FaultKind.Slow => "took too long",
        FaultKind.Expired => "not asked before their batch ended",
        _ => "not connected",
    };
}
