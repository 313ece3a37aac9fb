namespace Retort.Model.Tokenizers;

/// <summary>
/// Turns a SentencePiece model of type BPE into what the same tokenizer's tokenizer.json declares: "▁" for a space, merges by falling score of
/// their result, byte fallback where the model has it, control pieces as special tokens. The begin token goes before a text unless
/// add_bos_token of tokenizer_config.json says no; the end token after it only where add_eos_token says so.
/// </summary>
static class SentencePieceVocabulary
{
    const string AddedName = "added_tokens.json";

    /// <param name="config">tokenizer_config.json beside it, if any.</param>
    /// <exception cref="UserError">The file is damaged, or uses what is not supported.</exception>
    internal static TokenizerDefinition Read(byte[] bytes, string file, JsonField? config)
    {
        SentencePieceModel model = SentencePieceModel.Read(bytes, file);
        string[] tokens = [.. model.Pieces];
        AddedToken[] added = [.. Added(model, file)];
        RefuseMoreTokens(config, tokens, file);
        int unknown = Single(model, file);
        RefusePartOfBytes(model, file);
        int? begin = TokenizerJsonReader.Named(config, "bos_token", tokens) ?? Control(model, model.BeginPiece);
        int? end = TokenizerJsonReader.Named(config, "eos_token", tokens) ?? Control(model, model.EndPiece);
        NormalizerStep spaces = new NormalizerStep.Replace(SplitPattern.Literal(" ", file), "▁");
        return new TokenizerDefinition(
            file,
            tokens,
            added,
            new HashSet<int>(),
            ScoredVocabulary.Merges(tokens, model.Scores, [.. Ids(model, SentencePieceModel.Kind.Normal)]),
            new BytePairModel(unknown, FuseUnknown: true, model.ByteFallback, IgnoreMerges: false),
            model.DummyPrefix ? [new NormalizerStep.Prepend("▁"), spaces] : [spaces],
            [],
            new DecoderRule.Pieces([("▁", " ")], model.Kinds.Contains(SentencePieceModel.Kind.Byte), StripText: ' ', StripStart: model.DummyPrefix ? 1 : 0),
            begin is { } first && (config?.Flag("add_bos_token", otherwise: true) ?? true) ? [first] : [],
            end is { } last && (config?.Flag("add_eos_token", otherwise: false) ?? false) ? [last] : [],
            begin,
            end);
    }

    static IEnumerable<int> Ids(SentencePieceModel model, SentencePieceModel.Kind kind) => Enumerable.Range(0, model.Kinds.Count).Where(id => model.Kinds[id] == kind);

    static IEnumerable<AddedToken> Added(SentencePieceModel model, string file)
    {
        for (int id = 0; id < model.Kinds.Count; id++)
        {
            if (model.Kinds[id] == SentencePieceModel.Kind.UserDefined && model.DummyPrefix)
            {
                // After such a piece SentencePiece adds no space, while a text between added tokens gets one.
                throw new UserError("a user-defined piece in a model with a dummy prefix is not supported", $"{file}, piece {id}", "Use the tokenizer.json of the same model.");
            }

            if (model.Kinds[id] is SentencePieceModel.Kind.Control or SentencePieceModel.Kind.Unknown or SentencePieceModel.Kind.UserDefined)
            {
                bool special = model.Kinds[id] != SentencePieceModel.Kind.UserDefined;
                yield return new AddedToken(id, model.Pieces[id], special, Normalized: !special, SingleWord: false, StripLeft: false, StripRight: false);
            }
        }
    }

    /// <summary>A vocabulary grown after training says so in files beside the model; without them its later ids would be wrong.</summary>
    static void RefuseMoreTokens(JsonField? config, string[] tokens, string file)
    {
        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, AddedName);
        if (File.Exists(beside))
        {
            throw new UserError("tokens added to a SentencePiece model are not supported", beside, "Use the tokenizer.json of the same model.");
        }

        if (config?.Optional("added_tokens_decoder") is not { } decoder)
        {
            return;
        }

        foreach (var (name, token) in decoder.Members())
        {
            string text = token.Required("content").Text();
            if (!int.TryParse(name, out int id) || id < 0 || id >= tokens.Length || tokens[id] != text)
            {
                throw token.Unsupported($"the token \"{(text.Length <= 60 ? text : "of great length")}\" added to a SentencePiece model");
            }
        }
    }

    static int Single(SentencePieceModel model, string file) => Ids(model, SentencePieceModel.Kind.Unknown).ToArray() is [var only]
        ? only
        : throw new UserError("the model does not have one unknown piece", file, "Download it again; it is damaged.");

    static void RefusePartOfBytes(SentencePieceModel model, string file)
    {
        if (model.ByteFallback && Ids(model, SentencePieceModel.Kind.Byte).Select(id => model.Pieces[id].ToUpperInvariant()).Distinct(StringComparer.Ordinal).Count() != 256)
        {
            throw new UserError("the model falls back to bytes and does not have 256 byte pieces", file, "Download it again; it is damaged.");
        }
    }

    static int? Control(SentencePieceModel model, string piece) =>
        model.Pieces.IndexOf(piece) is >= 0 and var id && model.Kinds[id] == SentencePieceModel.Kind.Control ? id : null;
}
