namespace Retort.Model.Tokenizers;

/// <summary>
/// Reads the vocabulary, merges and added tokens of a Hugging Face tokenizer.json (huggingface/tokenizers, model type BPE);
/// <see cref="PipelineReader"/> reads what stands around them.
/// </summary>
static class TokenizerJsonReader
{
    const int SpareIds = 4096;

    /// <param name="config">tokenizer_config.json beside it, if any.</param>
    /// <exception cref="UserError">A field is missing or wrong, or a construct is not supported.</exception>
    internal static TokenizerDefinition Read(byte[] bytes, string file, JsonField? config)
    {
        JsonField root = JsonField.Parse(bytes, file), model = root.Required("model");
        RefuseModelOptions(model);
        var vocabulary = Vocabulary(model.Required("vocab"));
        List<(JsonField Field, AddedToken Token)> added = [.. Added(root)];
        string?[] tokens = Place(vocabulary, added, model, out HashSet<int> addedOnly);
        var merges = Merges(model, vocabulary);
        List<SplitStep> splits = PipelineReader.Splits(root.Optional("pre_tokenizer"));
        var (prefix, suffix) = PipelineReader.Template(root.Optional("post_processor"), tokens);
        AddedToken[] inOrder = [.. added.Select(item => item.Token).OrderBy(token => token.Id)];
        return new TokenizerDefinition(
            file,
            tokens,
            inOrder,
            addedOnly,
            merges,
            Model(model, vocabulary),
            PipelineReader.Normalizer(root.Optional("normalizer")),
            splits,
            PipelineReader.Decoder(root.Optional("decoder"), root),
            prefix,
            suffix,
            Named(config, "bos_token", tokens) ?? (config is null && prefix.Count > 0 ? prefix[0] : null),
            Named(config, "eos_token", tokens) ?? TokenizerDefinition.CustomaryEnd(inOrder));
    }

    static void RefuseModelOptions(JsonField model)
    {
        if (model.Optional("type") is { } type && type.Text() != "BPE")
        {
            throw type.Unsupported($"the model type \"{type.Text()}\"");
        }

        foreach (string name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Optional(name) is { } affix && affix.Text().Length > 0)
            {
                throw affix.Unsupported($"\"{name}\"");
            }
        }

        if (model.Optional("dropout") is { } dropout && !(dropout.Element.ValueKind == System.Text.Json.JsonValueKind.Number && dropout.Element.GetDouble() == 0))
        {
            throw dropout.Unsupported("\"dropout\"");
        }
    }

    static Dictionary<string, int> Vocabulary(JsonField field)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (token, value) in field.Members())
        {
            int id = value.Integer();
            if (id < 0)
            {
                throw field.Fault($"the token \"{Shown(token)}\" has the negative id {id}", "Ids count from 0.");
            }

            vocabulary.Add(token, id);
        }

        return vocabulary;
    }

    static IEnumerable<(JsonField Field, AddedToken Token)> Added(JsonField root)
    {
        if (root.Optional("added_tokens") is not { } list)
        {
            yield break;
        }

        foreach (JsonField item in list.Items())
        {
            string text = item.Required("content").Text();
            if (text.Length == 0)
            {
                throw item.Fault("the added token is empty", "Remove it.");
            }

            int id = item.Required("id").Integer();
            if (id < 0)
            {
                throw item.Fault($"the id {id} is negative", "Ids count from 0.");
            }

            bool special = item.Flag("special", otherwise: false);
            yield return (item, new AddedToken(
                id,
                text,
                special,
                item.Flag("normalized", otherwise: !special),
                item.Flag("single_word", otherwise: false),
                item.Flag("lstrip", otherwise: false),
                item.Flag("rstrip", otherwise: false)));
        }
    }

    static string?[] Place(
        Dictionary<string, int> vocabulary, List<(JsonField Field, AddedToken Token)> added, JsonField model, out HashSet<int> addedOnly)
    {
        int highest = Math.Max(vocabulary.Count == 0 ? -1 : vocabulary.Values.Max(), added.Count == 0 ? -1 : added.Max(item => item.Token.Id));
        long bound = (2L * (vocabulary.Count + added.Count)) + SpareIds;
        if (highest >= bound)
        {
            throw model.Fault($"the id {highest} is far beyond the {vocabulary.Count + added.Count} tokens there are", "Ids count from 0 with few gaps.");
        }

        var tokens = new string?[highest + 1];
        foreach (var (token, id) in vocabulary)
        {
            if (tokens[id] is { } taken)
            {
                throw model.Fault($"the tokens \"{Shown(taken)}\" and \"{Shown(token)}\" have the same id {id}", "Give each token its own id.");
            }

            tokens[id] = token;
        }

        addedOnly = [];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (field, token) in added)
        {
            if (!seen.Add(token.Text))
            {
                throw field.Fault($"the added token \"{Shown(token.Text)}\" appears twice", "Keep one of them.");
            }

            if (vocabulary.TryGetValue(token.Text, out int id) ? id != token.Id : tokens[token.Id] is not null)
            {
                throw field.Fault(
                    $"the added token \"{Shown(token.Text)}\" has the id {token.Id}, where the vocabulary says otherwise", "Make the two agree.");
            }

            if (tokens[token.Id] is null)
            {
                tokens[token.Id] = token.Text;
                addedOnly.Add(token.Id);
            }
        }

        return tokens;
    }

    static List<Merge> Merges(JsonField model, Dictionary<string, int> vocabulary)
    {
        var merges = new List<Merge>();
        foreach (JsonField item in model.Required("merges").Items())
        {
            string left, right;
            if (item.IsText)
            {
                string text = item.Text();
                int space = text.IndexOf(' ', StringComparison.Ordinal);
                if (space <= 0 || space == text.Length - 1 || text.IndexOf(' ', space + 1) >= 0)
                {
                    throw item.Fault($"the merge \"{Shown(text)}\" is not two tokens with a space between", "Correct the merge.");
                }

                (left, right) = (text[..space], text[(space + 1)..]);
            }
            else
            {
                string[] pair = [.. item.Items().Take(3).Select(part => part.Text())];
                if (pair.Length != 2)
                {
                    throw item.Fault("the merge is not two tokens", "Correct the merge.");
                }

                (left, right) = (pair[0], pair[1]);
            }

            merges.Add(new Merge(Part(left), Part(right), Part(left + right), merges.Count));

            int Part(string token) => vocabulary.TryGetValue(token, out int id)
                ? id
                : throw item.Fault($"the merge names \"{Shown(token)}\", which is not in the vocabulary", "Use vocabulary and merges of one tokenizer.");
        }

        return merges;
    }

    static BytePairModel Model(JsonField model, Dictionary<string, int> vocabulary)
    {
        int? unknown = null;
        if (model.Optional("unk_token") is { } field)
        {
            unknown = vocabulary.TryGetValue(field.Text(), out int id)
                ? id
                : throw field.Fault($"the unknown token \"{Shown(field.Text())}\" is not in the vocabulary", "Add it, or set the field to null.");
        }

        return new BytePairModel(
            unknown, model.Flag("fuse_unk", otherwise: false), model.Flag("byte_fallback", otherwise: false), model.Flag("ignore_merges", otherwise: false));
    }

    /// <summary>The token that a field of tokenizer_config.json names, or null where it names none.</summary>
    internal static int? Named(JsonField? config, string name, string?[] tokens)
    {
        if (config?.Optional(name) is not { } field)
        {
            return null;
        }

        string text = (field.IsObject ? field.Required("content") : field).Text();
        int id = Array.IndexOf(tokens, text);
        return id >= 0 ? id : throw field.Fault($"\"{Shown(text)}\" is not in the vocabulary", "Name a token of the tokenizer.json beside it.");
    }

    static string Shown(string token) => token.Length <= 60 ? token : $"{token.AsSpan(0, 57)}...";
}
