using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>
/// Decodes ids one at a time, for generation: each call returns the text that is certain by then, holding back only the bytes of an unfinished
/// character. All pieces together are what <see cref="Tokenizer.Decode"/> gives, except that a run of byte tokens that is no UTF-8 becomes
/// U+FFFD by maximal parts, since its end is not known while it runs.
/// </summary>
/// <param name="skipSpecial">Leaves special tokens out.</param>
/// <param name="atStart">False when the ids continue a text: then the leading space, which belongs between the two, is kept.</param>
public sealed class StreamingDecoder(Tokenizer tokenizer, bool skipSpecial = true, bool atStart = true)
{
    readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    bool _first = atStart;
    int _strip = atStart ? tokenizer.Decoding.Strip.Count : 0;

    /// <summary>The text that one more id completes; often a token's, sometimes none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is outside the vocabulary.</exception>
    public string Append(int id)
    {
        if (tokenizer.IsSpecial(id) && skipSpecial)
        {
            return "";
        }

        ReadOnlySpan<byte> bytes = _first ? tokenizer.Decoding.FirstBytes(id) : tokenizer.Decoding.Bytes(id);
        _first = false;
        return Text(bytes, flush: false);
    }

    /// <summary>What is left at the end: U+FFFD for an unfinished character, otherwise nothing. The decoder then starts anew as a continuation.</summary>
    public string Finish() => Text([], flush: true);

    string Text(ReadOnlySpan<byte> bytes, bool flush)
    {
        Span<char> characters = bytes.Length <= 252 ? stackalloc char[256] : new char[bytes.Length + 4];
        ReadOnlySpan<char> text = characters[.._utf8.GetChars(bytes, characters, flush)];
        while (_strip > 0 && !text.IsEmpty)
        {
            if (text[0] != tokenizer.Decoding.Strip.Text)
            {
                _strip = 0;
                break;
            }

            text = text[1..];
            _strip--;
        }

        return text.ToString();
    }
}
