using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

namespace Retort.Guard.Hardening;

/// <summary>
/// Passes an answer, or a part of one, on as its own bytes, without the fields that are not allowed and with rounded log-probabilities. Allocates nothing
/// where the answer names the same model as the part before.
/// </summary>
ref partial struct AnswerFilter
{
    static readonly JsonNames s_root = new("id", "object", "created", "model", "system_fingerprint", "choices", "usage", "service_tier", "obfuscation", "data");

    static readonly JsonNames s_choice = new("index", "message", "delta", "text", "logprobs", "finish_reason");

    static readonly JsonNames s_message = new("role", "content", "refusal", "tool_calls", "function_call", "annotations");

    static readonly JsonNames s_reasoning = new("reasoning", "reasoning_content", "reasoning_details", "reasoning_text", "thinking", "thinking_blocks");

    static readonly JsonNames s_responses = new(
        "id", "object", "created", "created_at", "completed_at", "model", "output", "usage", "status", "error", "incomplete_details", "instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "previous_response_id",
        "reasoning", "service_tier", "store", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user", "safety_identifier", "prompt_cache_key", "background",
        "type", "sequence_number", "response", "item", "item_id", "output_index", "content_index", "summary_index", "part", "delta", "logprobs", "arguments", "refusal", "annotation", "annotation_index", "input", "obfuscation", "code", "message", "param", "name");

    readonly AnswerRules _rules;
    readonly AnswerFacts _facts;
    readonly ReadOnlySpan<byte> _json;
    readonly IBufferWriter<byte> _to;
    Utf8JsonReader _reader;

    /// <summary>Up to where the bytes were written or left out.</summary>
    int _done;

    AnswerFilter(ReadOnlySpan<byte> json, AnswerRules rules, AnswerFacts facts, IBufferWriter<byte> to)
    {
        _json = json;
        (_rules, _facts, _to) = (rules, facts, to);
        _reader = new(json, new JsonReaderOptions { MaxDepth = 256 });
    }

    /// <summary>Writes what is passed on of an answer.</summary>
    /// <returns>False where it is no JSON object: what was written is then of no use.</returns>
    public static bool Pass(ReadOnlySpan<byte> json, AnswerRules rules, AnswerFacts facts, IBufferWriter<byte> to)
    {
        (facts.IsUsageAlone, facts.IsError, facts.IsReasoning) = (false, false, false);
        AnswerFilter filter = new(json, rules, facts, to);
        try
        {
            if (!filter._reader.Read() || filter._reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            filter.Object(Level.Root);
            filter.Keep(json.Length);
            return !filter._reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    enum Level
    {
        Root,
        Choice,
        Message,
        Output,
    }

    /// <summary>One object, whose brace was read. A field that is left out takes one comma along.</summary>
    void Object(Level level)
    {
        // Where the last field that stays ends, and whether there was one.
        int end = (int)_reader.BytesConsumed;
        bool any = false, gap = false;
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            int start = (int)_reader.TokenStartIndex;
            if (!Allowed(level))
            {
                _reader.Skip();
                _facts.Dropped++;
                gap = true;
                continue;
            }

            if (gap)
            {
                Cut(end, start);
                if (any)
                {
                    _to.Write(","u8);
                }

                gap = false;
            }

            Value(level);
            (end, any) = ((int)_reader.BytesConsumed, true);
        }

        if (gap)
        {
            Cut(end, (int)_reader.TokenStartIndex);
        }
    }

    readonly bool Allowed(Level level) => level switch
    {
        Level.Root => (_rules.IsResponses ? s_responses : s_root).Has(_reader) || _reader.ValueSpan.SequenceEqual("error"u8),
        Level.Choice => s_choice.Has(_reader) || (_rules.KeepsReasoning && s_reasoning.Has(_reader)),
        Level.Message => s_message.Has(_reader) || (_rules.KeepsReasoning && s_reasoning.Has(_reader)),
        _ => _rules.KeepsReasoning || !s_reasoning.Has(_reader),
    };

    void Value(Level level)
    {
        switch (level)
        {
            case Level.Root:
                Root();
                break;
            case Level.Choice:
                Choice();
                break;
            case Level.Message:
                Text();
                break;
            default:
                Output();
                break;
        }
    }

    void Root()
    {
        if (Is("choices"u8))
        {
            _reader.Read();
            int count = 0, depth = _reader.CurrentDepth;
            bool isList = _reader.TokenType == JsonTokenType.StartArray;
            while (isList && _reader.Read() && _reader.CurrentDepth > depth)
            {
                count++;
                if (_reader.TokenType == JsonTokenType.StartObject)
                {
                    Object(Level.Choice);
                }
                else
                {
                    _reader.Skip();
                }
            }

            _facts.IsUsageAlone = count == 0;
            _reader.Skip();
        }
        else if (Is("usage"u8))
        {
            _reader.Read();
            Usage();
        }
        else if (Is("model"u8))
        {
            _reader.Read();
            if (_reader.TokenType == JsonTokenType.String && !_reader.ValueIsEscaped && (_facts.Model is null || !_reader.ValueTextEquals(_facts.Model)))
            {
                _facts.Model = _reader.GetString();
            }

            _reader.Skip();
        }
        else if (Is("error"u8))
        {
            _reader.Read();
            _facts.IsError |= _reader.TokenType != JsonTokenType.Null;
            _reader.Skip();
        }
        else if (_rules.IsResponses)
        {
            Responses();
        }
        else
        {
            _reader.Skip();
        }
    }

    void Choice()
    {
        if (Is("message"u8) || Is("delta"u8))
        {
            _reader.Read();
            if (_reader.TokenType == JsonTokenType.StartObject)
            {
                Object(Level.Message);
            }

            SkipList();
        }
        else if (Is("logprobs"u8))
        {
            _reader.Read();
            if (_rules.HasLogprobs)
            {
                Round();
            }
            else if (_reader.TokenType != JsonTokenType.Null)
            {
                int start = (int)_reader.TokenStartIndex;
                _reader.Skip();
                Cut(start, (int)_reader.BytesConsumed);
                _to.Write("null"u8);
                _facts.Dropped++;
            }
        }
        else
        {
            Text();
        }
    }

    /// <summary>A value whose texts count, at whatever depth: content, arguments of a call.</summary>
    void Text()
    {
        bool isRole = Is("role"u8) || Is("finish_reason"u8);
        _reader.Read();
        int depth = _reader.CurrentDepth;
        do
        {
            if (_reader.TokenType == JsonTokenType.String && !isRole)
            {
                _facts.TextBytes += _reader.ValueSpan.Length;
            }
        }
        while (!(_reader.CurrentDepth == depth && _reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) && _reader.Read());
    }

    void Usage()
    {
        if (_reader.TokenType != JsonTokenType.StartObject)
        {
            _reader.Skip();
            return;
        }

        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isPrompt = Is("prompt_tokens"u8) || Is("input_tokens"u8), isAnswer = Is("completion_tokens"u8) || Is("output_tokens"u8);
            _reader.Read();
            if ((isPrompt || isAnswer) && _reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out long tokens) && tokens >= 0)
            {
                if (isPrompt)
                {
                    _facts.PromptTokens = tokens;
                }
                else
                {
                    _facts.AnswerTokens = tokens;
                }
            }
            else
            {
                _reader.Skip();
            }
        }
    }

    /// <summary>Rounds every number of a value but bytes and places in a text.</summary>
    void Round()
    {
        int depth = _reader.CurrentDepth;
        bool isWhole = false;
        Span<byte> digits = stackalloc byte[64];
        do
        {
            if (_reader.TokenType == JsonTokenType.PropertyName)
            {
                isWhole = Is("bytes"u8) || Is("text_offset"u8);
            }
            else if (_reader.TokenType == JsonTokenType.Number && !isWhole && IsFiner(_reader.ValueSpan, _rules.Decimals) && _reader.TryGetDouble(out double value) && Math.Abs(value) < 1e15
                && Utf8Formatter.TryFormat(value, digits, out int written, new StandardFormat('F', (byte)_rules.Decimals)))
            {
                Cut((int)_reader.TokenStartIndex, (int)_reader.BytesConsumed);
                _to.Write(digits[..written]);
            }
        }
        while (!(_reader.CurrentDepth == depth && _reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) && _reader.Read());
    }

    static bool IsFiner(ReadOnlySpan<byte> number, int decimals) => number.IndexOfAny("eE"u8) >= 0 || (number.IndexOf((byte)'.') is >= 0 and var point && number.Length - point - 1 > decimals);

    readonly bool Is(scoped ReadOnlySpan<byte> name) => _reader.ValueSpan.SequenceEqual(name);

    /// <summary>A list where an object belongs is passed on as it is.</summary>
    void SkipList()
    {
        if (_reader.TokenType == JsonTokenType.StartArray)
        {
            _reader.Skip();
        }
    }

    /// <summary>Writes up to a place and leaves out from there to another.</summary>
    void Cut(int start, int end)
    {
        Keep(start);
        _done = end;
    }

    void Keep(int end)
    {
        if (end > _done)
        {
            _to.Write(_json[_done..end]);
        }
    }
}
