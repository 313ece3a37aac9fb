namespace Retort.Model.Tokenizers;

/// <summary>Reads the normalizer, pre-tokenizer, post-processor and decoder of a tokenizer.json, and refuses what is not supported by name.</summary>
static class PipelineReader
{
    internal static List<NormalizerStep> Normalizer(JsonField? field) => [.. Flatten(field, "normalizers").Select(Normalizer)];

    static NormalizerStep Normalizer(JsonField field) => Type(field) switch
    {
        "NFC" => new NormalizerStep.Compose(),
        "NFD" => new NormalizerStep.Decompose(),
        "Prepend" => new NormalizerStep.Prepend(field.Required("prepend").Text()),
        "Replace" => new NormalizerStep.Replace(Pattern(field.Required("pattern")), field.Required("content").Text()),
        var type => throw field.Unsupported($"the normalizer \"{type}\""),
    };

    internal static List<SplitStep> Splits(JsonField? field)
    {
        List<JsonField> fields = Flatten(field, "pretokenizers");
        List<SplitStep> steps = [.. fields.Select(Split)];
        int level = steps.FindIndex(step => step is SplitStep.ByteLevel);
        if (level >= 0 && level < steps.Count - 1)
        {
            throw fields[level].Unsupported("a ByteLevel pre-tokenizer before another");
        }

        return steps;
    }

    static SplitStep Split(JsonField field) => Type(field) switch
    {
        "Split" => new SplitStep.Pattern(
            Pattern(field.Required("pattern")), Named<SplitBehavior>(field.Required("behavior")), field.Flag("invert", otherwise: false)),
        "Digits" => new SplitStep.Digits(field.Flag("individual_digits", otherwise: false)),
        "ByteLevel" => new SplitStep.ByteLevel(field.Flag("add_prefix_space", otherwise: true), field.Flag("use_regex", otherwise: true)),
        "Metaspace" => new SplitStep.Metaspace(Character(field, "replacement", '▁'), Scheme(field), field.Flag("split", otherwise: true)),
        var type => throw field.Unsupported($"the pre-tokenizer \"{type}\""),
    };

    /// <summary>The ids put before and after one text.</summary>
    internal static (List<int> Prefix, List<int> Suffix) Template(JsonField? field, string?[] tokens)
    {
        List<int> prefix = [], suffix = [];
        bool found = false;
        foreach (JsonField step in Flatten(field, "processors"))
        {
            string type = Type(step);
            if (type == "ByteLevel")
            {
                continue;
            }

            if (type != "TemplateProcessing" || found)
            {
                throw step.Unsupported(found ? "a second template" : $"the post-processor \"{type}\"");
            }

            found = true;
            List<int> side = prefix;
            foreach (JsonField piece in step.Required("single").Items())
            {
                if (piece.Optional("SpecialToken") is { } special)
                {
                    side.AddRange(SpecialIds(step, special.Required("id"), tokens));
                }
                else if (piece.Required("Sequence").Required("id").Text() == "A" && side == prefix)
                {
                    side = suffix;
                }
                else
                {
                    throw piece.Fault("a template for one text has the text A once", "Correct the template.");
                }
            }

            if (side == prefix)
            {
                throw step.Fault("the template does not contain the text", "Add {\"Sequence\": {\"id\": \"A\"}}.");
            }
        }

        return (prefix, suffix);
    }

    static IEnumerable<int> SpecialIds(JsonField template, JsonField name, string?[] tokens)
    {
        JsonField special = template.Required("special_tokens").Required(name.Text());
        foreach (JsonField item in special.Required("ids").Items())
        {
            int id = item.Integer();
            yield return id >= 0 && id < tokens.Length && tokens[id] is not null
                ? id
                : throw item.Fault($"the id {id} is not in the vocabulary", "Name a token that exists.");
        }
    }

    internal static DecoderRule Decoder(JsonField? field, JsonField root)
    {
        List<JsonField> steps = Flatten(field, "decoders");
        if (steps.Count == 0)
        {
            throw root.Unsupported("a tokenizer without a decoder");
        }

        if (steps.Count == 1 && Type(steps[0]) is "ByteLevel")
        {
            return new DecoderRule.ByteLevel();
        }

        if (steps.Count == 1 && Type(steps[0]) is "Metaspace")
        {
            return new DecoderRule.Metaspace(Character(steps[0], "replacement", '▁'), Scheme(steps[0]));
        }

        // Replace…, ByteFallback, Fuse, Strip: each may be absent, and they stand in this order.
        var replacements = new List<(string, string)>();
        int stage = 0;
        (char Text, int Count) strip = (' ', 0);
        foreach (JsonField step in steps)
        {
            string type = Type(step);
            int itsStage = type switch { "Replace" => 1, "ByteFallback" => 2, "Fuse" => 3, "Strip" => 4, _ => 0 };
            if (itsStage == 0 || itsStage < stage || (itsStage == stage && itsStage > 1) || (itsStage == 4 && stage < 3))
            {
                throw step.Unsupported(itsStage == 0 ? $"the decoder \"{type}\" here" : $"the decoder \"{type}\" at this place of a sequence");
            }

            stage = itsStage;
            if (type == "Replace")
            {
                SplitPattern pattern = Pattern(step.Required("pattern"));
                if (pattern.IsRegex)
                {
                    throw step.Unsupported("a decoder that replaces by regular expression");
                }

                replacements.Add((pattern.Text, step.Required("content").Text()));
            }
            else if (type == "Strip")
            {
                strip = (Character(step, "content", ' '), Count(step.Required("start")));
                if (Count(step.Required("stop")) > 0)
                {
                    throw step.Unsupported("a decoder that strips the end of a text");
                }
            }
        }

        return new DecoderRule.Pieces(replacements, steps.Any(step => Type(step) == "ByteFallback"), strip.Text, strip.Count);
    }

    static int Count(JsonField field) => field.Integer() is >= 0 and var count ? count : throw field.Fault("the count is negative", "Use 0 or more.");

    static string Type(JsonField field) => field.Required("type").Text();

    static List<JsonField> Flatten(JsonField? field, string list)
    {
        if (field is not { } only)
        {
            return [];
        }

        return Type(only) == "Sequence" ? [.. only.Required(list).Items().SelectMany(item => Flatten(item, list))] : [only];
    }

    static SplitPattern Pattern(JsonField field)
    {
        if (field.Optional("String") is { } text)
        {
            return SplitPattern.Literal(text.Text(), text.Where);
        }

        return field.Optional("Regex") is { } regex
            ? SplitPattern.Expression(regex.Text(), regex.Where)
            : throw field.Unsupported("a pattern that is neither \"String\" nor \"Regex\"");
    }

    static PrependScheme Scheme(JsonField field)
    {
        if (field.Optional("prepend_scheme") is { } scheme)
        {
            return scheme.Text() switch
            {
                "always" => PrependScheme.Always,
                "first" => PrependScheme.First,
                "never" => PrependScheme.Never,
                var name => throw scheme.Unsupported($"the prepend scheme \"{name}\""),
            };
        }

        return field.Flag("add_prefix_space", otherwise: true) ? PrependScheme.Always : PrependScheme.Never;
    }

    static T Named<T>(JsonField field)
        where T : struct, Enum =>
        Array.IndexOf(Enum.GetNames<T>(), field.Text()) is >= 0 and var index ? Enum.GetValues<T>()[index] : throw field.Unsupported($"\"{field.Text()}\"");

    static char Character(JsonField field, string name, char otherwise)
    {
        if (field.Optional(name) is not { } value)
        {
            return otherwise;
        }

        return value.Text() is [var only] && !char.IsSurrogate(only) ? only : throw value.Unsupported("anything but one character up to U+FFFF");
    }
}
