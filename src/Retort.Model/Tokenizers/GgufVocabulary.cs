using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Model.Tokenizers;

/// <summary>
/// The tokenizer a GGUF file carries under tokenizer.ggml: "llama" is a SentencePiece vocabulary with scores, "gpt2" a byte-level one with
/// merges, whose word pattern goes by a name of llama.cpp's (src/llama-vocab.cpp).
/// </summary>
static class GgufVocabulary
{
    const string Prefix = "tokenizer.ggml.";

    /// <summary>The numbers token_type has for kinds of tokens: special ones are "control".</summary>
    const int Normal = 1, UnknownType = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;

    /// <exception cref="UserError">The file carries none, or one that is not supported.</exception>
    public static TokenizerDefinition Read(string path)
    {
        using InputFile file = InputFile.Open(path);
        GgufHeader header = GgufHeader.Read(file);
        string model = header.Text(Prefix + "model") ?? throw header.Fault("the file carries no vocabulary");
        string[] tokens = header.Fields.GetValueOrDefault(Prefix + "tokens") is GgufValue.Texts { Values: { Length: > 0 } texts } ? texts : throw header.Fault($"{Prefix}tokens is missing");
        return model switch
        {
            "llama" => Scored(header, tokens),
            "gpt2" => ByteLevel(header, tokens),
            _ => throw new UserError($"GGUF: a vocabulary of model {JsonFields.Short(model)} is not supported", path, "Only llama and gpt2 are."),
        };
    }

    static TokenizerDefinition Scored(GgufHeader header, string[] tokens)
    {
        double[] scores = Numbers(header, "scores", tokens.Length) ?? throw header.Fault($"{Prefix}scores is missing");
        if (Array.FindIndex(scores, s => !double.IsFinite(s)) is >= 0 and var odd)
        {
            throw header.Fault($"the score of token {odd} is no number");
        }

        return ScoredVocabulary.Define(ScoredVocabulary.Checked(tokens, header.Where), [.. scores.Select(s => (float)s)], header.Where);
    }

    static TokenizerDefinition ByteLevel(GgufHeader header, string[] tokens)
    {
        Dictionary<string, int> ids = new(StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (!ids.TryAdd(tokens[id], id))
            {
                throw header.Fault($"token {id} repeats token {ids[tokens[id]]}");
            }
        }

        double[] types = Numbers(header, "token_type", tokens.Length) ?? new double[tokens.Length];
        AddedToken[] added = [.. Enumerable.Range(0, tokens.Length).Where(id => types[id] is Control or UserDefined && tokens[id].Length > 0)
            .Select(id => new AddedToken(id, tokens[id], types[id] == Control, Normalized: false, SingleWord: false, StripLeft: false, StripRight: false))];
        int? begin = Token(header, "bos_token_id", tokens.Length), end = Token(header, "eos_token_id", tokens.Length);
        return new(
            header.Where,
            tokens,
            added,
            new HashSet<int>(added.Select(a => a.Id)),
            Merges(header, ids),
            new BytePairModel(Unknown: null, FuseUnknown: false, ByteFallback: false, IgnoreMerges: header.Text(Prefix + "pre") == "llama-bpe"),
            [],
            Splits(header),
            new DecoderRule.ByteLevel(),
            begin is { } b && (header.Flag(Prefix + "add_bos_token") ?? false) ? [b] : [],
            [],
            begin,
            end);
    }

    static List<Merge> Merges(GgufHeader header, Dictionary<string, int> ids)
    {
        string[] lines = header.Fields.GetValueOrDefault(Prefix + "merges") is GgufValue.Texts texts ? texts.Values : throw header.Fault($"{Prefix}merges is missing");
        List<Merge> merges = new(lines.Length);
        HashSet<(int, int)> seen = [];
        foreach (string line in lines)
        {
            int cut = line.IndexOf(' ', StringComparison.Ordinal);
            if (cut <= 0 || !ids.TryGetValue(line[..cut], out int left) || !ids.TryGetValue(line[(cut + 1)..], out int right) || !ids.TryGetValue(line[..cut] + line[(cut + 1)..], out int result))
            {
                throw header.Fault($"the merge {JsonFields.Short(line)} joins no two tokens to a third");
            }

            if (seen.Add((left, right)))
            {
                merges.Add(new(left, right, result, merges.Count));
            }
        }

        return merges;
    }

    static SplitStep[] Splits(GgufHeader header)
    {
        string pre = header.Text(Prefix + "pre") ?? "gpt-2";
        SplitStep Words(string pattern) => new SplitStep.Pattern(SplitPattern.Expression(pattern, header.Where), SplitBehavior.Isolated, Invert: false);
        SplitStep bytes = new SplitStep.ByteLevel(AddPrefixSpace: false, UseRegex: false);
        return pre switch
        {
            "llama-bpe" or "llama3" or "llama-v3" => [Words(SplitPattern.Llama3), bytes],
            "qwen2" => [Words(SplitPattern.Qwen2), bytes],
            "gpt-2" => [Words(SplitPattern.Gpt2), bytes],
            "smollm" => [new SplitStep.Digits(Individual: true), Words(SplitPattern.Gpt2), bytes],
            _ => throw new UserError($"GGUF: the word pattern {JsonFields.Short(pre)} is not supported", header.Where, "Known are llama-bpe, qwen2, gpt-2 and smollm."),
        };
    }

    static double[]? Numbers(GgufHeader header, string name, int count) => header.Fields.GetValueOrDefault(Prefix + name) switch
    {
        null => null,
        GgufValue.Numbers { Values: var values } when values.Length == count => values,
        _ => throw header.Fault($"{Prefix}{name} must be {count} numbers"),
    };

    static int? Token(GgufHeader header, string name, int count) => header.Whole(Prefix + name) is { } id ? id < count ? id : throw header.Fault($"{Prefix}{name} is {id} of {count} tokens") : null;

    /// <summary>Puts a tokenizer's vocabulary into a file to be written.</summary>
    /// <param name="config">Its model, which may know more tokens than have a spelling, and other end tokens.</param>
    /// <exception cref="UserError">llama.cpp knows no tokenizer that does the same.</exception>
    public static void Write(GgufFields fields, TokenizerDefinition definition, LlamaConfig config)
    {
        string[] tokens = [.. Enumerable.Range(0, config.Vocabulary).Select(id => id < definition.Tokens.Length && definition.Tokens[id] is { } token ? token : $"[PAD{id}]")];
        int[] types = [.. tokens.Select((token, id) => id >= definition.Tokens.Length || definition.Tokens[id] is null ? Unused : Normal)];
        foreach (AddedToken token in definition.Added)
        {
            types[token.Id] = token.Special ? Control : UserDefined;
        }

        if (definition.IsByteLevel)
        {
            fields.Text(Prefix + "model", "gpt2");
            fields.Text(Prefix + "pre", PatternName(definition));
            fields.Texts(Prefix + "tokens", tokens);
            fields.Texts(Prefix + "merges", [.. definition.Merges.OrderBy(m => m.Rank).Select(m => $"{tokens[m.Left]} {tokens[m.Right]}")]);
        }
        else if (definition is { Splits: [], Decoder: DecoderRule.Pieces, Model: { ByteFallback: true, Unknown: { } unknown } })
        {
            float[] scores = new float[tokens.Length];
            foreach (Merge merge in definition.Merges)
            {
                scores[merge.Result] = -1 - merge.Rank;
            }

            for (int id = 0; id < tokens.Length; id++)
            {
                types[id] = tokens[id] is ['<', '0', 'x', _, _, '>'] ? Byte : types[id];
            }

            types[unknown] = UnknownType;
            fields.Text(Prefix + "model", "llama");
            fields.Text(Prefix + "pre", "default");
            fields.Texts(Prefix + "tokens", tokens);
            fields.Reals(Prefix + "scores", scores);
            fields.Whole(Prefix + "unknown_token_id", unknown);
            fields.Flag(Prefix + "add_space_prefix", definition.Normalizer.Any(n => n is NormalizerStep.Prepend));
        }
        else
        {
            throw new UserError("llama.cpp knows no tokenizer that does the same", definition.Source, "Convert to a Hugging Face folder instead.");
        }

        fields.Wholes(Prefix + "token_type", types);
        fields.Flag(Prefix + "add_bos_token", definition.Prefix.Count > 0);
        if ((definition.Begin ?? config.BeginToken) is { } begin)
        {
            fields.Whole(Prefix + "bos_token_id", begin);
        }

        string[] ends = ["eos", "eot", "eom"];
        foreach ((int end, string name) in config.EndTokens.DefaultIfEmpty(definition.End ?? -1).Where(e => e >= 0).Zip(ends))
        {
            fields.Whole($"{Prefix}{name}_token_id", end);
        }
    }

    static string PatternName(TokenizerDefinition definition) => definition.Splits switch
    {
        [SplitStep.Pattern { Expression: { IsRegex: true, Text: SplitPattern.Llama3 }, Invert: false }, SplitStep.ByteLevel { AddPrefixSpace: false, UseRegex: false }] => "llama-bpe",
        [SplitStep.Pattern { Expression: { IsRegex: true, Text: SplitPattern.Qwen2 }, Invert: false }, SplitStep.ByteLevel { AddPrefixSpace: false, UseRegex: false }] => "qwen2",
        [SplitStep.ByteLevel { AddPrefixSpace: false, UseRegex: true }] => "gpt-2",
        [SplitStep.Pattern { Expression: { IsRegex: true, Text: SplitPattern.Gpt2 }, Invert: false }, SplitStep.ByteLevel { AddPrefixSpace: false, UseRegex: false }] => "gpt-2",
        [SplitStep.Digits { Individual: true }, SplitStep.ByteLevel { AddPrefixSpace: false, UseRegex: true }] => "smollm",
        _ => throw new UserError("llama.cpp knows no word pattern that does the same", definition.Source, "Convert to a Hugging Face folder instead."),
    };
}
