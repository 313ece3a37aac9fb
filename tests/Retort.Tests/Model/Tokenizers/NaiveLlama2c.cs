using System.Buffers.Binary;
using System.Text;

namespace Retort.Tests.Model.Tokenizers;

/// <summary>The encoder of llama2.c's run.c as it is written there: look every character up, then merge the best-scored pair again and again.</summary>
sealed class NaiveLlama2c
{
    readonly List<string> _tokens = [];
    readonly List<float> _scores = [];
    readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    internal NaiveLlama2c(ReadOnlySpan<byte> file)
    {
        for (int at = 4; at < file.Length;)
        {
            float score = BinaryPrimitives.ReadSingleLittleEndian(file[at..]);
            int length = BinaryPrimitives.ReadInt32LittleEndian(file[(at + 4)..]);
            string token = Encoding.UTF8.GetString(file.Slice(at + 8, length));
            _ids.Add(token, _tokens.Count);
            _tokens.Add(token);
            _scores.Add(score);
            at += 8 + length;
        }
    }

    internal int Count => _tokens.Count;

    internal int[] Encode(string text)
    {
        var ids = new List<int> { 1 };
        if (text.Length > 0)
        {
            ids.Add(_ids[" "]);
        }

        foreach (Rune rune in text.EnumerateRunes())
        {
            if (_ids.TryGetValue(rune.ToString(), out int id))
            {
                ids.Add(id);
            }
            else
            {
                ids.AddRange(Encoding.UTF8.GetBytes(rune.ToString()).Select(value => value + 3));
            }
        }

        while (true)
        {
            float best = -1e10f;
            int bestId = -1, bestIndex = -1;
            for (int i = 0; i + 1 < ids.Count; i++)
            {
                if (_ids.TryGetValue(_tokens[ids[i]] + _tokens[ids[i + 1]], out int id) && _scores[id] > best)
                {
                    (best, bestId, bestIndex) = (_scores[id], id, i);
                }
            }

            if (bestIndex < 0)
            {
                return [.. ids];
            }

            ids[bestIndex] = bestId;
            ids.RemoveAt(bestIndex + 1);
        }
    }
}
