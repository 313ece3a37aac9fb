using Retort.Model.Grammars;
using Retort.Model.Llama;

namespace Retort.Model.Inference;

/// <summary>One of the most probable tokens, or the one that was drawn.</summary>
/// <param name="LogProbability">Natural logarithm of its probability in the model's own distribution, before temperature and filters.</param>
public readonly record struct TokenProbability(int Token, float LogProbability);

/// <summary>One token of an answer and what became certain with it.</summary>
/// <param name="Text">The text that is now certain; empty while a character or a stop text is not.</param>
/// <param name="Drawn">The token, and its probability where those were asked for.</param>
/// <param name="Top">The most probable tokens, where asked for.</param>
/// <param name="Finish">With the last one why it is the last: "stop" at an end token or a stop text, "length", "cancelled", or "error".</param>
public sealed record AnswerPart(string Text, TokenProbability? Drawn, IReadOnlyList<TokenProbability> Top, string? Finish);

/// <summary>What an answer is asked for.</summary>
/// <param name="Prompt">At least one token.</param>
/// <param name="Seed">The answer depends on the prompt, the options and this alone.</param>
/// <param name="Probabilities">How many of the most probable tokens to report beside each; null reports nothing.</param>
/// <param name="Constraint">What the answer must keep to; for this answer alone.</param>
/// <param name="OnPart">Called after every token, from the thread that steps the engine.</param>
public sealed record AnswerRequest(int[] Prompt, SamplingOptions Options, ulong Seed, int? Probabilities = null, TokenConstraint? Constraint = null, Action<AnswerPart>? OnPart = null);

/// <summary>An answer while it is computed.</summary>
public sealed class Answer
{
    readonly int[] _pages;

    internal Answer(AnswerRequest request, Continuation text, Sampler sampler, int pages)
    {
        (Request, Text, Sampler) = (request, text, sampler);
        _pages = new int[pages];
    }

    public AnswerRequest Request { get; }

    /// <summary>Why it ended, once it has: "stop", "length", "cancelled" or "error".</summary>
    public string? Finish { get; internal set; }

    /// <summary>What went wrong where it ended in an error.</summary>
    public UserError? Fault { get; internal set; }

    /// <summary>Tokens of the prompt whose keys and values were there already.</summary>
    public int ReusedTokens { get; internal set; }

    /// <summary>Tokens written so far.</summary>
    public int Written => Text.Written;

    /// <summary>Ends it before the next token; may be called from any thread.</summary>
    public void Cancel() => Cancelled = true;

    internal volatile bool Cancelled;

    internal Continuation Text { get; }

    internal Sampler Sampler { get; }

    /// <summary>Tokens whose keys and values are in the cache.</summary>
    internal int Computed { get; set; }

    /// <summary>Pages that are known to the cache by their tokens.</summary>
    internal int Published { get; set; }

    internal int HeldPages { get; private set; }

    /// <summary>Pages it may yet take.</summary>
    internal int Promised => _pages.Length - HeldPages;

    internal int[] Pages => _pages;

    internal void Hold(int page) => _pages[HeldPages++] = page;

    /// <summary>Its pages are no longer its own.</summary>
    internal void Drop() => HeldPages = 0;

    /// <summary>Tokens known, of prompt and text.</summary>
    internal int Known => Request.Prompt.Length + Text.Written;

    internal int Token(int position) => position < Request.Prompt.Length ? Request.Prompt[position] : Text.Token(position - Request.Prompt.Length);
}
