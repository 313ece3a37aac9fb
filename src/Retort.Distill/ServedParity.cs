using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>How far served probabilities are from those of the same model at hand.</summary>
/// <param name="Tokens">Places compared.</param>
/// <param name="Largest">Largest difference of any listed token's log-probability, nats.</param>
/// <param name="Worst">The answer it stands in; null where nothing was compared.</param>
/// <param name="Over">Places that differ by more than <see cref="Tolerance"/>.</param>
public sealed record ServedParity(long Tokens, double Largest, string? Worst, long Over)
{
    /// <summary>Nats.</summary>
    public const double Tolerance = 1e-3;

    const int L = MatMul.L, Batch = 8;

    /// <summary>Runs the model over questions and answers and compares, place by place.</summary>
    /// <param name="answers">An answer's id, the tokens of its question, and its served tokens.</param>
    /// <param name="progress">Rows done, and all.</param>
    public static ServedParity Measure(
        LlamaWeights teacher, Tokenizer tokenizer, IReadOnlyList<(string Id, int[] Prompt, IReadOnlyList<ServedToken> Tokens)> answers, Workers workers, Action<int, int> progress, CancellationToken stop)
    {
        TokensByBytes ids = new(tokenizer, teacher.Config.Vocabulary);
        int[] Ids(IReadOnlyList<ServedToken> tokens) => [.. tokens.Select(t => ids.Written(t.Bytes) ?? -1)];
        (string Id, int[] Prompt, IReadOnlyList<ServedToken> Tokens, int[] Answer)[] known = [.. answers.Select(a => (a.Id, a.Prompt, a.Tokens, Ids(a.Tokens))).Where(a => a.Item4.Length > 0 && !a.Item4.Contains(-1))];
        int longest = known.Select(k => k.Prompt.Length + k.Answer.Length).DefaultIfEmpty(1).Max(), length = Math.Min(teacher.Config.Context / L * L, (longest + L - 1) / L * L);
        RowPacking packing = new(length, maskPrompts: true);
        foreach ((string _, int[] prompt, IReadOnlyList<ServedToken> _, int[] answer) in known)
        {
            packing.Add(prompt, answer);
        }

        Tally tally = new();
        IReadOnlyList<RowPacking.Row> rows = packing.Rows;
        int blocks = length / L;
        LlamaActivations a = new(teacher.Config, Batch, blocks, workers, keep: false);
        LlamaHead head = new(teacher.Config, a.Blocks, workers, teacher: false);
        int[] tokens = new int[Batch * length], starts = new int[Batch * length];
        a.Starts = starts;
        for (int first = 0; first < rows.Count; first += Batch)
        {
            stop.ThrowIfCancellationRequested();
            Dictionary<int, (string Id, ServedToken Token)> places = [];
            Array.Clear(tokens);
            Array.Clear(starts);
            for (int r = 0; r < Math.Min(Batch, rows.Count - first); r++)
            {
                RowPacking.Row row = rows[first + r];
                row.Tokens.CopyTo(tokens, r * length);
                row.Starts.CopyTo(starts, r * length);
                foreach ((int document, int start, int prompt, int answer) in row.Places)
                {
                    for (int i = prompt == 0 ? 1 : 0; i < answer; i++)
                    {
                        places[(r * length) + start + prompt + i - 1] = (known[document].Id, known[document].Tokens[i]);
                    }
                }
            }

            LlamaForward.Run(teacher, a, tokens, workers);
            head.Run(teacher, a, null, null, null, static _ => true, (block, z, _) =>
            {
                for (int l = 0; l < L; l++)
                {
                    if (places.TryGetValue((block * L) + l, out (string Id, ServedToken Token) place))
                    {
                        float[] logits = new float[teacher.Config.Vocabulary];
                        for (int i = 0; i < logits.Length; i++)
                        {
                            logits[i] = z[(i * L) + l];
                        }

                        tally.Add(place.Id, Difference(place.Token, logits, ids));
                    }
                }
            }, workers);
            progress(Math.Min(rows.Count, first + Batch), rows.Count);
        }

        return tally.Result();
    }

    /// <summary>The largest difference of the listed tokens; of several with the same bytes the nearest counts, for nothing says which was meant.</summary>
    static double Difference(ServedToken token, float[] logits, TokensByBytes ids)
    {
        double max = logits.Max(), norm = max + Math.Log(logits.Sum(z => Math.Exp(z - max)));
        return token.Top.Append((token.Bytes, token.LogProbability)).Max(t => ids.All(t.Item1).Select(i => Math.Abs(logits[i] - norm - t.Item2)).DefaultIfEmpty(double.PositiveInfinity).Min());
    }

    /// <summary>Takes differences from several threads.</summary>
    sealed class Tally
    {
        readonly Lock _lock = new();
        long _tokens, _over;
        double _largest;
        string? _worst;

        public void Add(string id, double difference)
        {
            lock (_lock)
            {
                _tokens++;
                _over += difference > Tolerance ? 1 : 0;

                // The lower id among equals, so that the order of threads does not show.
                if (_worst is null || difference > _largest || (difference == _largest && string.CompareOrdinal(id, _worst) < 0))
                {
                    (_largest, _worst) = (difference, id);
                }
            }
        }

        public ServedParity Result() => new(_tokens, _largest, _worst, _over);
    }
}
