using System.Globalization;
using Retort.Asking;
using Retort.Evidence.Statistics;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Where teachers are left out of a run: what it begins with, and what leaving them out cost.</summary>
public sealed partial class DistillJob
{
    /// <summary>The run they are left out of; null where there is none, or it was never trained.</summary>
    OriginalRun? Original => _original.Value;

    /// <summary>Begins with the answers of the run that <c>ask.reuse</c> names, but for those of teachers left out.</summary>
    void BeginStore(AskRecipe ask)
    {
        if (ask.Reuse is not null)
        {
            Directory.CreateDirectory(_options.Out);
            ReusedAnswers.Begin(ask, _options.Out, new ReusedQuestions(_recipe.Admit).Keep);
        }
    }

    /// <summary>The original's students beside these, on the documents and tasks held out from both.</summary>
    /// <param name="tasks">Answered by <paramref name="student"/>.</param>
    QualityCost? AgainstOriginal(Trained trained, Measured student, RunData data, IReadOnlyList<Document> tasks)
    {
        if (Original is not { Tokenizer: { } tokenizer } original)
        {
            return null;
        }

        (int context, int its) = (_recipe.Train.Context, original.Recipe.Train.Context);
        bool mask = _recipe.Data.MaskPrompts;
        Document[] documents = [.. data.HeldOutDocuments.Where(d => !(data.TeacherText && d.Untaught) && DocumentScores.Fits(d, data.Tokenizer, context) && DocumentScores.Fits(d, tokenizer, its))];
        if (documents.Length == 0)
        {
            return null;
        }

        double[][] now = [.. trained.Students.Select(m => DocumentScores.PerByte(m, data.Tokenizer, documents, context, mask, _workers, _stop))];
        List<double[]> before = [];
        List<GoldAnswers> gold = [];
        foreach (LlamaWeights model in original.Students(_workers))
        {
            before.Add(DocumentScores.PerByte(model, tokenizer, documents, its, mask, _workers, _stop));
            gold.Add(Answered(model, tokenizer, tasks));
        }

        double[] bytes = [.. documents.Select(d => (double)DocumentScores.Bytes(d, mask))];
        double Mean(IReadOnlyList<double[]> models) => models.Average(m => m.Zip(bytes, (x, b) => x * b).Sum() / bytes.Sum());
        double? Score(IReadOnlyList<GoldAnswers> models) => tasks.Count == 0 ? null : models.Average(m => m.Scores.Average());
        List<PairedComparison> comparisons = [];
        int pairs = before.Count == 1 ? now.Length : Math.Min(before.Count, now.Length);
        if (pairs > 1 && documents.Length > 1)
        {
            comparisons.Add(PairedComparison.OfOriginal(HierarchicalBootstrap.Interval(Differences(now, before, (b, a) => b - a), bytes, _recipe.Data.Seed), Mean(before), data.TeacherText));
        }

        if (pairs > 1 && tasks.Count > 1)
        {
            double[][] scores = [.. student.Gold.Select(g => g.Scores)];
            comparisons.Insert(_recipe.Evaluate.Metric == "gold" ? 0 : comparisons.Count, PairedComparison.OfGold(HierarchicalBootstrap.Interval(Differences(scores, [.. gold.Select(g => g.Scores)], (b, a) => a - b), [], _recipe.Data.Seed), Score(gold)!.Value) with { Beside = "original" });
        }

        return new(documents.Length, Mean(before), Mean(now), tasks.Count, Score(gold), Score(student.Gold), before.Count, comparisons);

        // Seed by seed; where one original is left, that one with each.
        double[][] Differences(double[][] mine, IReadOnlyList<double[]> others, Func<double, double, double> difference) =>
            [.. Enumerable.Range(0, pairs).Select(i => others[others.Count == 1 ? 0 : i].Zip(mine[i], difference).ToArray())];
    }

    /// <summary>As this run's students answer: freely, or kept to the form of the recipe's task.</summary>
    GoldAnswers Answered(LlamaWeights model, Tokenizer tokenizer, IReadOnlyList<Document> tasks)
    {
        if (_task is not { } task)
        {
            return GoldTasks.Answer(model, tokenizer, tasks, _recipe.Evaluate.MaxTokens, _workers, _stop);
        }

        string[] texts = [.. TaskAnswers.Of(model, tokenizer, task.Form, tasks, _recipe.Evaluate.MaxTokens, _workers.Threads, _stop).Select(a => a.Text)];
        return new(texts, [.. tasks.Select((t, i) => t.Score!(texts[i]))]);
    }

    /// <summary>What leaving teachers out cost; null where none was left out.</summary>
    WithoutFacts? Without(AskedFacts? asked, QualityCost? quality, Corpus corpus)
    {
        if (_recipe.Ask is not { LeftOut: { Count: > 0 } left })
        {
            return null;
        }

        string[] teachers = [.. left.Select(t => t.Model.ToString())];
        ReusedAnswers? began = ReusedAnswers.Read(_options.Out);
        Usd spent = (asked?.Store.Spent ?? default) - (began?.Copied.Spent ?? default);
        static int Prompts(IEnumerable<Document> documents) => documents.Select(d => d.Prompt).Distinct(StringComparer.Ordinal).Count();
        RowsLost? rows = Original is { Corpus: { } before } ? new(before.Train.Count, before.Train.Count(d => teachers.Contains(d.Teacher, StringComparer.Ordinal)), corpus.Train.Count, Prompts(before.HeldOut), Prompts(corpus.HeldOut)) : null;
        return new(teachers, began?.Run, began?.Copied.LeftOut ?? 0, began?.Copied.LeftOutSpent ?? default, spent, _times.Sum(t => t.Seconds) * _workers.Threads / 3600 * _recipe.Evaluate.PricePerCoreHour, rows, quality, [.. Notes(quality, corpus)]);
    }

    IEnumerable<string> Notes(QualityCost? quality, Corpus corpus)
    {
        if (Original is not { } original)
        {
            yield return _recipe.Ask!.Reuse is { } run ? $"The run in {run} was never trained, so there is nothing to compare with." : "There is no run with these teachers, so there is nothing to compare with: ask.reuse names one.";
            yield break;
        }

        if (quality is null)
        {
            yield return original.Tokenizer is null ? "The run before has no student, so there is nothing to compare with." : "No held-out document fits a row of both students, so there is nothing to compare with.";
            yield break;
        }

        if (quality.OriginalSeeds == 1 && _recipe.Train.Seeds.Count > 1)
        {
            yield return $"Of the run before one student is there, {(original.Recipe.Train.Seeds.Count == 1 ? "its only one" : "the one it handed out, in the numbers it was handed out in")}: the interval knows nothing of the spread among its seeds.";
        }
        else if (quality.OriginalSeeds != _recipe.Train.Seeds.Count)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"The run before had {quality.OriginalSeeds} seeds and this one has {_recipe.Train.Seeds.Count}: as many as both have are compared.");
        }

        if (!original.TrainsLike(_recipe))
        {
            yield return "The recipe of the run before differs in more than the teachers left out, so the difference is not theirs alone.";
        }

        if (corpus.HeldOut.All(d => d.Gold is null))
        {
            yield return "The held-out answers are those of the teachers that are left, which favours a student of theirs alone.";
        }
    }
}
