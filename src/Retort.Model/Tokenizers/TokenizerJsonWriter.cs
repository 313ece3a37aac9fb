using System.Text.Encodings.Web;
using System.Text.Json;

namespace Retort.Model.Tokenizers;

/// <summary>Writes a tokenizer.json that huggingface/tokenizers 0.20 and later reads; the same definition always gives the same bytes.</summary>
static class TokenizerJsonWriter
{
    static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    internal static byte[] Write(TokenizerDefinition definition)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            Added(json, definition);
            Sequence(json, "normalizer", "normalizers", definition.Normalizer, Normalizer);
            Sequence(json, "pre_tokenizer", "pretokenizers", definition.Splits, Split);
            Template(json, definition);
            Decoder(json, definition.Decoder);
            Model(json, definition);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    static void Added(Utf8JsonWriter json, TokenizerDefinition definition)
    {
        json.WriteStartArray("added_tokens");
        foreach (AddedToken token in definition.Added)
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Id);
            json.WriteString("content", token.Text);
            json.WriteBoolean("single_word", token.SingleWord);
            json.WriteBoolean("lstrip", token.StripLeft);
            json.WriteBoolean("rstrip", token.StripRight);
            json.WriteBoolean("normalized", token.Normalized);
            json.WriteBoolean("special", token.Special);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    static void Sequence<T>(Utf8JsonWriter json, string name, string list, IReadOnlyList<T> steps, Action<Utf8JsonWriter, T> write)
    {
        json.WritePropertyName(name);
        if (steps.Count == 0)
        {
            json.WriteNullValue();
        }
        else if (steps.Count == 1)
        {
            write(json, steps[0]);
        }
        else
        {
            json.WriteStartObject();
            json.WriteString("type", "Sequence");
            json.WriteStartArray(list);
            foreach (T step in steps)
            {
                write(json, step);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    static void Normalizer(Utf8JsonWriter json, NormalizerStep step)
    {
        json.WriteStartObject();
        switch (step)
        {
            case NormalizerStep.Compose:
                json.WriteString("type", "NFC");
                break;
            case NormalizerStep.Decompose:
                json.WriteString("type", "NFD");
                break;
            case NormalizerStep.Prepend prepend:
                json.WriteString("type", "Prepend");
                json.WriteString("prepend", prepend.Text);
                break;
            case NormalizerStep.Replace replace:
                json.WriteString("type", "Replace");
                Pattern(json, replace.Pattern);
                json.WriteString("content", replace.Content);
                break;
            default:
                throw new InvalidOperationException($"A normalizer of type {step.GetType().Name}.");
        }

        json.WriteEndObject();
    }

    static void Split(Utf8JsonWriter json, SplitStep step)
    {
        json.WriteStartObject();
        switch (step)
        {
            case SplitStep.Pattern pattern:
                json.WriteString("type", "Split");
                Pattern(json, pattern.Expression);
                json.WriteString("behavior", pattern.Behavior.ToString());
                json.WriteBoolean("invert", pattern.Invert);
                break;
            case SplitStep.Digits digits:
                json.WriteString("type", "Digits");
                json.WriteBoolean("individual_digits", digits.Individual);
                break;
            case SplitStep.ByteLevel level:
                json.WriteString("type", "ByteLevel");
                json.WriteBoolean("add_prefix_space", level.AddPrefixSpace);
                json.WriteBoolean("trim_offsets", true);
                json.WriteBoolean("use_regex", level.UseRegex);
                break;
            case SplitStep.Metaspace space:
                json.WriteString("type", "Metaspace");
                Metaspace(json, space.Replacement, space.Scheme, space.Split);
                break;
            default:
                throw new InvalidOperationException($"A split step of type {step.GetType().Name}.");
        }

        json.WriteEndObject();
    }

    static void Template(Utf8JsonWriter json, TokenizerDefinition definition)
    {
        json.WritePropertyName("post_processor");
        if (definition.Prefix.Count + definition.Suffix.Count == 0)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteString("type", "TemplateProcessing");
        foreach (var (name, texts) in (IEnumerable<(string, string[])>)[("single", ["A"]), ("pair", ["A", "B"])])
        {
            json.WriteStartArray(name);
            for (int type = 0; type < texts.Length; type++)
            {
                Pieces(json, definition, definition.Prefix, type);
                Piece(json, "Sequence", texts[type], type);
                Pieces(json, definition, definition.Suffix, type);
            }

            json.WriteEndArray();
        }

        json.WriteStartObject("special_tokens");
        foreach (int id in definition.Prefix.Concat(definition.Suffix).Distinct().Order())
        {
            string text = definition.Tokens[id]!;
            json.WriteStartObject(text);
            json.WriteString("id", text);
            json.WriteStartArray("ids");
            json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            json.WriteStringValue(text);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Pieces(Utf8JsonWriter json, TokenizerDefinition definition, IReadOnlyList<int> ids, int type)
    {
        foreach (int id in ids)
        {
            Piece(json, "SpecialToken", definition.Tokens[id]!, type);
        }
    }

    static void Piece(Utf8JsonWriter json, string kind, string id, int type)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", type);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Decoder(Utf8JsonWriter json, DecoderRule rule)
    {
        switch (rule)
        {
            case DecoderRule.ByteLevel:
                json.WriteStartObject("decoder");
                json.WriteString("type", "ByteLevel");
                json.WriteBoolean("add_prefix_space", false);
                json.WriteBoolean("trim_offsets", true);
                json.WriteBoolean("use_regex", true);
                json.WriteEndObject();
                break;
            case DecoderRule.Metaspace space:
                json.WriteStartObject("decoder");
                json.WriteString("type", "Metaspace");
                Metaspace(json, space.Replacement, space.Scheme, split: true);
                json.WriteEndObject();
                break;
            case DecoderRule.Pieces pieces:
                Sequence(json, "decoder", "decoders", [.. Steps(pieces)], static (to, write) => write(to));
                break;
            default:
                throw new InvalidOperationException($"A decoder of type {rule.GetType().Name}.");
        }
    }

    static IEnumerable<Action<Utf8JsonWriter>> Steps(DecoderRule.Pieces pieces)
    {
        foreach (var (from, to) in pieces.Replacements)
        {
            yield return json =>
            {
                json.WriteStartObject();
                json.WriteString("type", "Replace");
                Pattern(json, SplitPattern.Literal(from, ""));
                json.WriteString("content", to);
                json.WriteEndObject();
            };
        }

        if (pieces.ByteFallback)
        {
            yield return json => Bare(json, "ByteFallback");
        }

        yield return json => Bare(json, "Fuse");
        if (pieces.StripStart > 0)
        {
            yield return json =>
            {
                json.WriteStartObject();
                json.WriteString("type", "Strip");
                json.WriteString("content", pieces.StripText.ToString());
                json.WriteNumber("start", pieces.StripStart);
                json.WriteNumber("stop", 0);
                json.WriteEndObject();
            };
        }
    }

    static void Bare(Utf8JsonWriter json, string type)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteEndObject();
    }

    static void Metaspace(Utf8JsonWriter json, char replacement, PrependScheme scheme, bool split)
    {
        json.WriteString("replacement", replacement.ToString());
        json.WriteString("prepend_scheme", scheme.ToString().ToLowerInvariant());
        json.WriteBoolean("split", split);
    }

    static void Pattern(Utf8JsonWriter json, SplitPattern pattern)
    {
        json.WriteStartObject("pattern");
        json.WriteString(pattern.IsRegex ? "Regex" : "String", pattern.Text);
        json.WriteEndObject();
    }

    static void Model(Utf8JsonWriter json, TokenizerDefinition definition)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        if (definition.Model.Unknown is { } unknown)
        {
            json.WriteString("unk_token", definition.Tokens[unknown]);
        }
        else
        {
            json.WriteNull("unk_token");
        }

        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", definition.Model.FuseUnknown);
        json.WriteBoolean("byte_fallback", definition.Model.ByteFallback);
        json.WriteBoolean("ignore_merges", definition.Model.IgnoreMerges);
        json.WriteStartObject("vocab");
        for (int id = 0; id < definition.Tokens.Length; id++)
        {
            if (definition.Tokens[id] is { } token && !definition.AddedOnly.Contains(id))
            {
                json.WriteNumber(token, id);
            }
        }

        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (Merge merge in definition.Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(definition.Tokens[merge.Left]);
            json.WriteStringValue(definition.Tokens[merge.Right]);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
