using System.Text.Json;
using Retort.Model.Llama;
using Retort.Model.Marks;
using Retort.Model.Tokenizers;

namespace Retort.Model.Grammars;

/// <summary>The tokens of a vocabulary by their first byte, shared by all constrained answers of a model.</summary>
public sealed class TokenIndex
{
    readonly List<int>[] _byFirst = [.. Enumerable.Range(0, 256).Select(_ => new List<int>())];

    public TokenIndex(Tokenizer tokenizer)
    {
        Tokenizer = tokenizer;
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (!tokenizer.IsSpecial(id) && tokenizer.TokenBytes(id) is { Length: > 0 } bytes)
            {
                _byFirst[bytes[0]].Add(id);
            }
        }
    }

    internal Tokenizer Tokenizer { get; }

    internal IReadOnlyList<int> Beginning(int first) => _byFirst[first];
}

/// <summary>
/// Keeps an answer within a grammar. A token is drawn from the model's distribution over those that may follow: where few may, all others are
/// taken out first; where many may, or the likeliest is wanted, tokens are drawn until one is allowed, each that is not being taken out, which comes to the same.
/// </summary>
public sealed class TokenConstraint
{
    /// <summary>Where no more tokens than these begin with a byte that may follow, each is looked at.</summary>
    const int Few = 4096;

    /// <summary>Draws before every token is looked at.</summary>
    const int Draws = 24;

    readonly TokenIndex _index;
    readonly IReadOnlyCollection<int> _ends;
    readonly int _few;
    GrammarState _state;
    float[] _kept = [];

    TokenConstraint(GrammarState state, TokenIndex index, IReadOnlyCollection<int> ends, int few) => (_state, _index, _ends, _few) = (state, index, ends, few);

    /// <summary>Whether the answer is complete and nothing can follow it.</summary>
    internal bool IsComplete => _state is { CanEnd: true, CanGoOn: false };

    /// <summary>The answer is a JSON value that a schema allows.</summary>
    /// <param name="ends">The model's end tokens, allowed where the answer is complete.</param>
    /// <param name="where">What errors call the schema.</param>
    /// <exception cref="UserError">It is no schema, or asks for what cannot be promised.</exception>
    public static TokenConstraint OfSchema(JsonElement schema, TokenIndex index, IReadOnlyCollection<int> ends, string where) => From(GrammarState.Begin(JsonSchemaGrammar.Of(schema, where), where), index, ends);

    /// <summary>The answer is any JSON object.</summary>
    public static TokenConstraint OfAnyObject(TokenIndex index, IReadOnlyCollection<int> ends) => From(GrammarState.Begin(JsonSchemaGrammar.AnyObject(), "JSON"), index, ends);

    /// <summary>The answer is one of some texts.</summary>
    /// <exception cref="UserError">There are none, or one is empty.</exception>
    public static TokenConstraint OfLabels(IReadOnlyList<string> labels, TokenIndex index, IReadOnlyCollection<int> ends, string where) => From(GrammarState.Begin(Grammar.Labels(labels, where), where), index, ends);

    /// <summary>An answer that goes on from a state.</summary>
    /// <param name="few">Tokens up to which each is looked at.</param>
    internal static TokenConstraint From(GrammarState state, TokenIndex index, IReadOnlyCollection<int> ends, int few = Few) => new(state, index, ends, few);

    /// <summary>Draws the next token.</summary>
    /// <param name="logits">Used up.</param>
    /// <param name="mark">The mark the token gets, or null.</param>
    /// <exception cref="UserError">No token of the vocabulary can follow.</exception>
    internal int Draw(Sampler sampler, Span<float> logits, RandomStream random, ReadOnlySpan<int> prompt, ReadOnlySpan<int> written, MarkedAnswer? mark = null)
    {
        if (_kept.Length < logits.Length)
        {
            _kept = new float[logits.Length];
        }

        Span<float> kept = _kept.AsSpan(0, logits.Length);
        logits.CopyTo(kept);
        foreach (int end in _state.CanEnd ? [] : _ends)
        {
            kept[end] = float.NegativeInfinity;
        }

        // The likeliest that may follow is the same either way, and most often the likeliest of all.
        bool first = sampler.IsGreedy || (mark?.ChoosesAmongAll != true && Enumerable.Range(0, 256).Where(b => _state.Allows((byte)b)).Sum(b => _index.Beginning(b).Count) > _few);
        for (int draw = 0; first && draw < Draws; draw++)
        {
            kept.CopyTo(logits);
            int token = sampler.Next(logits, random, prompt, written, mark);
            if (Take(token))
            {
                return token;
            }

            kept[token] = float.NegativeInfinity;
        }

        if (!Mask(logits, kept))
        {
            throw new UserError("no token of the vocabulary can follow", "the constrained answer", "The schema needs characters this model's vocabulary does not have.");
        }

        int chosen = sampler.Next(logits, random, prompt, written, mark);
        Take(chosen);
        return chosen;
    }

    /// <summary>Moves on by a token where it may follow.</summary>
    bool Take(int token)
    {
        if (_ends.Contains(token))
        {
            return _state.CanEnd;
        }

        if (_index.Tokenizer.IsSpecial(token) || _index.Tokenizer.TokenBytes(token) is not { Length: > 0 } bytes || _state.After(bytes) is not { } next)
        {
            return false;
        }

        _state = next;
        return true;
    }

    /// <summary>Leaves in what may follow.</summary>
    /// <returns>Whether anything may.</returns>
    bool Mask(Span<float> logits, ReadOnlySpan<float> kept)
    {
        bool any = false;
        logits.Fill(float.NegativeInfinity);
        foreach (int end in _state.CanEnd ? _ends : [])
        {
            logits[end] = kept[end];
            any = true;
        }

        for (int b = 0; b < 256; b++)
        {
            foreach (int id in _state.Allows((byte)b) ? _index.Beginning(b) : [])
            {
                if (id < logits.Length && _state.After(_index.Tokenizer.TokenBytes(id)) is not null)
                {
                    logits[id] = kept[id];
                    any = true;
                }
            }
        }

        return any;
    }
}
