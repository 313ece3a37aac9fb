namespace Retort.Guard.Detector;

/// <summary>A request as the detector sees it.</summary>
/// <param name="At">Milliseconds since 1970.</param>
/// <param name="Prompt">What is asked: the last message of the user, or the prompt.</param>
/// <param name="Shape">How it is asked.</param>
/// <param name="Origin">Where from.</param>
public sealed record SeenRequest(long Account, long At, string Prompt, RequestShape Shape, RequestOrigin Origin);

/// <summary>How something is asked.</summary>
/// <param name="Parameters">A hash of what the client chose: temperature, top_p, most tokens, answers, format.</param>
/// <param name="System">A hash of the system's message and the tools; 0 for none.</param>
/// <param name="Turns">Messages of the user and the model; 1 opens a conversation.</param>
/// <param name="AsksProbabilities">Whether log-probabilities are asked for.</param>
public readonly record struct RequestShape(ulong Parameters, ulong System, int Turns, bool AsksProbabilities);

/// <summary>What is known of an account beside its requests, as keyed hashes; 0 where it is not known.</summary>
public sealed record AccountFacts(ulong Payment, ulong Organisation, Accounts.Purposes Purposes, bool IsResearcher)
{
    public static AccountFacts Unknown { get; } = new(0, 0, Accounts.Purposes.None, IsResearcher: false);
}
