using System.Runtime.InteropServices;
using System.Text;
using Retort.Model.Grammars;
using Retort.Model.Marks;
using Retort.Model.Tokenizers;

namespace Retort.Model.Llama;

/// <summary>One text while it is generated: its tokens, the text that is certain, and why it ends.</summary>
sealed class Continuation
{
    readonly SamplingOptions _options;
    readonly HashSet<int> _ends;
    readonly Action<string>? _onText;
    readonly StreamingDecoder _decoder;
    readonly StopText _stop;
    readonly List<int> _generated = [];
    readonly StringBuilder _text = new();
    readonly RandomStream _random;
    readonly MarkedAnswer? _mark;
    readonly int _room;
    int _fed;
    int? _endToken;

    /// <param name="prompt">At least one token.</param>
    /// <param name="context">Most tokens of prompt and text together.</param>
    public Continuation(Tokenizer tokenizer, int[] prompt, SamplingOptions options, HashSet<int> ends, int context, ulong seed, Action<string>? onText = null)
    {
        (Prompt, _options, _ends, _onText) = (prompt, options, ends, onText);
        _decoder = new(tokenizer, skipSpecial: true, atStart: prompt.All(tokenizer.IsSpecial));
        _stop = new(options.Stop);
        _random = new(seed);
        _mark = MarkedAnswer.Begin(options.Watermark, tokenizer.VocabularySize);
        _room = Math.Min(options.MaxTokens, context - prompt.Length);
        if (_room <= 0)
        {
            Finish = "length";
        }
    }

    public int[] Prompt { get; }

    /// <summary>What the text must keep to, or null.</summary>
    public TokenConstraint? Constraint { get; init; }

    /// <summary>"stop" or "length" once the text has ended.</summary>
    public string? Finish { get; private set; }

    /// <summary>Whether the token given out last is the newest known, so that its logits choose the next.</summary>
    public bool WantsLogits => _fed == Prompt.Length + _generated.Count;

    /// <summary>The next token the model has to read.</summary>
    public int Feed()
    {
        int token = _fed < Prompt.Length ? Prompt[_fed] : _generated[_fed - Prompt.Length];
        _fed++;
        return token;
    }

    /// <summary>The whole prompt has been read at once.</summary>
    public void FedPrompt() => _fed = Prompt.Length;

    /// <summary>Tokens written.</summary>
    public int Written => _generated.Count;

    /// <summary>The token written as the i-th.</summary>
    public int Token(int i) => _generated[i];

    /// <summary>Draws the next token.</summary>
    /// <returns>The text that is certain now and was not before.</returns>
    public string Draw(Sampler sampler, Span<float> logits)
    {
        int before = _text.Length;
        Append(sampler, logits);
        return _text.ToString(before, _text.Length - before);
    }

    void Append(Sampler sampler, Span<float> logits)
    {
        Span<int> written = CollectionsMarshal.AsSpan(_generated);
        int token = Constraint is null ? sampler.Next(logits, _random, Prompt, written, _mark) : Constraint.Draw(sampler, logits, _random, Prompt, written, _mark);
        if (_ends.Contains(token))
        {
            _endToken = token;
            End("stop");
            return;
        }

        _generated.Add(token);
        Emit(_stop.Append(_decoder.Append(token)));
        if (_stop.Found)
        {
            Finish = "stop";
        }
        else if (Constraint is { IsComplete: true })
        {
            End("stop");
        }
        else if (_generated.Count >= _room)
        {
            End("length");
        }
    }

    public Generation Result(TimeSpan elapsed) => new(
        _text.ToString(), [.. _generated], Finish ?? "length", Prompt.Length, _generated.Count, elapsed > TimeSpan.Zero ? _generated.Count / elapsed.TotalSeconds : 0, _endToken);

    /// <summary>Lets go of what was held back; an unfinished character may complete a stop text, as U+FFFD.</summary>
    void End(string reason)
    {
        Emit(_stop.Append(_decoder.Finish()));
        Finish = _stop.Found ? "stop" : reason;
        Emit(_stop.Finish());
    }

    void Emit(string piece)
    {
        if (piece.Length > 0)
        {
            _text.Append(piece);
            _onText?.Invoke(piece);
        }
    }
}
