using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>
/// Which rows repeat one before them. A row repeats another where the shingles of question and answer together are as alike as the threshold, and so are those
/// of the answers alone: different answers to one question, and to questions about one long passage, are no repetitions. Of twenty different questions and more,
/// shingles that stand in over half of them are their common template and are not compared, or a long template would make repetitions of all.
/// </summary>
static class Repetitions
{
    const int FewestQuestions = 20;

    /// <summary>For each row the one before it that it repeats, and how alike they are; null where it stays.</summary>
    /// <param name="task">Answers are labels or JSON, alike by design: what is compared is the questions, and a row repeats another only with the very same answer.</param>
    public static IEnumerable<NearDuplicate?> Of(IReadOnlyList<(string Question, string Answer)> rows, double threshold, bool task = false)
    {
        HashSet<ulong> template = Template(rows.Select(r => r.Question));
        NearDuplicates known = new(threshold);
        List<(int Row, ulong[] Answer)> stayed = [];
        foreach ((int row, (string question, string answer)) in rows.Index())
        {
            ulong[] own = MinHash.Shingles(answer), asked = MinHash.Shingles(question), bare = [.. asked.Where(s => !template.Contains(s))];
            ulong[] all = task ? bare.Length > 0 ? bare : asked : [.. bare.Union(own).Order()];
            if (known.Find(all, t => task ? rows[stayed[t].Row].Answer == answer : MinHash.Similarity(stayed[t].Answer, own) >= threshold) is { } found)
            {
                yield return new(stayed[found.Text].Row, found.Similarity);
            }
            else
            {
                known.Add(all);
                stayed.Add((row, own));
                yield return null;
            }
        }
    }

    static HashSet<ulong> Template(IEnumerable<string> questions)
    {
        string[] different = [.. questions.Distinct(StringComparer.Ordinal)];
        Dictionary<ulong, int> counts = [];
        foreach (ulong shingle in different.Length < FewestQuestions ? [] : different.SelectMany(MinHash.Shingles))
        {
            System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, shingle, out _)++;
        }

        return [.. counts.Where(c => c.Value > different.Length / 2).Select(c => c.Key)];
    }
}
