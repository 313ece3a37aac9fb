using System.Text;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>How far a student's tokens met those of an asked teacher.</summary>
/// <param name="Documents">Answers trained on.</param>
/// <param name="AsText">Of them those whose bytes could not be matched at all, or came without probabilities: they are learned as text alone.</param>
/// <param name="Tokens">The student's tokens in answers.</param>
/// <param name="Same">Of them those that the teacher has too, at the same bytes.</param>
/// <param name="Begun">Of them those that begin where one of the teacher's begins and end elsewhere: the likely ones are counted by what they begin with.</param>
public sealed record SignalAlignment(long Documents, long AsText, long Tokens, long Same, long Begun);

/// <summary>
/// The probabilities an endpoint gave with its answers, laid onto the student's tokens by the bytes both are made of, so that no tokenizer need be
/// shared. Where no token of the teacher begins there is no probability to learn from, and the token itself is learned, as text is.
/// </summary>
public sealed class ServedSignal
{
    readonly Tokenizer _tokenizer;
    readonly int _vocabulary, _k;
    readonly TokensByBytes _tokens;

    ServedSignal(Tokenizer tokenizer, int vocabulary, int k) => (_tokenizer, _vocabulary, _k, _tokens) = (tokenizer, vocabulary, k, new(tokenizer, vocabulary));

    /// <summary>The signal of a dataset packed from <paramref name="documents"/>.</summary>
    /// <param name="served">The tokens of a document's answer, by its id, already checked; null where it has none.</param>
    /// <param name="header">From <see cref="SignalFile.Describe"/>.</param>
    public static (SignalFile File, SignalAlignment Alignment) Of(
        Dataset data, IReadOnlyList<Document> documents, Func<string, IReadOnlyList<ServedToken>?> served, Tokenizer tokenizer, SignalHeader header)
    {
        ServedSignal signal = new(tokenizer, header.Vocabulary, header.K);
        IReadOnlyList<(int, double)>?[] entries = new IReadOnlyList<(int, double)>?[data.Tokens.Length];
        long asText = 0, tokens = 0, same = 0, begun = 0;
        foreach (DocumentPlace place in data.Places)
        {
            Document document = documents[place.Document];
            int[] own = Dataset.Answer(document, tokenizer);
            string text = document.Said;
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            tokens += place.Answer;
            if (document.Id is not { } id || served(id) is not { } theirs || signal.Offsets(own, bytes) is not { } offsets || !bytes.AsSpan().StartsWith(SignalCheck.Joined(theirs)))
            {
                asText++;
                continue;
            }

            int at = 0, j = 0;
            for (int i = 0; i < offsets.Length - 1 && i < place.Answer; i++)
            {
                for (; j < theirs.Count && at < offsets[i]; j++)
                {
                    at += theirs[j].Bytes.Length;
                }

                int position = place.Predicting(i);
                if (j < theirs.Count && at == offsets[i] && position >= 0 && offsets[i + 1] > offsets[i])
                {
                    bool whole = at + theirs[j].Bytes.Length == offsets[i + 1];
                    entries[position] = signal.Entries(theirs[j], own[i]);
                    (same, begun) = whole ? (same + 1, begun) : (same, begun + 1);
                }
            }
        }

        return (SignalFile.Of(header, token => entries[token] ?? (data.Mask[token] != 0 ? [(data.Targets[token], 1.0)] : [])), new(data.Places.Count, asText, tokens, same, begun));
    }

    /// <summary>Where each token of the answer begins in its bytes, and the last ends; null where the tokens spell something else. A mark that ends the answer is left out.</summary>
    int[]? Offsets(int[] own, byte[] bytes)
    {
        List<int> offsets = [0];
        int at = 0;
        foreach (int token in own)
        {
            ReadOnlySpan<byte> piece = _tokenizer.TokenBytes(token);
            if (at == bytes.Length)
            {
                break;
            }

            // Tokenizers of words with their space in front put one before a text that has none.
            if (at == 0 && piece.Length > 0 && piece[0] == (byte)' ' && bytes[0] != (byte)' ')
            {
                piece = piece[1..];
            }

            if (!bytes.AsSpan(at).StartsWith(piece))
            {
                return null;
            }

            offsets.Add(at += piece.Length);
        }

        return at == bytes.Length ? [.. offsets] : null;
    }

    /// <summary>The likely tokens of a place as the student's, most likely first; those it spells in several count for the first of these.</summary>
    List<(int Id, double P)> Entries(ServedToken token, int own)
    {
        Dictionary<int, double> sums = [];
        foreach ((byte[] bytes, double logProbability) in token.Top)
        {
            int? id = bytes.AsSpan().SequenceEqual(token.Bytes) ? own : Begins(bytes);
            if (id is { } known)
            {
                sums[known] = sums.GetValueOrDefault(known) + Math.Exp(logProbability);
            }
        }

        return [.. sums.OrderByDescending(e => e.Value).ThenBy(e => e.Key).Take(_k).Select(e => (e.Key, e.Value))];
    }

    /// <summary>The student's token that these bytes begin with; null for none, as for a mark without text.</summary>
    int? Begins(byte[] bytes)
    {
        if (_tokens.Written(bytes) is { } whole)
        {
            return whole;
        }

        int[] spelled = bytes.Length == 0 ? [] : _tokenizer.Encode(Encoding.UTF8.GetString(bytes), addSpecial: false, parseSpecial: false);
        return spelled.Length > 0 && spelled[0] < _vocabulary && bytes.AsSpan().StartsWith(_tokenizer.TokenBytes(spelled[0])) ? spelled[0] : null;
    }
}
