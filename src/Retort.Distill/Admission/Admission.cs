using System.Text.Encodings.Web;
using System.Text.Json;
using Retort.Asking;

namespace Retort.Distill;

/// <summary>Words that an answer's row shares with an evaluation, whether it is left out for them or not.</summary>
public sealed record RowOverlap(StoredAnswer Answer, Overlap Shared);

/// <summary>Which answers of a store are trained on, and why the others are not: each answer is in one of the two lists.</summary>
/// <param name="Admitted">In the store's order.</param>
/// <param name="Excluded">In the store's order.</param>
/// <param name="Compared">Rows compared with the evaluation sets: those that no filter before took out.</param>
/// <param name="Overlaps">What they share, a set, length and side once a row.</param>
public sealed record Admission(IReadOnlyList<AdmittedAnswer> Admitted, IReadOnlyList<Excluded> Excluded, int Compared, IReadOnlyList<RowOverlap> Overlaps)
{
    static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Answers admitted by what holds without a recipe.</summary>
    public static Admission Of(IReadOnlyList<StoredAnswer> answers) => Of(answers, AdmissionRules.Default, AdmissionEvidence.None);

    /// <summary>
    /// Passes the answers through the filters in the order of <see cref="Exclusion"/>; each is left out for the first that takes it. What an answer says is
    /// looked at without its reasoning, but for contamination, which looks at all that is trained on. The order of the answers changes nothing but which of the
    /// right ones to a question is its first, which of equal scores is its best, and which of repetitions stays.
    /// </summary>
    /// <param name="before">Stops before this filter: what it would look at is admitted, so that a judge or a runner is given nothing else. Null for all.</param>
    public static Admission Of(IReadOnlyList<StoredAnswer> answers, AdmissionRules rules, AdmissionEvidence evidence, Exclusion? before = null)
    {
        AdmissionRow[] all = [.. answers.Select(a => AdmissionRow.Of(a, rules.Recipe))];
        List<RowOverlap> overlaps = [];
        int compared = 0;
        Dictionary<AdmissionRow, Fault> faults = new(ReferenceEqualityComparer.Instance);
        IReadOnlyList<AdmissionRow> left = all;
        foreach (Filter filter in Filters().Where(f => before is null || f.First < before))
        {
            List<AdmissionRow> kept = [];
            foreach ((AdmissionRow row, Fault? fault) in left.Zip(filter.Faults(left)))
            {
                if (fault is not null)
                {
                    faults.Add(row, fault);
                }
                else
                {
                    kept.Add(row);
                }
            }

            left = kept;
        }

        return new([.. left.Select(r => r.Admitted(rules.Recipe, evidence))], [.. all.Where(faults.ContainsKey).Select(r => new Excluded(r.Answer, faults[r].Why, faults[r].Detail))], compared, overlaps);

        IEnumerable<Filter> Filters() =>
        [
            new(Exclusion.Refused, rows => EndpointFilters.Faults(rows, rules.Recipe)),
            new(Exclusion.Empty, rows => rows.Select(r => TextFilters.Fault(r, rules))),
            new(Exclusion.Contaminated, rows => rows.Select(Contaminated)),
            new(Exclusion.NoGold, rows => rows.Select(r => CheckFilters.Gold(r, rules.Recipe.Gold, evidence))),
            new(Exclusion.NotFirst, rows => CheckFilters.First(rows, rules.Recipe.Gold)),
            new(Exclusion.Unjudged, rows => rows.Select(r => CheckFilters.Judged(r, rules.Recipe.Judge, evidence))),
            new(Exclusion.NotBest, rows => CheckFilters.Best(rows, rules.Recipe.Judge, evidence)),
            new(Exclusion.NearDuplicate, rows => TextFilters.Repeated(rows, rules.Recipe.NearDuplicate, rules.Task)),
        ];

        Fault? Contaminated(AdmissionRow row)
        {
            if (rules.Contamination is not { } contamination)
            {
                return null;
            }

            compared++;
            IReadOnlyList<Overlap> shared = contamination.Of(row.Question, row.Trained);
            overlaps.AddRange(shared.Select(s => new RowOverlap(row.Answer, s)));
            return shared.Where(s => s.Gram >= rules.Recipe.Contamination.Exclude).MaxBy(s => s.Gram) is { } most ? new(Exclusion.Contaminated, most.Sentence) : null;
        }
    }

    /// <summary>What is left out, as JSON lines.</summary>
    public byte[] List() => Lines(Excluded.Select(e => new { id = e.Answer.Id, why = Snake(e.Why), detail = e.Detail, model = e.Answer.Returned, finish = e.Answer.Choice.Finish }));

    /// <summary>What rows share with evaluation sets, left out for it or not, as JSON lines.</summary>
    public byte[] OverlapList() => Lines(Overlaps.Select(o => new { id = o.Answer.Id, set = o.Shared.Set, item = o.Shared.Item, gram = o.Shared.Gram, side = o.Shared.InAnswer ? "answer" : "question", words = o.Shared.Words }));

    static string Snake(Exclusion why) => JsonNamingPolicy.SnakeCaseLower.ConvertName(why.ToString());

    static byte[] Lines(IEnumerable<object> rows) => [.. rows.SelectMany(r => JsonSerializer.SerializeToUtf8Bytes(r, s_json).Append((byte)'\n'))];
}

/// <summary>Why a row is left out.</summary>
sealed record Fault(Exclusion Why, string? Detail = null);

/// <summary>A step of admission.</summary>
/// <param name="First">The first of the reasons it may give.</param>
/// <param name="Faults">For each row in turn what is wrong with it; null where nothing is.</param>
sealed record Filter(Exclusion First, Func<IReadOnlyList<AdmissionRow>, IEnumerable<Fault?>> Faults);

/// <summary>An answer under admission.</summary>
/// <param name="Question">All turns of its question.</param>
/// <param name="Trace">Its reasoning; null where that does not end.</param>
/// <param name="Reply">The rest.</param>
/// <param name="Trained">What of it would be trained on.</param>
sealed record AdmissionRow(StoredAnswer Answer, AskedQuestion Asked, string Question, string? Trace, string Reply, string Trained)
{
    public static AdmissionRow Of(StoredAnswer answer, AdmitRecipe recipe)
    {
        AskedQuestion asked = AskedQuestion.Read(answer.Body);
        string text = recipe.KeepRefusals && string.IsNullOrWhiteSpace(answer.Choice.Text) ? answer.Choice.Refusal ?? "" : answer.Choice.Text;
        (string? trace, string reply) = ReasoningTrace.Split(text) is { } parts ? (parts.Trace, parts.Reply) : ((string?)null, text);
        trace = trace is { Length: 0 } && !string.IsNullOrWhiteSpace(answer.Choice.Reasoning) ? ReasoningTrace.Block(answer.Choice.Reasoning) : trace;
        return new(answer, asked, string.Join("\n\n", asked.Turns.Select(t => t.Text)), trace, reply, recipe.Reasoning == "drop" ? reply : trace + reply);
    }

    public AdmittedAnswer Admitted(AdmitRecipe recipe, AdmissionEvidence evidence) =>
        new(Answer, Asked, recipe.Reasoning == "drop" ? "" : Trace ?? "", Reply, recipe.Reasoning == "mask" && Trace is { Length: > 0 }, evidence.Judged.GetValueOrDefault(Answer.Id)?.Score);
}
