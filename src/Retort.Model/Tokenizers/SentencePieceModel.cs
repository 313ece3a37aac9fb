using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>
/// What a SentencePiece tokenizer.model holds (google/sentencepiece, sentencepiece_model.proto), as far as its encoding of text depends on it.
/// </summary>
sealed class SentencePieceModel
{
    const int MostPieces = 1 << 22, LongestPiece = 1024;
    const long BytePair = 2;

    /// <summary>The numbers of SentencePiece.Type.</summary>
    internal enum Kind
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    readonly string _file;
    long _model = 1;

    SentencePieceModel(string file) => _file = file;

    internal List<string> Pieces { get; } = [];

    internal List<float> Scores { get; } = [];

    internal List<Kind> Kinds { get; } = [];

    internal bool ByteFallback { get; private set; }

    /// <summary>A text begins with a space that it did not have.</summary>
    internal bool DummyPrefix { get; private set; } = true;

    internal string BeginPiece { get; private set; } = "<s>";

    internal string EndPiece { get; private set; } = "</s>";

    /// <exception cref="UserError">The file is no such model or damaged, or is of a kind not supported, which is named.</exception>
    internal static SentencePieceModel Read(byte[] bytes, string file)
    {
        var model = new SentencePieceModel(file);
        var distinct = new HashSet<string>(StringComparer.Ordinal);
        var reader = new ProtobufReader(bytes, file, 0);
        bool trained = false, normalized = false;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    model.Piece(new ProtobufReader(reader.Bytes(), file, reader.BlockOffset), distinct);
                    break;
                case 2:
                    model.Training(new ProtobufReader(reader.Bytes(), file, reader.BlockOffset));
                    trained = true;
                    break;
                case 3:
                    model.Normalization(new ProtobufReader(reader.Bytes(), file, reader.BlockOffset));
                    normalized = true;
                    break;
                case 5:
                    model.Restoration(new ProtobufReader(reader.Bytes(), file, reader.BlockOffset));
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (model.Pieces.Count == 0 || !trained || !normalized)
        {
            throw new UserError("the file has no pieces, trainer or normalizer", file, "Use a tokenizer.model that SentencePiece wrote.");
        }

        return model._model == BytePair ? model : throw model.Unsupported(model._model switch { 1 => "the model type unigram", 3 => "the model type word", 4 => "the model type char", var type => $"the model type {type}" });
    }

    void Piece(ProtobufReader reader, HashSet<string> distinct)
    {
        string text = "";
        float score = 0;
        long kind = 1;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    text = reader.Text();
                    break;
                case 2:
                    score = reader.Single();
                    break;
                case 3:
                    kind = reader.Integer();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        string where = $"{reader.Where}, piece {Pieces.Count}";
        if (text.Length == 0 || Encoding.UTF8.GetByteCount(text) > LongestPiece || !float.IsFinite(score) || kind is < 1 or > 6 || Pieces.Count == MostPieces)
        {
            throw new UserError("the piece is empty, too long, without a score, or of no known type", where, "Download the file again; it is damaged.");
        }

        if (!distinct.Add(text))
        {
            throw new UserError("the piece repeats one before it", where, "Use a model whose pieces differ.");
        }

        if (kind == (long)Kind.Unused)
        {
            throw Unsupported("a piece of type unused");
        }

        if (kind == (long)Kind.Byte && !TokenDecoding.IsByteToken(text, out _))
        {
            throw new UserError("the byte piece is not spelled <0xNN>", where, "Download the file again; it is damaged.");
        }

        Pieces.Add(text);
        Scores.Add(score);
        Kinds.Add((Kind)kind);
    }

    void Training(ProtobufReader reader)
    {
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3:
                    _model = reader.Integer();
                    break;
                case 24:
                    Refuse(reader.Flag(), "white space as a suffix of words");
                    break;
                case 35:
                    ByteFallback = reader.Flag();
                    break;
                case 46:
                    BeginPiece = reader.Text();
                    break;
                case 47:
                    EndPiece = reader.Text();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    void Normalization(ProtobufReader reader)
    {
        string name = "";
        bool mapped = false, trimmed = true, escaped = true;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    name = reader.Text();
                    break;
                case 2:
                    mapped = reader.Bytes().Length > 0;
                    break;
                case 3:
                    DummyPrefix = reader.Flag();
                    break;
                case 4:
                    trimmed = reader.Flag();
                    break;
                case 5:
                    escaped = reader.Flag();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        Refuse(mapped, $"the normalization \"{(name.Length <= 40 ? name : "of its own")}\"");
        Refuse(trimmed, "the removal of extra white space");
        Refuse(!escaped, "white space that is not escaped");
    }

    void Restoration(ProtobufReader reader)
    {
        while (reader.Next())
        {
            if (reader.Field == 2)
            {
                Refuse(reader.Bytes().Length > 0, "a denormalization");
            }
            else
            {
                reader.Skip();
            }
        }
    }

    void Refuse(bool condition, string construct)
    {
        if (condition)
        {
            throw Unsupported(construct);
        }
    }

    UserError Unsupported(string construct) => new(
        $"{construct} of a SentencePiece model is not supported", _file, "Use a byte-pair model in the form of Llama 2, or the tokenizer.json of the same model.");
}
