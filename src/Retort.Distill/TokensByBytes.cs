using System.Text;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>The tokens of a vocabulary by the bytes they add to a text.</summary>
sealed class TokensByBytes
{
    readonly Tokenizer _tokenizer;
    readonly ILookup<string, int> _ids;
    readonly Dictionary<string, int?> _written = new(StringComparer.Ordinal);

    /// <param name="vocabulary">Rows of the model's head; tokens without one are left out.</param>
    public TokensByBytes(Tokenizer tokenizer, int vocabulary)
    {
        _tokenizer = tokenizer;
        _ids = Enumerable.Range(0, Math.Min(vocabulary, tokenizer.VocabularySize)).Where(i => tokenizer.TokenBytes(i).Length > 0).ToLookup(i => Key(tokenizer.TokenBytes(i)), StringComparer.Ordinal);
    }

    /// <summary>All tokens of these bytes, such as a letter and the byte it is made of.</summary>
    public IEnumerable<int> All(ReadOnlySpan<byte> bytes) => _ids[Key(bytes)];

    /// <summary>Of several the one that texts are written in; null for none.</summary>
    public int? Written(ReadOnlySpan<byte> bytes)
    {
        string key = Key(bytes);
        if (!_written.TryGetValue(key, out int? written))
        {
            int[] own = [.. _ids[key].Where(i => !_tokenizer.IsSpecial(i))];
            _written[key] = written = own.Length == 0 ? null : own.Length > 1 && _tokenizer.Encode(Encoding.UTF8.GetString(bytes), addSpecial: false, parseSpecial: false) is [int only] && own.Contains(only) ? only : own[0];
        }

        return written;
    }

    /// <summary>Bytes as a text to look up by.</summary>
    static string Key(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
