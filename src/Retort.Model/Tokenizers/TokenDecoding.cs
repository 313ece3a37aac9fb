using System.Globalization;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>The bytes of every token, and how a row of tokens becomes text.</summary>
sealed class TokenDecoding
{
    readonly DecoderRule _rule;
    readonly byte[] _bytes;
    readonly int[] _starts;
    readonly bool[] _isByte;
    readonly string?[] _tokens;

    internal TokenDecoding(TokenizerDefinition definition)
    {
        (_rule, _tokens) = (definition.Decoder, definition.Tokens);
        _starts = new int[_tokens.Length + 1];
        _isByte = new bool[_tokens.Length];
        var added = definition.Added.Select(token => token.Id).ToHashSet();
        var bytes = new List<byte>();
        for (int id = 0; id < _tokens.Length; id++)
        {
            bytes.AddRange(BytesOf(_tokens[id] ?? "", added.Contains(id), out _isByte[id]));
            _starts[id + 1] = bytes.Count;
        }

        _bytes = [.. bytes];
    }

    internal ReadOnlySpan<byte> Bytes(int id) => _bytes.AsSpan(_starts[id].._starts[id + 1]);

    /// <summary>How many of which character go from the front of a decoded text.</summary>
    internal (char Text, int Count) Strip => _rule is DecoderRule.Pieces pieces ? (pieces.StripText, pieces.StripStart) : (' ', 0);

    /// <summary>The bytes of a text's first token.</summary>
    internal ReadOnlySpan<byte> FirstBytes(int id) => _rule is DecoderRule.Metaspace { Scheme: not PrependScheme.Never } space
        ? Encoding.UTF8.GetBytes((_tokens[id] ?? "").Replace(space.Replacement.ToString(), "", StringComparison.Ordinal))
        : Bytes(id);

    internal string Decode(ReadOnlySpan<int> ids)
    {
        var bytes = new List<byte>(ids.Length * 4);
        for (int i = 0; i < ids.Length; i++)
        {
            if (_isByte[ids[i]])
            {
                i = ByteRun(ids, i, bytes);
            }
            else
            {
                bytes.AddRange(i == 0 ? FirstBytes(ids[i]) : Bytes(ids[i]));
            }
        }

        string text = Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
        var (strip, most) = Strip;
        int cut = 0;
        while (cut < most && cut < text.Length && text[cut] == strip)
        {
            cut++;
        }

        return cut == 0 ? text : text[cut..];
    }

    /// <summary>A run of byte tokens that is no UTF-8 becomes as many U+FFFD as it has bytes: Hugging Face's ByteFallback.</summary>
    /// <returns>The index of the run's last token.</returns>
    int ByteRun(ReadOnlySpan<int> ids, int first, List<byte> bytes)
    {
        int start = bytes.Count, end = first;
        for (; end < ids.Length && _isByte[ids[end]]; end++)
        {
            bytes.AddRange(Bytes(ids[end]));
        }

        if (!System.Text.Unicode.Utf8.IsValid(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes)[start..]))
        {
            bytes.RemoveRange(start, bytes.Count - start);
            for (int i = first; i < end; i++)
            {
                bytes.AddRange("\uFFFD"u8);
            }
        }

        return end - 1;
    }

    byte[] BytesOf(string token, bool added, out bool isByte)
    {
        isByte = false;
        switch (_rule)
        {
            case DecoderRule.ByteLevel:
                return (added ? null : ByteAlphabet.Decode(token)) ?? Encoding.UTF8.GetBytes(token);
            case DecoderRule.Metaspace space:
                return Encoding.UTF8.GetBytes(token.Replace(space.Replacement, ' '));
            case DecoderRule.Pieces pieces:
                foreach (var (from, to) in pieces.Replacements)
                {
                    token = token.Replace(from, to, StringComparison.Ordinal);
                }

                if (pieces.ByteFallback && IsByteToken(token, out byte value))
                {
                    isByte = true;
                    return [value];
                }

                return Encoding.UTF8.GetBytes(token);
            default:
                throw new InvalidOperationException($"A decoder of type {_rule.GetType().Name}.");
        }
    }

    /// <summary>Whether a token is spelled &lt;0xNN&gt;.</summary>
    internal static bool IsByteToken(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
