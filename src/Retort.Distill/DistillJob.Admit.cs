using System.Globalization;
using System.Text.Json;
using Retort.Asking;
using Retort.Evidence.Terms;

namespace Retort.Distill;

/// <summary>Step 2 where a teacher was asked: which of its answers are trained on.</summary>
public sealed partial class DistillJob
{
    const string ExcludedFile = "excluded.jsonl", OverlapsFile = "overlaps.jsonl", AdmissionFile = "admission.json";

    /// <summary>The admitted answers as documents, split by question. What a resumed run finds in its folder stays as it is.</summary>
    Corpus Admitted(AskRecipe ask)
    {
        string made = Path.Combine(_options.Out, DocumentsFile), facts = Path.Combine(_options.Out, AdmissionFile);
        if (File.Exists(made) && File.Exists(facts))
        {
            _admission = JsonSerializer.Deserialize<AdmissionFacts>(File.ReadAllBytes(facts));
            return DatasetFile.Read(made);
        }

        Dictionary<string, (int Place, Prompt Prompt)> asked;
        StoredAnswer[] answers;
        using (Transcripts store = Transcripts.Open(StorePath, _time))
        {
            // In the order of the prompts, not in the one in which they came to be asked: the split follows from it.
            asked = CollectJob.Questions(ask, _options.Out, store).Index().ToDictionary(q => Convert.ToHexStringLower(q.Item.Question.Key()), q => (q.Index, q.Item.Prompt), StringComparer.Ordinal);
            answers = [.. store.Answers().Where(a => asked.ContainsKey(a.QuestionId)).OrderBy(a => asked[a.QuestionId].Place).ThenBy(a => a.Place)];
        }

        AdmissionRules rules = AdmissionRules.Of(_recipe.Admit).For(_task);
        Dictionary<string, string> gold = asked.Where(q => q.Value.Prompt.Gold is not null).ToDictionary(q => q.Key, q => q.Value.Prompt.Gold!, StringComparer.Ordinal);
        Admission admission = Admission.Of(answers, rules, Evidence(answers, rules, gold, ask));
        List(admission, rules, null);
        string Source() => string.Create(CultureInfo.InvariantCulture, $"{answers.Length:n0} answers of {string.Join(" and ", ask.Teachers.Select(t => t.Model.Model))}, {admission.Admitted.Count:n0} of them admitted");
        AdmittedAnswer[] failed = HasRightAnswers ? [.. Failed(admission, gold)] : [];
        Corpus corpus = Split(admission, failed, asked, Source());
        if (!rules.Recipe.Contamination.HeldOut)
        {
            return corpus;
        }

        HeldOutCheck check = HeldOutCheck.Of(admission, failed, Ids(corpus.HeldOut), Ids(corpus.Train), gold, rules.Recipe.Contamination, [.. answers.Select(a => a.Id)]);
        List(admission = check.Admission, rules, check.Facts);
        HashSet<string> left = [.. admission.Admitted.Select(a => a.Answer.Id)];
        corpus = corpus with { Train = [.. corpus.Train.Where(d => left.Contains(d.Id!))], Source = Source() };
        return corpus.Train.Count > 0 ? corpus
            : throw new UserError("every answer to train on shares words with what is held out", Path.Combine(_options.Out, ExcludedFile), "Read there what they share; admit.contamination.held_out: false trains on them all the same.");

        static HashSet<string> Ids(IReadOnlyList<Document> documents) => [.. documents.Select(d => d.Id!)];
    }

    /// <summary>Writes down what is left out and why.</summary>
    void List(Admission admission, AdmissionRules rules, ContaminationFacts? own)
    {
        AtomicFile.WriteAllBytes(Path.Combine(_options.Out, ExcludedFile), admission.List());
        AtomicFile.WriteAllBytes(Path.Combine(_options.Out, OverlapsFile), admission.OverlapList());
        AtomicFile.WriteAllBytes(Path.Combine(_options.Out, AdmissionFile), JsonSerializer.SerializeToUtf8Bytes(_admission = AdmissionFacts.Of(admission, rules, own)));
        _manifest.Add("admit", new Dictionary<string, string> { ["recipe"] = _trainingHash }, ExcludedFile, OverlapsFile, AdmissionFile);
    }

    /// <summary>Whether the prompts' gold is answers; it may be tests for code.</summary>
    bool HasRightAnswers => _recipe.Admit.Gold?.Code is null;

    /// <summary>The documents, each judged as the recipe says right answers are told.</summary>
    Corpus WithScores(Corpus corpus)
    {
        Document[] Scored(IReadOnlyList<Document> documents) => [.. documents.Select(d => d.Gold is { } gold ? d with { Score = _recipe.Admit.Gold is { Code: null } check ? told => GoldCheck.Fault(check, told, gold) is null ? 1 : 0 : DatasetFile.GoldScore(gold) } : d)];
        return corpus with { Train = Scored(corpus.Train), Validation = Scored(corpus.Validation), HeldOut = Scored(corpus.HeldOut) };
    }

    /// <summary>Answers that were left out for what they are and whose question has a right answer: tested on questions it got right alone, a teacher would
    /// never be wrong, and a student be asked nothing hard.</summary>
    IEnumerable<AdmittedAnswer> Failed(Admission admission, Dictionary<string, string> gold) => admission.Excluded
        .Where(e => gold.ContainsKey(e.Answer.QuestionId) && e.Why is Exclusion.Refused or Exclusion.Empty or Exclusion.Unfinished or Exclusion.RefusedInWords or Exclusion.Length or Exclusion.Schema or Exclusion.OutsideTask or Exclusion.Pattern or Exclusion.Wrong or Exclusion.Unjudged or Exclusion.BelowThreshold)
        .Select(e => AdmissionRow.Of(e.Answer, _recipe.Admit).Admitted(_recipe.Admit, AdmissionEvidence.None));

    /// <summary>Admitted answers as documents: to train on, to validate and to test on.</summary>
    /// <param name="failed">To test on alone.</param>
    Corpus Split(Admission admission, AdmittedAnswer[] failed, Dictionary<string, (int Place, Prompt Prompt)> asked, string source)
    {
        Func<IReadOnlyList<Turn>, (string Text, bool Laid)> layout = PromptLayout();
        Document[] documents =
        [
            .. admission.Admitted.Select(a => (Answer: a, Untaught: false)).Concat(failed.Select(a => (Answer: a, Untaught: true))).OrderBy(a => asked[a.Answer.Answer.QuestionId].Place).ThenBy(a => a.Answer.Answer.Place).Select(row =>
            {
                AdmittedAnswer a = row.Answer;
                Prompt prompt = asked[a.Answer.QuestionId].Prompt;
                (string text, bool laid) = layout(prompt.Turns);
                return new Document(text, (a.MaskTrace ? a.Reply : a.Text) + Corpus.End, "prompt", null, HasRightAnswers ? prompt.Gold : null) { Laid = laid, Id = a.Answer.Id, Teacher = a.Answer.Asked.ToString(), Trace = a.MaskTrace ? a.Trace : "", Slice = prompt.Slice, Untaught = row.Untaught };
            }),
        ];
        return Original is { } original ? Corpus.SplitLike(original.Corpus, documents, _recipe.Data, source) : Corpus.SplitByPrompt(documents, _recipe.Data, source);
    }

    /// <summary>What admission goes by beside the answers: gold, what became of their code, what a judge says of those that pass all before.</summary>
    AdmissionEvidence Evidence(StoredAnswer[] answers, AdmissionRules rules, IReadOnlyDictionary<string, string> gold, AskRecipe ask)
    {
        AdmissionEvidence evidence = AdmissionEvidence.None with { Gold = gold };
        if (rules.Recipe.Gold?.Code is { } code)
        {
            CodeTests tests = CodeTests.Open(code, _time, _stop).GetAwaiter().GetResult();
            evidence = evidence with { Code = tests.Run(Admission.Of(answers, rules, evidence, before: Exclusion.NoGold).Admitted, gold, _workers.Threads, _stop).GetAwaiter().GetResult() };
        }

        return rules.Recipe.Judge is { } judge ? evidence with { Judged = Judged(judge, Admission.Of(answers, rules, evidence, before: Exclusion.Unjudged).Admitted, ask) } : evidence;
    }

    /// <summary>Asks the judge what is not judged yet, from the same money as the teacher.</summary>
    /// <exception cref="UserError">The judge has no price under a ceiling, its key is not set, or it could not be asked to the end.</exception>
    IReadOnlyDictionary<string, JudgeVerdict> Judged(JudgeRecipe recipe, IReadOnlyList<AdmittedAnswer> answers, AskRecipe ask)
    {
        AnswerJudge judge = new(recipe);
        foreach (string kin in ask.Teachers.Select(t => judge.Kin(t.Model)).OfType<string>())
        {
            _warnings.Add($"{char.ToUpperInvariant(kin[0])}{kin[1..]}.");
        }

        using Transcripts store = Transcripts.Open(StorePath, _time);
        if (_options.Ask && _options.Register is { } register)
        {
            Price? price = recipe.Price ?? (ask.Prices is { } table ? PriceTable.Read(table).For(recipe.Model, Today) : null);
            if (price is null && ask.Ceiling is not null)
            {
                throw new UserError($"there is no price for the judge {recipe.Model.Model}, and money has a ceiling", "admit.judge.price", "Give its prompt and completion in dollars for a million tokens, or add it to money.prices.");
            }

            string? key = recipe.Key is null ? null : _options.Environment?.Invoke(recipe.Key) is { Length: > 0 } value ? value : throw new UserError($"the environment variable {recipe.Key} is not set", "admit.judge.key", "Set it to the judge's key, or take the key out where none is needed.");
            TermsVerdict.Open terms = judge.Check(register, Today, _recipe.Terms.Granted(register), store.Policy(recipe.Model)) as TermsVerdict.Open ?? throw new InvalidOperationException("The gate that opened for the run closed for its judge.");
            using RemoteModel client = new(recipe.Model, key, ask.Timeout, recipe.InFlight, _time);
            AskResult result = judge.Ask(
                answers, terms, client, store, price ?? Price.Free, new(recipe.InFlight, ask.Attempts, ask.Ceiling, ask.RequestsPerMinute, ask.TokensPerMinute, Account: key is null ? null : store.Account(key)), _time,
                f => _progress(new("ask the judge", answers.Count == 0 ? 1 : (double)(f.Before + f.Answered + f.GivenUp) / answers.Count, AskProgress.Line(f))), _stop).GetAwaiter().GetResult();
            if (result.End == AskEnd.Stopped)
            {
                throw new OperationCanceledException(_stop);
            }

            if (result.End != AskEnd.Done)
            {
                throw new UserError(result.End == AskEnd.Ceiling ? "judging stopped below the ceiling: the next verdict could have passed it" : $"the judge shut us out: {result.Said}", "admit.judge", "Verdicts so far are kept. Raise money.ceiling or mend the key and run again, or go on without more of them with --no-ask.");
            }
        }

        return judge.Read(answers, store.Answers());
    }
}
