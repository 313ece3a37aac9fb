using System.Globalization;
using Retort.Model.Grammars;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>Step 6 where teacher and student are for one task: every held-out prompt answered by every model, kept to the task's form.</summary>
public sealed partial class DistillJob
{
    /// <summary>What all models answered, before it is known what a call costs.</summary>
    sealed record TaskTrial(IReadOnlyList<TaskItem> Items, IReadOnlyList<TaskArm> Arms, IReadOnlyList<TaskAnswer>? Teacher, IReadOnlyList<(double Confidence, bool Agrees)> Chosen)
    {
        /// <summary>Tokens of a prompt and of an answer, on average: what a call is.</summary>
        public (int Prompt, int Answer) Call => (Mean(a => a.PromptTokens), Mean(a => a.Tokens));

        int Mean(Func<TaskAnswer, int> tokens) => Math.Max(1, (int)Math.Round(Arms[0].Seeds[0].Average(tokens)));

        /// <summary>The arms' answers to documents that are among the items, a seed each.</summary>
        public IReadOnlyList<GoldAnswers> Of(string arm, IReadOnlyList<Document> tasks) => [.. Arms.First(a => a.Model == arm).Seeds.Select(s => Of(s, tasks))];

        /// <summary>The answers of one model to documents that are among the items.</summary>
        public GoldAnswers Of(IReadOnlyList<TaskAnswer> answers, IReadOnlyList<Document> tasks)
        {
            Dictionary<string, int> place = Items.Index().ToDictionary(i => i.Item.Document.Prompt, i => i.Index, StringComparer.Ordinal);
            string[] texts = [.. tasks.Select(t => answers[place[t.Prompt]].Text)];
            return new(texts, [.. tasks.Select((t, i) => t.Score!(texts[i]))]);
        }
    }

    TaskTrial? TryTask(Trained trained, LlamaWeights? teacher, RunData data)
    {
        if (_task is not { } task)
        {
            return null;
        }

        static Document[] Prompts(IReadOnlyList<Document> documents) => [.. documents.DistinctBy(d => d.Prompt)];
        Document[] heldOut = Prompts(data.Corpus.HeldOut), validation = Prompts(data.Corpus.Validation);
        int done = 0, all = trained.Students.Count + trained.Twins.Count + trained.EqualComputeTwins.Count + (teacher is null ? 0 : 2) + 1;
        IReadOnlyList<TaskAnswer> Answers(LlamaWeights model, IReadOnlyList<Document> items)
        {
            Show(GoldTaskAnswers, (double)done++ / all, "evaluate", string.Create(CultureInfo.InvariantCulture, $"{items.Count:n0} prompts of the task, model {done} of {all}"));
            return TaskAnswers.Of(model, data.Tokenizer, task.Form, items, _recipe.Evaluate.MaxTokens, _workers.Threads, _stop);
        }

        string?[] Told(IReadOnlyList<Document> items, IReadOnlyList<TaskAnswer>? local) =>
            [.. items.Select((d, i) => local is not null ? local[i].Text : _recipe.Ask is not null && d.Id is not null ? d.Said : null)];
        IReadOnlyList<TaskAnswer>? own = teacher is null ? null : Answers(teacher, heldOut), chosen = teacher is null ? null : Answers(teacher, validation);
        TaskArm Arm(string name, IReadOnlyList<LlamaWeights> models) => new(name, [.. models.Select(m => Answers(m, heldOut))]);
        TaskArm[] arms = [Arm(DistillJob.Arm.Student, trained.Students), Arm(DistillJob.Arm.Twin, trained.Twins), Arm(DistillJob.Arm.TwinEqualCompute, trained.EqualComputeTwins)];
        IReadOnlyList<TaskAnswer> first = Answers(trained.Students[0], validation);
        return new(
            [.. heldOut.Zip(Told(heldOut, own), (d, t) => new TaskItem(d, d.Gold, t))], arms, own,
            [.. Told(validation, chosen).Index().Where(t => t.Item is not null).Select(t => (first[t.Index].Confidence, task.Same(first[t.Index].Text, t.Item!)))]);
    }

    TaskFacts? TaskFacts(TaskTrial? trial, CostFacts cost) => trial is null ? null
        : TaskEvaluation.Of(_task!, _task!.Form is AnswerForm.Labels labels ? labels.Texts : [], _recipe.Task!.Agree, trial.Items, trial.Arms, trial.Chosen, cost);
}
