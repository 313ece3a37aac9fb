namespace Retort.Guard.Hardening;

/// <summary>What a request asks for, found in one pass over its bytes. Places are offsets into them.</summary>
sealed class RequestFacts
{
    public string Model { get; set; } = "";

    public bool IsStream { get; set; }

    /// <summary>Answers to one prompt.</summary>
    public int Count { get; set; } = 1;

    public int BestOf { get; set; } = 1;

    /// <summary>Prompts in the request.</summary>
    public int Prompts { get; set; } = 1;

    /// <summary>Most tokens of one answer; null where the request does not say.</summary>
    public long? MostTokens { get; set; }

    /// <summary>Whether log-probabilities are asked for.</summary>
    public bool HasLogprobs { get; set; }

    public int TopLogprobs { get; set; }

    public int BiasEntries { get; set; }

    public double LargestBias { get; set; }

    /// <summary>Whether the client itself wants a stream to end with what was used.</summary>
    public bool WantsUsage { get; set; }

    public bool HasQuestion { get; set; }

    /// <summary>Behind the brace that opens the request.</summary>
    public int Begin { get; set; }

    /// <summary>The value of stream_options; empty where there is none.</summary>
    public (int Start, int End) StreamOptions { get; set; }

    /// <summary>The value of include_usage in it; empty where there is none.</summary>
    public (int Start, int End) IncludeUsage { get; set; }

    /// <summary>Answers that are drawn, of all prompts.</summary>
    public long Answers => (long)Math.Max(Count, BestOf) * Prompts;
}
