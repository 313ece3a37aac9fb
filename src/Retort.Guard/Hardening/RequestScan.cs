using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Unicode;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Hardening;

/// <summary>
/// Reads a request in one pass over its bytes, without changing or keeping any: what it asks for, and whether every program would read the same in it.
/// Refused are bytes that are no UTF-8, halves of surrogate pairs, names given twice at any depth, numbers beyond a double or longer than 64 characters, and
/// every field that is not allowed, by its name.
/// </summary>
ref partial struct RequestScan
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
}
