using System.Text;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>One answer to a task.</summary>
/// <param name="Confidence">The probability the model gives to it.</param>
/// <param name="PromptTokens">Tokens read.</param>
/// <param name="Tokens">Tokens written.</param>
public sealed record TaskAnswer(string Text, double Confidence, int PromptTokens, int Tokens);

/// <summary>Answers a task's prompts greedily, each kept to the task's form while it is written.</summary>
static class TaskAnswers
{
    /// <summary>Answers computed side by side.</summary>
    const int Beside = 16;

    /// <param name="items">Whose prompts are answered.</param>
    /// <exception cref="UserError">No token of the model's can continue the form.</exception>
    public static IReadOnlyList<TaskAnswer> Of(LlamaWeights model, Tokenizer tokenizer, AnswerForm form, IReadOnlyList<Document> items, int maxTokens, int threads, CancellationToken stop)
    {
        if (items.Count == 0)
        {
            return [];
        }

        using InferenceEngine engine = new(InferenceWeights.Of(model), tokenizer, new(threads, Beside * (model.Config.Context + 32), Beside), "the model");
        TokenIndex index = new(tokenizer);
        SamplingOptions options = new() { Temperature = 0, MaxTokens = maxTokens, Stop = [Corpus.End] };
        StringBuilder[] texts = [.. items.Select(_ => new StringBuilder())];
        double[] confidences = new double[items.Count];
        List<Answer> answers = [];
        foreach ((int i, Document item) in items.Index())
        {
            int[] prompt = Dataset.Prompt(item, tokenizer) is { Length: > 0 } own ? GoldTasks.Fit(own, model.Config.Context, maxTokens) : engine.Encode("");
            AnswerConfidence confidence = default;
            answers.Add(engine.Start(new(prompt, options, Seed: 0, Probabilities: 0, form.Constraint(index, engine.Ends, "task"), part =>
            {
                texts[i].Append(part.Text);
                confidences[i] = confidence.Add(part);
            })));
        }

        while (engine.Step())
        {
            stop.ThrowIfCancellationRequested();
        }

        return answers.Find(a => a.Fault is not null)?.Fault is { } fault ? throw fault
            : [.. answers.Select((a, i) => new TaskAnswer(texts[i].ToString(), confidences[i], a.Request.Prompt.Length, a.Written))];
    }
}
