using System.Globalization;
using System.Text.Json;
using Retort.Asking;
using Retort.Evidence.Terms;
using Retort.Model.Chat;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Steps 1 and 2 where a teacher is asked: terms, questions, and which answers become documents.</summary>
public sealed partial class DistillJob
{
    const string ExcludedFile = "excluded.jsonl";

    string StorePath => Path.Combine(_options.Out, CollectJob.StoreFile);

    /// <summary>Whether all models and text the run would use may be trained with; null where they may.</summary>
    /// <param name="obligations">What the student's papers will have to meet.</param>
    TermsVerdict.Closed? CheckTerms(out IReadOnlyList<Obligation> obligations)
    {
        obligations = [];
        if (_options.Register is not { } register)
        {
            return null;
        }

        TermsUse Use(TermsRole role, string reference, string? declared) => new(role, UsedModel.Of(reference, register), TermsPurpose.Train, declared);
        List<TermsUse> uses = [];
        if (_recipe.Teacher is { } teacher)
        {
            uses.Add(Use(TermsRole.Teacher, teacher, _recipe.Terms.Teacher));
            if (_recipe.Ask?.Grow is not null)
            {
                uses.Add(Use(TermsRole.PromptGrower, teacher, _recipe.Terms.Teacher));
            }

            if (_recipe.Student is StudentRecipe.TeacherLayers)
            {
                uses.Add(Use(TermsRole.BaseModel, teacher, _recipe.Terms.Teacher));
            }
        }

        if (_recipe.Student is StudentRecipe.From from)
        {
            uses.Add(Use(TermsRole.BaseModel, from.Reference, _recipe.Terms.Student));
        }

        if (_recipe.Data.Sample is { } sample)
        {
            uses.Add(Use(TermsRole.SeedData, "sample:" + sample, null));
        }

        TermsVerdict verdict = TermsGate.Check(register, uses, Today, permissions: _recipe.Terms.Granted(register));
        obligations = (verdict as TermsVerdict.Open)?.Obligations ?? [];
        return verdict as TermsVerdict.Closed;
    }

    DateOnly Today => DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime);

    /// <summary>Asks an endpoint what has no answer yet; null where nothing is to be asked.</summary>
    CollectResult.Asked? Ask()
    {
        if (_recipe.Ask is not { } ask || !_options.Ask || _options.Dataset is not null || File.Exists(Path.Combine(_options.Out, DocumentsFile)))
        {
            return null;
        }

        Forecast? forecast = null;
        CollectResult result = CollectJob.Run(
            ask, new(_options.Out, _options.Register!, _options.Environment ?? (_ => null), _options.Client, _options.Ledger), f => forecast = f,
            f => _progress(new("ask the teacher", forecast is { Left: > 0 } all ? (double)(f.Answered + f.GivenUp) / all.Left : 1, AskProgress.Line(f))), _time, _stop).GetAwaiter().GetResult();
        return result switch
        {
            CollectResult.Asked { End: AskEnd.Stopped } => throw new OperationCanceledException(_stop),
            CollectResult.Asked asked => asked,
            _ => throw new InvalidOperationException("The gate that opened for training closed for asking."),
        };
    }

    /// <summary>The admitted answers as documents, split by question. What a resumed run finds in its folder stays as it is.</summary>
    Corpus Admitted(AskRecipe ask)
    {
        string made = Path.Combine(_options.Out, DocumentsFile);
        if (File.Exists(made))
        {
            return DatasetFile.Read(made);
        }

        Dictionary<string, (int Place, Prompt Prompt)> asked;
        StoredAnswer[] answers;
        using (Transcripts store = Transcripts.Open(StorePath, _time))
        {
            // In the order of the prompts, not in the one in which they came to be asked: the split follows from it.
            asked = CollectJob.Questions(ask, _options.Out, store).Index().ToDictionary(q => Convert.ToHexString(q.Item.Question.Key()), q => (q.Index, q.Item.Prompt), StringComparer.Ordinal);
            answers = [.. store.Answers().Where(a => asked.ContainsKey(Convert.ToHexString(a.Key))).OrderBy(a => asked[Convert.ToHexString(a.Key)].Place).ThenBy(a => a.Place)];
        }

        Admission admission = Admission.Of(answers);
        AtomicFile.WriteAllBytes(Path.Combine(_options.Out, ExcludedFile), admission.List());
        _manifest.Add("admit", new Dictionary<string, string> { ["recipe"] = _trainingHash }, ExcludedFile);
        Func<IReadOnlyList<Turn>, (string Text, bool Laid)> layout = PromptLayout();
        Document[] documents =
        [
            .. admission.Admitted.Select(a =>
            {
                Prompt prompt = asked[Convert.ToHexString(a.Answer.Key)].Prompt;
                (string text, bool laid) = layout(prompt.Turns);
                return new Document(text, a.Text + Corpus.End, "prompt", prompt.Gold is { } gold ? DatasetFile.GoldScore(gold) : null, prompt.Gold) { Laid = laid, Id = a.Answer.Id };
            }),
        ];
        return Corpus.SplitByPrompt(documents, _recipe.Data, string.Create(CultureInfo.InvariantCulture, $"{answers.Length:n0} answers of {ask.Teacher.Model}, {admission.Admitted.Count:n0} of them admitted"));
    }

    /// <summary>How the student will be given a conversation: by its own template, or as bare text.</summary>
    Func<IReadOnlyList<Turn>, (string, bool)> PromptLayout()
    {
        if (_recipe.Student is not StudentRecipe.From from)
        {
            return turns => (string.Join('\n', turns.Select(t => t.Text)), false);
        }

        (LlamaConfig config, string? tokenizer) = Frozen is { } frozen ? (frozen.Weights.Config, frozen.TokenizerPath) : ModelReference.Open(from.Reference) is var open ? (open.Weights.Config, open.TokenizerPath) : default;
        ChatLayout layout = ChatLayout.Of(from.Reference, config, Tokenizer.Open(tokenizer ?? throw new UserError("there is no tokenizer beside the student", from.Reference, "Put its tokenizer.json into the folder.")), _time);
        return turns => (layout.Text(JsonSerializer.SerializeToElement(turns.Select(t => new { role = t.Role, content = t.Text }))), layout.HasTemplate);
    }

    /// <summary>The twin's text and the verdict's: gold answers where the prompts have them, and for the twin other text where the recipe names it.</summary>
    RunData BesideAskedTeacher(Corpus corpus, Tokenizer tokenizer, Dataset train, Dataset heldOut, Func<IReadOnlyList<Document>, string, Dataset> pack)
    {
        static Document[] Gold(IReadOnlyList<Document> documents) => [.. documents.Select(d => d.AsGold).OfType<Document>().DistinctBy(d => d.Prompt)];
        Document[] tested = Gold(corpus.HeldOut), validated = Gold(corpus.Validation), learned = _recipe.Twin is null ? [] : TwinText(corpus) ?? Gold(corpus.Train);
        bool gold = tested.Length > 1;

        // Before the folder is taken: a run that is refused leaves it free for one with another recipe.
        _served = _recipe.Signal.Kind == "top_k" && _options.Dataset is null && !File.Exists(Path.Combine(_options.Out, SignalsFile)) ? Checked(corpus.Train, _recipe.Ask!) : null;
        return new(
            corpus, tokenizer, train, learned.Length > 0 ? pack(learned, "twin") : null, pack(gold && validated.Length > 0 ? validated : corpus.Validation, "data.validation"), gold ? pack(tested, "data.held_out") : heldOut,
            gold ? tested : corpus.HeldOut, gold ? heldOut : null, !gold, learned.Length > 0);
    }

    /// <summary>Text of the recipe's twin without what the run tests on; null where it names none.</summary>
    Document[]? TwinText(Corpus corpus)
    {
        if (_recipe.Twin is not { } twin || (twin.Prompts ?? twin.Text) is not { } files)
        {
            return null;
        }

        HashSet<string> held = [.. corpus.HeldOut.Concat(corpus.Validation).Select(d => d.Prompt)];
        return [.. files.SelectMany(f => twin.Prompts is null ? Corpus.ReadText(f) : Corpus.ReadPrompts(f)).Where(d => d.Prompt.Length == 0 || !held.Contains(d.Prompt))];
    }
}
