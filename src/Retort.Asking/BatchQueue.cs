namespace Retort.Asking;

/// <summary>What goes into the next batches: of each chain the first question without an answer, as often as it may be sent, under the ceiling.</summary>
sealed class BatchQueue(Transcripts store, Price price, Usd? ceiling, int attempts)
{
    /// <summary>Bytes around a question in a batch's file.</summary>
    const int Around = 256;

    readonly Dictionary<string, int> _sent = new(StringComparer.Ordinal);
    readonly HashSet<string> _met = new(StringComparer.Ordinal), _answered = new(StringComparer.Ordinal), _givenUp = new(StringComparer.Ordinal);

    /// <summary>Questions met, each once; of them answered by earlier runs, by this one, and given up.</summary>
    public int Met => _met.Count;

    public long Before { get; private set; }

    public int Answered => _answered.Count;

    public int GivenUp => _givenUp.Count;

    /// <summary>Later questions of chains that are not asked.</summary>
    public long NotAsked { get; private set; }

    /// <summary>An answer came to the question of that hash.</summary>
    public void Answer(string name) => _answered.Add(name);

    /// <summary>None did.</summary>
    public void Fail(string name, bool passing)
    {
        if (!passing || _sent.GetValueOrDefault(name) >= attempts)
        {
            _givenUp.Add(name);
        }
    }

    /// <summary>What may be sent now, when nothing is under way.</summary>
    /// <returns>Each question with the most it may cost, and whether the ceiling kept others back.</returns>
    public (IReadOnlyList<(Question Question, Usd Reserved)> Next, bool Ceiling) Next(IReadOnlyList<Chain> chains)
    {
        List<(Question, Usd)> next = [];
        HashSet<string> taken = new(StringComparer.Ordinal);
        Usd spent = store.Facts().Spent;
        bool kept = false;
        NotAsked = 0;
        foreach (Chain chain in chains)
        {
            (Question? question, string name, int place) = Unanswered(chain);
            if (question is null || _givenUp.Contains(name))
            {
                NotAsked += chain.Later.Count - place;
                continue;
            }

            if (!taken.Add(name))
            {
                continue;
            }

            Usd reserved = price.AtMost(question, question.Parameters.MaxTokens ?? 0);
            if (ceiling is { } most && spent + reserved > most)
            {
                kept = true;
                continue;
            }

            spent += reserved;
            _sent[name] = _sent.GetValueOrDefault(name) + 1;
            next.Add((question, reserved));
        }

        return (next, kept);
    }

    /// <summary>Batches of at most so many questions and bytes.</summary>
    public static IEnumerable<IReadOnlyList<(Question, Usd)>> Cut(IReadOnlyList<(Question Question, Usd Reserved)> questions, BatchOptions sizes)
    {
        List<(Question, Usd)> part = [];
        long bytes = 0;
        foreach ((Question question, Usd reserved) in questions)
        {
            long more = question.Body().Length + Around;
            if (part.Count > 0 && (part.Count == sizes.MostQuestions || bytes + more > sizes.MostBytes))
            {
                yield return part;
                (part, bytes) = ([], 0);
            }

            part.Add((question, reserved));
            bytes += more;
        }

        yield return part;
    }

    /// <summary>A chain's first question without an answer, with its hash; null where all have one, or nothing is built on the last.</summary>
    (Question? Question, string Name, int Place) Unanswered(Chain chain)
    {
        Question question = chain.First;
        for (int place = 0; ; place++)
        {
            byte[] key = question.Key();
            string name = Convert.ToHexStringLower(key);
            bool isNew = _met.Add(name);
            if (!store.Find(key).Answered)
            {
                return (question, name, place);
            }

            Before += isNew && !_answered.Contains(name) ? 1 : 0;
            if (place == chain.Later.Count || chain.After(question, store.Reply(key), place) is not { } later)
            {
                return (null, name, place);
            }

            question = later;
        }
    }
}
