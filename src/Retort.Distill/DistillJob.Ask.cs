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
    string StorePath => Path.Combine(_options.Out, CollectJob.StoreFile);

    /// <summary>Whether all models and text the run would use may be trained with; null where they may. What endpoints say themselves is taken as it was read when they were last
    /// asked: nothing is sent.</summary>
    /// <param name="obligations">What the student's papers will have to meet.</param>
    TermsVerdict.Closed? CheckTerms(out IReadOnlyList<Obligation> obligations)
    {
        obligations = [];
        if (_options.Register is not { } register)
        {
            return null;
        }

        using Transcripts? store = _recipe.Ask is not null && File.Exists(StorePath) ? Transcripts.Open(StorePath, _time) : null;
        TermsUse Use(TermsRole role, string reference, string? declared) => new(role, UsedModel.Of(reference, register), TermsPurpose.Train, declared, Endpoint.Is(reference) ? store?.Policy(Endpoint.Parse(reference)) : null);
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

        if (_recipe.Admit.Judge is { } judge)
        {
            uses.Add(Use(TermsRole.Judge, judge.Model.ToString(), judge.Terms) with { Purpose = TermsPurpose.Ask });
        }

        TermsVerdict verdict = TermsGate.Check(register, uses, Today, permissions: _recipe.Terms.Granted(register));
        obligations = (verdict as TermsVerdict.Open)?.Obligations ?? [];
        _terms = verdict is TermsVerdict.Open open ? RunTerms.Of(open) : null;
        return verdict as TermsVerdict.Closed;
    }

    DateOnly Today => DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime);

    /// <summary>Asks an endpoint what has no answer yet; null where nothing is to be asked.</summary>
    CollectResult? Ask()
    {
        if (_recipe.Ask is not { } ask || !_options.Ask || _options.Dataset is not null || File.Exists(Path.Combine(_options.Out, DocumentsFile)))
        {
            return null;
        }

        Forecast? forecast = null;
        CollectResult result = CollectJob.Run(
            ask, new(_options.Out, _options.Register!, _options.Environment ?? (_ => null), _options.Client, _options.Ledger) { Beside = _recipe.Admit.Judge is { } judge ? [new(TermsRole.Judge, judge.Model, judge.Terms, judge.Key)] : [] }, f =>
            {
                forecast = f;
                _options.OnForecast?.Invoke(f);
            },
            f => _progress(new("ask the teacher", forecast is { Left: > 0 } all ? (double)(f.Answered + f.GivenUp) / all.Left : 1, AskProgress.Line(f))), _time, _stop).GetAwaiter().GetResult();
        return result is CollectResult.Asked { End: AskEnd.Stopped } ? throw new OperationCanceledException(_stop) : result;
    }

    /// <summary>How the student will be given a conversation: by its own template, or as bare text.</summary>
    Func<IReadOnlyList<Turn>, (string, bool)> PromptLayout()
    {
        if (_recipe.Student is not StudentRecipe.From from)
        {
            return turns => (string.Join('\n', turns.Select(t => t.Text)), false);
        }

        LlamaConfig config = Frozen?.Weights.Config ?? ModelReference.Open(from.Reference).Weights.Config;
        ChatLayout layout = ChatLayout.Of(from.Reference, config, OwnTokenizer(from), _time);
        return turns => (layout.Text(JsonSerializer.SerializeToElement(turns.Select(t => new { role = t.Role, content = t.Text }))), layout.HasTemplate);
    }

    /// <summary>The twin's text and the verdict's: gold answers where the prompts have them, and for the twin other text where the recipe names it.</summary>
    RunData BesideAskedTeacher(Corpus corpus, Tokenizer tokenizer, Dataset train, Dataset heldOut, Func<IReadOnlyList<Document>, string, Dataset> pack)
    {
        static Document[] Gold(IReadOnlyList<Document> documents) => [.. documents.Select(d => d.AsGold).OfType<Document>().DistinctBy(d => d.Prompt)];
        Document[] tested = Gold(corpus.HeldOut), validated = Gold(corpus.Validation), learned = _recipe.Twin is null ? [] : TwinText(corpus) ?? Gold(corpus.Train);
        bool gold = tested.Length > 1;
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
        return [.. files.SelectMany(f => twin.Prompts is null ? Corpus.ReadText(f) : Corpus.ReadPrompts(f)).Where(d => d.Prompt.Length == 0 || !held.Contains(d.Prompt)).Select(d => d.Prompt.Length == 0 ? d : _task is null ? d : _task.Of(d, ownGold: true)).OfType<Document>()];
    }
}
