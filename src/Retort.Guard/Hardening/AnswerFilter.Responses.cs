using System.Buffers;
using System.Text.Json;

namespace Retort.Guard.Hardening;

/// <summary>What /v1/responses has besides: items, parts of them, events.</summary>
ref partial struct AnswerFilter
{
    /// <summary>Fields that the newer interface alone has.</summary>
    void Responses()
    {
        if (Is("type"u8))
        {
            _reader.Read();
            _facts.IsReasoning = !_rules.KeepsReasoning && _reader.TokenType == JsonTokenType.String && _reader.ValueSpan.StartsWith("response.reasoning"u8);
            _facts.IsError |= _reader.TokenType == JsonTokenType.String && !_reader.ValueIsEscaped && (Is("response.failed"u8) || Is("error"u8));
            _reader.Skip();
        }
        else if (Is("response"u8))
        {
            _reader.Read();
            if (_reader.TokenType == JsonTokenType.StartObject)
            {
                Object(Level.Root);
            }

            SkipList();
        }
        else if (Is("delta"u8))
        {
            Text();
        }
        else if (Is("output"u8) || Is("item"u8) || Is("part"u8) || Is("logprobs"u8))
        {
            Output();
        }
        else
        {
            _reader.Skip();
        }
    }

    /// <summary>Items, parts and what they hold, at any depth: reasoning goes, texts count, log-probabilities are rounded.</summary>
    void Output()
    {
        bool isLogprobs = Is("logprobs"u8), isText = Is("text"u8) || Is("arguments"u8);
        _reader.Read();
        if (isLogprobs)
        {
            Round();
        }
        else if (_reader.TokenType == JsonTokenType.StartObject)
        {
            Item();
        }
        else if (_reader.TokenType == JsonTokenType.StartArray)
        {
            while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
            {
                if (_reader.TokenType == JsonTokenType.StartObject)
                {
                    Item();
                }
                else
                {
                    _reader.Skip();
                }
            }
        }
        else if (isText && !_rules.IsStream && _reader.TokenType == JsonTokenType.String)
        {
            _facts.TextBytes += _reader.ValueSpan.Length;
        }
    }

    /// <summary>An item of reasoning stays in its place, so that positions hold, without what it says.</summary>
    void Item()
    {
        Utf8JsonReader ahead = _reader;
        int start = (int)_reader.TokenStartIndex;
        if (!_rules.KeepsReasoning && IsReasoning(ref ahead))
        {
            _reader.Skip();
            Cut(start, (int)_reader.BytesConsumed);
            _to.Write("{\"type\":\"reasoning\",\"summary\":[]}"u8);
            _facts.Dropped++;
            return;
        }

        Object(Level.Output);
    }

    static bool IsReasoning(ref Utf8JsonReader item)
    {
        while (item.Read() && item.TokenType == JsonTokenType.PropertyName)
        {
            if (item.ValueSpan.SequenceEqual("type"u8))
            {
                item.Read();
                return item.TokenType == JsonTokenType.String && (item.ValueSpan.SequenceEqual("reasoning"u8) || item.ValueSpan.SequenceEqual("reasoning_text"u8) || item.ValueSpan.SequenceEqual("summary_text"u8));
            }

            item.Skip();
        }

        return false;
    }
}
