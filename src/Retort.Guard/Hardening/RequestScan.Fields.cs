using System.Globalization;
using System.Text.Json;

namespace Retort.Guard.Hardening;

/// <summary>Reading the fields that count; each begins at its value's first token and ends at its last.</summary>
ref partial struct RequestScan
{
    string Model()
    {
        if (_json.TokenType != JsonTokenType.String || _json.ValueSpan.Length > LongestModel)
        {
            Fault("model", "must be a name");
            return "";
        }

        Walk(null, "model");
        return _fault is null ? _json.GetString()! : "";
    }

    bool Flag(string name)
    {
        if (_json.TokenType is not (JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null))
        {
            Fault(name, "must be true or false");
        }

        return _json.TokenType == JsonTokenType.True;
    }

    long? Whole(string name, long least, long most)
    {
        if (_json.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        if (_json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out long value) && value >= least && value <= most)
        {
            return value;
        }

        Fault(name, string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {least} to {most}"));
        return null;
    }

    /// <summary>Whether in conversations, how many in completions.</summary>
    void Logprobs()
    {
        if (_route == RouteKind.Completions)
        {
            int? count = (int?)Whole("logprobs", 0, 1 << 16);
            _facts.HasLogprobs |= count is not null;
            _facts.TopLogprobs = Math.Max(_facts.TopLogprobs, count ?? 0);
        }
        else
        {
            _facts.HasLogprobs |= Flag("logprobs");
        }
    }

    /// <summary>What an answer is to hold besides: of all that can be named, log-probabilities alone.</summary>
    void Include()
    {
        if (_json.TokenType == JsonTokenType.Null)
        {
            return;
        }

        bool isList = _json.TokenType == JsonTokenType.StartArray;
        while (isList && _json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            isList = _json.TokenType == JsonTokenType.String && _json.ValueSpan.SequenceEqual("message.output_text.logprobs"u8);
            _facts.HasLogprobs |= isList;
        }

        if (!isList)
        {
            Refuse("include", "include may name message.output_text.logprobs alone.", "unsupported_parameter");
        }
    }

    void Bias()
    {
        if (_json.TokenType == JsonTokenType.Null)
        {
            return;
        }

        if (_json.TokenType != JsonTokenType.StartObject)
        {
            Fault("logit_bias", "must be an object of tokens and numbers");
            return;
        }

        _names.Open(_json.CurrentDepth);
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName && Check() && _json.Read())
        {
            if (_json.TokenType != JsonTokenType.Number || _json.ValueSpan.Length > LongestNumber || !_json.TryGetDouble(out double value) || !double.IsFinite(value))
            {
                Fault("logit_bias", "must be an object of tokens and numbers");
                return;
            }

            _facts.BiasEntries++;
            _facts.LargestBias = Math.Max(_facts.LargestBias, Math.Abs(value));
        }

        _names.Close(_json.CurrentDepth);
    }

    void StreamOptions()
    {
        int start = (int)_json.TokenStartIndex;
        if (_json.TokenType == JsonTokenType.StartObject)
        {
            _names.Open(_json.CurrentDepth);
            while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName && Name() is { } name && _json.Read())
            {
                if (name == "include_usage")
                {
                    _facts.IncludeUsage = ((int)_json.TokenStartIndex, (int)_json.BytesConsumed);
                    _facts.WantsUsage = Flag(name);
                }
                else if (name == "include_obfuscation")
                {
                    Flag(name);
                }
                else
                {
                    Refuse($"stream_options.{name}", $"{name} is not allowed within stream_options.", "unknown_parameter");
                }

                if (_fault is not null)
                {
                    return;
                }
            }

            _names.Close(_json.CurrentDepth);
        }
        else if (_json.TokenType != JsonTokenType.Null)
        {
            Fault("stream_options", "must be an object");
        }

        _facts.StreamOptions = (start, (int)_json.BytesConsumed);
    }

    /// <summary>Functions that the client itself runs. A tool that the service would run, with what it fetches, is none of them.</summary>
    void Tools(string name)
    {
        if (_json.TokenType == JsonTokenType.Null)
        {
            return;
        }

        if (_json.TokenType != JsonTokenType.StartArray)
        {
            Fault(name, "must be a list");
            return;
        }

        while (_json.Read() && _json.TokenType == JsonTokenType.StartObject)
        {
            _names.Open(_json.CurrentDepth);
            while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName && Name() is { } field && _json.Read())
            {
                if (!RequestFieldNames.Tools.Contains(field) && !_allowed.Within.Contains(field))
                {
                    Refuse($"{name}.{field}", $"{field} is not allowed within {name}.", "unknown_parameter");
                }
                else if (field == "type" && !(_json.TokenType == JsonTokenType.String && (_json.ValueSpan.SequenceEqual("function"u8) || _json.ValueSpan.SequenceEqual("custom"u8))))
                {
                    Refuse($"{name}.type", "A tool must be a function that the client runs.", "unsupported_parameter");
                }
                else
                {
                    Walk(null, name);
                }

                if (_fault is not null)
                {
                    return;
                }
            }

            if (_fault is not null)
            {
                return;
            }

            _names.Close(_json.CurrentDepth);
        }

        if (_json.TokenType != JsonTokenType.EndArray)
        {
            Fault(name, "must be a list of objects");
        }
    }

    /// <summary>What is asked. A list of texts, or of lists of tokens, are as many prompts.</summary>
    void Asked(string name)
    {
        bool counts = name == "prompt" || _route == RouteKind.Embeddings;
        if (_json.TokenType is not (JsonTokenType.StartArray or JsonTokenType.String) || (name == "messages" && _json.TokenType != JsonTokenType.StartArray))
        {
            Fault(name, name == "messages" ? "must be a list" : "must be a text or a list");
            return;
        }

        _facts.HasQuestion = true;
        if (!counts || _json.TokenType == JsonTokenType.String)
        {
            Walk(_allowed.Within, name);
            return;
        }

        int prompts = 0;
        bool isTokens = false;
        while (_fault is null && _json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType is not (JsonTokenType.Number or JsonTokenType.String or JsonTokenType.StartArray))
            {
                Fault(name, "must be a text, a list of texts, or tokens");
                return;
            }

            isTokens |= _json.TokenType == JsonTokenType.Number;
            prompts++;
            Walk(_allowed.Within, name);
        }

        _facts.Prompts = isTokens ? 1 : Math.Max(prompts, 1);
        if (_facts.Prompts > MostPrompts)
        {
            Fault(name, string.Create(CultureInfo.InvariantCulture, $"may be at most {MostPrompts} texts"));
        }
    }
}
