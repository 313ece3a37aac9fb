using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Hardening;

/// <summary>
/// Reads a request in one pass over its bytes, without changing or keeping any: what it asks for, and whether every program would read the same in it.
/// Refused are bytes that are no UTF-8, halves of surrogate pairs, names given twice at any depth, numbers beyond a double or longer than 64 characters, and
/// every field that is not allowed, by its name.
/// </summary>
ref struct RequestScan
{
    const int LongestNumber = 64, LongestName = 256, LongestModel = 256, MostPrompts = 2048;

    [ThreadStatic]
    static ObjectNames? t_names;

    readonly RequestFieldNames _allowed;
    readonly RouteKind _route;
    readonly RequestFacts _facts = new();
    readonly ObjectNames _names;
    Utf8JsonReader _json;
    ApiError? _fault;

    RequestScan(ReadOnlySpan<byte> body, RouteKind route, RequestFieldNames allowed, int depth)
    {
        (_route, _allowed) = (route, allowed);
        _names = t_names ??= new();
        _names.Clear();
        _json = new(body, new JsonReaderOptions { MaxDepth = depth });
    }

    /// <summary>What a request asks for; null where it is refused.</summary>
    public static RequestFacts? Read(ReadOnlySpan<byte> body, RouteKind route, RequestFieldNames allowed, HardeningPolicy policy, out ApiError? refusal)
    {
        if (!Utf8.IsValid(body))
        {
            refusal = new(400, "The body is no JSON: it is not UTF-8.");
            return null;
        }

        RequestScan scan = new(body, route, allowed, policy.MostDepth);
        try
        {
            scan.Root();
        }
        catch (JsonException e)
        {
            refusal = new(400, $"The body is no JSON: {e.Message}");
            return null;
        }

        refusal = scan._fault ?? (scan._facts.HasQuestion ? null : new(400, $"{scan.Question} is required.", Code: "invalid_value", Parameter: scan.Question));
        return refusal is null ? scan._facts : null;
    }

    readonly string Question => _route switch { RouteKind.Chat => "messages", RouteKind.Completions => "prompt", _ => "input" };

    void Root()
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            _fault = new(400, "The body is no JSON object.");
            return;
        }

        _facts.Begin = (int)_json.BytesConsumed;
        _names.Open(0);
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName && Name() is { } name)
        {
            if (RequestFieldNames.IsNever(name))
            {
                Refuse(name, $"{name} is not supported here.", "unsupported_parameter");
            }
            else if (!_allowed.Root.Contains(name))
            {
                Refuse(name, $"Unrecognized request argument supplied: {name}", "unknown_parameter");
            }
            else if (_json.Read())
            {
                Field(name);
            }

            if (_fault is not null)
            {
                return;
            }
        }

        // Whatever follows the object is a fault of the reader's.
        while (_fault is null && _json.Read())
        {
        }
    }

    void Field(string name)
    {
        switch (name)
        {
            case "model":
                _facts.Model = Model();
                break;
            case "stream":
                _facts.IsStream = Flag(name);
                break;
            case "n":
                _facts.Count = (int)(Whole(name, 1, 1 << 16) ?? 1);
                break;
            case "best_of":
                _facts.BestOf = (int)(Whole(name, 1, 1 << 16) ?? 1);
                break;
            case "max_tokens" or "max_completion_tokens" or "max_output_tokens":
                _facts.MostTokens = Whole(name, 0, int.MaxValue) is { } most ? Math.Max(most, _facts.MostTokens ?? 0) : _facts.MostTokens;
                break;
            case "logprobs":
                Logprobs();
                break;
            case "top_logprobs":
                _facts.TopLogprobs = (int)(Whole(name, 0, 1 << 16) ?? 0);
                _facts.HasLogprobs |= _facts.TopLogprobs > 0;
                break;
            case "include":
                Include();
                break;
            case "logit_bias":
                Bias();
                break;
            case "echo":
                if (Flag(name))
                {
                    Refuse(name, "echo is not supported here.", "unsupported_parameter");
                }

                break;
            case "stream_options":
                StreamOptions();
                break;
            case "tools" or "functions":
                Tools(name);
                break;
            case "messages" or "prompt" or "input":
                Asked(name);
                break;
            default:
                Walk(null, name);
                break;
        }
    }

    /// <summary>The name that was just read; null where it is none, or given twice.</summary>
    string? Name()
    {
        scoped Span<char> text = stackalloc char[LongestName];
        return Check() ? RequestNames.Text(text[.._json.CopyString(text)]) : null;
    }

    /// <summary>Whether the name that was just read may stand here; the object it belongs to is one deeper than where its values begin.</summary>
    bool Check()
    {
        int depth = _json.CurrentDepth - 1;
        if (_json.ValueSpan.Length > LongestName)
        {
            return Fail($"a name has more than {LongestName} bytes");
        }

        if (_json.ValueIsEscaped)
        {
            if (!SurrogateEscapes.ArePairs(_json.ValueSpan))
            {
                return Fail("a name holds half a surrogate pair");
            }

            scoped Span<byte> name = stackalloc byte[LongestName];
            return Add(depth, name[.._json.CopyString(name)]);
        }

        return Add(depth, _json.ValueSpan);
    }

    bool Add(int depth, scoped ReadOnlySpan<byte> name) =>
        _names.CountAt(depth) >= ObjectNames.Most ? Fail($"an object has more than {ObjectNames.Most} names")
        : _names.Add(depth, name) || Fail($"the name {RequestNames.Shown(name)} is given twice");

    bool Fail(string what)
    {
        _fault = new(400, $"The body is no JSON that every program reads alike: {what}.", Code: "invalid_json");
        return false;
    }

    void Refuse(string name, string sentence, string code) => _fault = new(400, sentence, Code: code, Parameter: name);

    void Fault(string name, string rule) => Refuse(name, $"{name} {rule}.", "invalid_value");

    /// <summary>Goes over one value, whose first token was read.</summary>
    /// <param name="allowed">The names its objects may have; null for all.</param>
    /// <param name="at">The field it belongs to.</param>
    void Walk(FrozenSet<string>? allowed, string at)
    {
        int depth = _json.CurrentDepth;
        do
        {
            switch (_json.TokenType)
            {
                case JsonTokenType.StartObject:
                    _names.Open(_json.CurrentDepth);
                    break;
                case JsonTokenType.EndObject:
                    _names.Close(_json.CurrentDepth);
                    break;
                case JsonTokenType.PropertyName when allowed is null:
                    Check();
                    break;
                case JsonTokenType.PropertyName:
                    if (Name() is { } name && !allowed.Contains(name))
                    {
                        Refuse($"{at}.{name}", $"{name} is not allowed within {at}.", RequestFieldNames.IsNever(name) ? "unsupported_parameter" : "unknown_parameter");
                    }

                    break;
                case JsonTokenType.String when _json.ValueIsEscaped && !SurrogateEscapes.ArePairs(_json.ValueSpan):
                    Fail("a text holds half a surrogate pair");
                    break;
                case JsonTokenType.Number when _json.ValueSpan.Length > LongestNumber || !_json.TryGetDouble(out double value) || !double.IsFinite(value):
                    Fail("a number is longer or larger than a double's");
                    break;
                default:
                    break;
            }
        }
        while (_fault is null && !(_json.CurrentDepth == depth && _json.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray or JsonTokenType.PropertyName)) && _json.Read());
    }

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
