using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Retort.Model.Files;

namespace Retort.Model.Tokenizers;

/// <summary>
/// Text to token ids and back, as byte-pair encoding (Sennrich et al. 2016) in the two forms language models use: over bytes (GPT-2, Llama 3,
/// Qwen) and over characters with byte fallback (SentencePiece, Llama 2). Immutable; every method may be called from several threads.
/// </summary>
public sealed class Tokenizer
{
    readonly TokenizerDefinition _definition;
    readonly WordSplitter _splitter;
    readonly WordEncoder _encoder;
    readonly AddedTokenFinder _beforeNormalizing, _afterNormalizing, _plainBefore, _plainAfter;
    readonly bool[] _special;
    readonly TokenDecoding _decoding;
    readonly Lazy<string> _hash;

    internal Tokenizer(TokenizerDefinition definition)
    {
        _definition = definition;
        _splitter = new WordSplitter(definition.Splits);
        _encoder = new WordEncoder(definition);
        (_beforeNormalizing, _afterNormalizing) = Finders(definition.Added);
        (_plainBefore, _plainAfter) = Finders(definition.Added.Where(token => !token.Special));
        _special = new bool[definition.Tokens.Length];
        foreach (AddedToken token in definition.Added)
        {
            _special[token.Id] = token.Special;
        }

        _decoding = new TokenDecoding(definition);
        _hash = new(() => Convert.ToHexStringLower(SHA256.HashData(TokenizerJsonWriter.Write(definition))));
    }

    /// <summary>One more than the highest id; a file may leave ids below it without a token.</summary>
    public int VocabularySize => _definition.Tokens.Length;

    /// <summary>
    /// The beginning-of-sequence token: bos_token of tokenizer_config.json beside the file, else the first token its template puts before a text.
    /// </summary>
    public int? BeginToken => _definition.Begin;

    /// <summary>
    /// The end-of-sequence token: eos_token of tokenizer_config.json beside the file, else a special token of a customary name such as
    /// &lt;/s&gt; or &lt;|endoftext|&gt;. A model's own configuration may name others.
    /// </summary>
    public int? EndToken => _definition.End;

    /// <summary>
    /// SHA-256, in lower-case hexadecimal, of the tokenizer.json that <see cref="Save"/> writes: vocabulary, merges in order, and every setting.
    /// Equal hashes mean equal tokens and behaviour; the same behaviour declared by other means hashes otherwise. Begin and end tokens known only
    /// from tokenizer_config.json are not part of it.
    /// </summary>
    public string Hash => _hash.Value;

    internal TokenizerDefinition Definition => _definition;

    internal TokenDecoding Decoding => _decoding;

    /// <summary>
    /// Opens a folder holding tokenizer.json or tokenizer.model, a tokenizer.json of model type BPE, a SentencePiece model of that type (.model),
    /// a llama2.c tokenizer (.bin), or the vocabulary within a GGUF file. A tokenizer_config.json beside the first two names the begin and end
    /// tokens. Truncation and padding settings are the caller's business and are not applied.
    /// </summary>
    /// <exception cref="UserError">The file is absent, damaged, or uses a construct that is not supported, which is named with its place.</exception>
    public static Tokenizer Open(string path)
    {
        if (Directory.Exists(path))
        {
            path = TokenizerFile.In(path);
        }

        if (GgufHeader.IsAt(path))
        {
            return new Tokenizer(GgufVocabulary.Read(path));
        }

        byte[] bytes = TokenizerFile.Read(path);
        return new Tokenizer(Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".BIN" => ScoredVocabulary.Read(bytes, path),
            ".MODEL" => SentencePieceVocabulary.Read(bytes, path, TokenizerFile.ReadBeside(path)),
            _ => TokenizerJsonReader.Read(bytes, path, TokenizerFile.ReadBeside(path)),
        });
    }

    /// <summary>
    /// The ids of a text. A lone surrogate, which UTF-8 cannot hold, counts as U+FFFD. What a vocabulary lacks becomes its unknown token, or is
    /// left out where it declares none, as in huggingface/tokenizers; a trained vocabulary lacks nothing.
    /// </summary>
    /// <param name="addSpecial">Adds what the tokenizer declares around a text, such as the begin token.</param>
    /// <param name="parseSpecial">
    /// Special tokens spelled in the text become their ids; otherwise they are encoded as the text they are. Added tokens that are not special
    /// are always recognised.
    /// </param>
    public int[] Encode(string text, bool addSpecial = true, bool parseSpecial = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = TokenizerFile.WellFormed(text);
        var ids = new List<int>((text.Length / 3) + 4);
        if (addSpecial)
        {
            ids.AddRange(_definition.Prefix);
        }

        WordMemory memory = _encoder.Borrow();
        AddedTokenFinder finder = parseSpecial ? _beforeNormalizing : _plainBefore;
        for (int from = 0; from < text.Length;)
        {
            AddedToken? token = finder.Next(text, from, out int start, out int end);
            if (start > from)
            {
                EncodePlain(text[from..start], from == 0, parseSpecial, memory, ids);
            }

            if (token is not null)
            {
                ids.Add(token.Id);
            }

            from = end;
        }

        _encoder.Return(memory);
        if (addSpecial)
        {
            ids.AddRange(_definition.Suffix);
        }

        return [.. ids];
    }

    /// <summary>The text of ids: bytes that are no UTF-8 become U+FFFD. A space the tokenizer puts before a text is taken off again.</summary>
    /// <param name="skipSpecial">Leaves special tokens out; otherwise they appear as they are spelled.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true)
    {
        var kept = new List<int>(ids.Length);
        foreach (int id in ids)
        {
            Check(id);
            if (!(skipSpecial && _special[id]))
            {
                kept.Add(id);
            }
        }

        return _decoding.Decode(CollectionsMarshal.AsSpan(kept));
    }

    /// <summary>The bytes a token adds to a text, before any leading space is taken off; a special token's are its spelling's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is outside the vocabulary.</exception>
    public ReadOnlySpan<byte> TokenBytes(int id)
    {
        Check(id);
        return _decoding.Bytes(id);
    }

    /// <summary>The vocabulary's own spelling of a token, such as "Ġthe" or "▁the"; empty for an id without a token.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is outside the vocabulary.</exception>
    public string TokenText(int id)
    {
        Check(id);
        return _definition.Tokens[id] ?? "";
    }

    /// <summary>Whether <see cref="Decode"/> leaves the token out when it skips special tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is outside the vocabulary.</exception>
    public bool IsSpecial(int id)
    {
        Check(id);
        return _special[id];
    }

    /// <summary>The id of a token by the vocabulary's own spelling.</summary>
    public int? FindToken(string text)
    {
        int id = Array.IndexOf(_definition.Tokens, text);
        return id < 0 ? null : id;
    }

    /// <summary>
    /// Writes a Hugging Face tokenizer.json: to <paramref name="path"/> if that ends in .json, otherwise into that folder, where bos_token and
    /// eos_token of tokenizer_config.json are set too and its other fields kept. Files appear whole or not at all.
    /// </summary>
    /// <exception cref="UserError">The files cannot be written.</exception>
    public void Save(string path) => TokenizerFile.Save(_definition, path);

    /// <summary>
    /// The first id at which two vocabularies spell a token differently, or null when they agree token by token and in size.
    /// </summary>
    public static VocabularyDifference? FirstDifference(Tokenizer a, Tokenizer b)
    {
        for (int id = 0; id < Math.Max(a.VocabularySize, b.VocabularySize); id++)
        {
            string? itsA = a._definition.Tokens.ElementAtOrDefault(id), itsB = b._definition.Tokens.ElementAtOrDefault(id);
            if (itsA != itsB || id >= a.VocabularySize || id >= b.VocabularySize)
            {
                return new VocabularyDifference(id, itsA, itsB, a.VocabularySize, b.VocabularySize);
            }
        }

        return null;
    }

    void EncodePlain(string text, bool atStart, bool parseSpecial, WordMemory memory, List<int> ids)
    {
        foreach (NormalizerStep step in _definition.Normalizer)
        {
            text = step.Apply(text);
        }

        AddedTokenFinder finder = parseSpecial ? _afterNormalizing : _plainAfter;
        for (int from = 0; from < text.Length;)
        {
            AddedToken? token = finder.Next(text, from, out int start, out int end);
            _splitter.Split(
                text.AsSpan(from, start - from),
                atStart && from == 0,
                static (word, to) => to.Encoder.Encode(word, to.Memory, to.Ids),
                (Encoder: _encoder, Memory: memory, Ids: ids));
            if (token is not null)
            {
                ids.Add(token.Id);
            }

            from = end;
        }
    }

    (AddedTokenFinder Before, AddedTokenFinder After) Finders(IEnumerable<AddedToken> added)
    {
        AddedToken[] tokens = [.. added];
        return (
            new(tokens.Where(token => !token.Normalized).Select(token => (token.Text, token))),
            new(tokens.Where(token => token.Normalized).Select(token => (_definition.Normalizer.Aggregate(token.Text, (text, step) => step.Apply(text)), token))));
    }

    void Check(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
    }
}

/// <summary>Where two vocabularies first differ.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="TokenA">Its spelling in the first; null when the first has none there.</param>
/// <param name="TokenB">Its spelling in the second; null when the second has none there.</param>
public sealed record VocabularyDifference(int Id, string? TokenA, string? TokenB, int SizeA, int SizeB)
{
    /// <summary>The difference as part of a sentence.</summary>
    /// <param name="a">Whose the first vocabulary is: "the teacher".</param>
    /// <param name="b">Whose the second is.</param>
    public string Tell(string a, string b) => $"token {Id} is {Show(TokenA)} for {a} and {Show(TokenB)} for {b} (sizes {SizeA} and {SizeB})";

    static string Show(string? token) => token is null ? "absent" : $"'{token}'";
}
