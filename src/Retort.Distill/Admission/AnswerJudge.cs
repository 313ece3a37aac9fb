using Microsoft.Extensions.AI;
using Retort.Asking;
using Retort.Evidence.Terms;

namespace Retort.Distill;

/// <summary>What a judge said of an answer.</summary>
/// <param name="Score">The mean of its verdicts; null where fewer than half of them came and can be read.</param>
/// <param name="Said">Why there is none; empty where there is.</param>
public sealed record JudgeVerdict(double? Score, string Said);

/// <summary>
/// Has answers judged: each is a question to the judge, kept in the same store as the teacher's answers, so that none is paid for twice, a stopped run goes on,
/// and the money's ceiling holds for both. Known of judges in general, and not undone here: they favour long answers and those of their own kin.
/// </summary>
public sealed class AnswerJudge(JudgeRecipe recipe)
{
    readonly string _rubric = recipe.ReadRubric();

    /// <summary>Whether the judge's terms let it be asked.</summary>
    /// <param name="own">What its endpoint itself says; null where that was not read.</param>
    /// <exception cref="UserError">A declared entry is not in the register.</exception>
    public TermsVerdict Check(TermsRegister register, DateOnly today, IReadOnlyList<TermsPermission>? permissions = null, PolicyReading? own = null) =>
        TermsGate.Check(register, [new(TermsRole.Judge, UsedModel.Of(recipe.Model.ToString(), register), TermsPurpose.Ask, recipe.Terms, own)], today, permissions: permissions);

    /// <summary>A warning where judge and teacher are of one family by their names; null where they are not.</summary>
    public string? Kin(Endpoint teacher)
    {
        static string Family(Endpoint e) => string.Concat(e.Model.Split('/')[^1].TakeWhile(char.IsLetter)).ToLowerInvariant();
        string own = Family(recipe.Model);
        return own.Length > 0 && own == Family(teacher) ? $"the judge {recipe.Model.Model} and the teacher {teacher.Model} are of one family, {own}: judges favour their own, so their scores are too high" : null;
    }

    /// <summary>The most that judging some answers costs, were nothing of it paid yet.</summary>
    public Usd AtMost(IReadOnlyList<AdmittedAnswer> answers, Price price) => answers.Aggregate(default(Usd), (sum, a) => sum + price.AtMost(Question(a), recipe.MaxTokens));

    /// <summary>Asks for all verdicts that are not in the store yet.</summary>
    /// <param name="answers">Those that every filter before the judge's admits: <see cref="Admission.Of(IReadOnlyList{StoredAnswer}, AdmissionRules, AdmissionEvidence, Exclusion?)"/> up to <see cref="Exclusion.Unjudged"/>.</param>
    /// <param name="terms">The open verdict on its terms; it is written down with every question.</param>
    /// <param name="client">A <see cref="RemoteModel"/> of the judge's endpoint, or any other client.</param>
    /// <param name="options">As the teacher's: ceiling, attempts, pace.</param>
    /// <exception cref="UserError">The store cannot be written.</exception>
    public Task<AskResult> Ask(IReadOnlyList<AdmittedAnswer> answers, TermsVerdict.Open terms, IChatClient client, Transcripts store, Price price, AskOptions options, TimeProvider time, Action<AskFacts>? onProgress, CancellationToken stop) =>
        Asker.Ask(answers.Select(Question), client, store, price, options with { InFlight = recipe.InFlight, Terms = terms.Uses[0].Basis }, time, onProgress, stop);

    /// <summary>The verdicts that a store holds.</summary>
    /// <param name="stored">All that it holds.</param>
    /// <returns>By the answer's id, one for each of them.</returns>
    public IReadOnlyDictionary<string, JudgeVerdict> Read(IReadOnlyList<AdmittedAnswer> answers, IReadOnlyList<StoredAnswer> stored)
    {
        ILookup<string, StoredAnswer> verdicts = stored.ToLookup(s => s.QuestionId, StringComparer.Ordinal);
        return answers.ToDictionary(a => a.Answer.Id, a => One([.. verdicts[Convert.ToHexStringLower(Question(a).Key())]]), StringComparer.Ordinal);
    }

    JudgeVerdict One(IReadOnlyList<StoredAnswer> said)
    {
        double[] scores = [.. said.Take(recipe.Samples).Where(s => s.Choice.Finish is null or "stop").Select(s => JudgePrompt.Score(s.Choice.Text, recipe.Scale)).OfType<double>()];
        return scores.Length > 0 && scores.Length * 2 >= recipe.Samples ? new(scores.Average(), "")
            : new(null, said.Count == 0 ? "there is no verdict" : $"{said.Count - scores.Length} of {said.Count} verdicts cannot be read: {JsonFields.Short(said[0].Choice.Text)}");
    }

    Question Question(AdmittedAnswer a) => new(recipe.Model, JudgePrompt.Of(_rubric, recipe.Scale, a.Asked.Turns, a.Reply), new(recipe.MaxTokens, recipe.Temperature, Count: recipe.Samples));
}
