using Retort.Distill;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using Retort.Tests.Model.Llama;
using TokenizerSamples = Retort.Tests.Model.Tokenizers.Samples;

namespace Retort.Tests.Distill.Tasks;

public sealed class TaskAnswersTests
{
    /// <summary>Whatever the weights say, an answer is one of the task's, and its confidence is the probability the model gives to its tokens.</summary>
    [Fact]
    public void AnswersKeepToTheTaskAndConfidenceIsTheirProbability()
    {
        Tokenizer words = TokenizerSamples.Trained(600, "<|user|>", "<|end|>");
        LlamaWeights model = SmallModels.Random(LlamaFamily.Llama, words.VocabularySize, 128);
        Document[] items = [.. Enumerable.Range(0, 21).Select(i => new Document($"the girl number {i} said", "x"))];
        foreach (TaskForm form in (TaskForm[])[TaskFormTests.Labels("red", "blue", "rather long a label"), TaskFormTests.Json("""{"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": {"type": "boolean"}}, "required": ["a", "b"]}""")])
        {
            IReadOnlyList<TaskAnswer> answers = TaskAnswers.Of(model, words, form.Form, items, 40, 1, CancellationToken.None);
            Assert.All(answers, a => Assert.Null(form.Fault(a.Text)));
            Assert.All(answers, a => Assert.InRange(a.Confidence, double.Epsilon, 1));

            // Where the tokens it chose are those the text is cut into, its probability can be had another way.
            int[][] texts = [.. answers.Select(a => words.Encode(a.Text, addSpecial: false))];
            int[] alike = [.. Enumerable.Range(0, items.Length).Where(i => texts[i].Length == answers[i].Tokens)];
            Assert.NotEmpty(alike);
            foreach (int i in alike)
            {
                int[] prompt = Dataset.Prompt(items[i], words);
                double nats = TextScore.CrossEntropy(InferenceWeights.Of(model), [([.. prompt, .. texts[i]], prompt.Length)], 1, CancellationToken.None) * texts[i].Length;
                Assert.Equal(prompt.Length, answers[i].PromptTokens);
                Assert.Equal(Math.Exp(-nats), answers[i].Confidence, Math.Exp(-nats) * 1e-3);
            }
        }
    }
}
