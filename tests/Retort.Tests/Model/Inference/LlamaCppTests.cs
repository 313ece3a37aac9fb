using System.Text.Json;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Inference;
using Retort.Model.Tokenizers;
using Retort.Samples.Tales;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Model.Inference;

/// <summary>A student we export and llama.cpp agree on what comes next: ten texts, 200 positions each.</summary>
public class LlamaCppTests
{
    const int Texts = 10, Positions = 200;

    /// <summary>Where our two best logits are nearer than this, either may be first.</summary>
    const float Close = 1e-3f;

    [Theory]
    [InlineData("F32", 1.0)]
    [InlineData("F16", 1.0)]
    [InlineData("BF16", 1.0)]
    [InlineData("Q8_0", 0.97)]
    [InlineData("Q4_0", 0.97)]
    public void GreedyChoicesAgree(string type, double share)
    {
        string node = Oracles.Folder();
        OpenModel model = ModelReference.Open(Repository.PathOf("models/tales-teacher"));
        Tokenizer words = Tokenizer.Open(model.TokenizerPath!);
        using Scratch scratch = new();
        string path = Path.Combine(scratch.Folder, "student.gguf"), feeds = Path.Combine(scratch.Folder, "feeds.json");
        GgufType coded = new[] { GgufType.F32, GgufType.F16, GgufType.BF16, GgufType.Q8_0, GgufType.Q4_0 }.Single(t => t.Name == type);
        GgufWriter.Write(path, model.Weights, words, chatTemplate: null, "student", coded);
        int[][] tokens = [.. Enumerable.Range(0, Texts).Select(i => words.Encode(string.Join("\n", Enumerable.Range(0, 8).Select(j => TaleGenerator.Generate((ulong)((8 * i) + j)).Text)))[..Positions])];
        File.WriteAllText(feeds, JsonSerializer.Serialize(tokens));
        int[][] theirs = JsonSerializer.Deserialize<int[][]>(Oracles.Run(node, "llama.mjs", path, feeds))!;
        InferenceWeights weights = InferenceModel.Open(path).Weights;
        int agree = 0, compared = 0;
        for (int i = 0; i < Texts; i++)
        {
            (int Choice, float Lead)[] ours = Choices(weights, tokens[i]);
            for (int t = 0; t < Positions; t++)
            {
                bool same = ours[t].Choice == theirs[i][t];
                agree += same ? 1 : 0;
                compared += same || ours[t].Lead >= Close ? 1 : 0;
            }
        }

        Assert.True(agree >= share * compared && compared > 0.97 * Texts * Positions, $"{agree} of {compared} positions agree");
    }

    /// <summary>The best token after each, and how far its logit leads.</summary>
    static (int Choice, float Lead)[] Choices(InferenceWeights weights, int[] tokens)
    {
        const int Rows = (Positions + MatMul.L - 1) / MatMul.L * MatMul.L;
        using Workers workers = new(2);
        PagedCache cache = new(weights.Config, Rows / PagedAttention.Page);
        InferencePass pass = new(weights, cache, workers, Rows, Rows);
        InferenceBatch batch = new();
        int[] pages = [.. Enumerable.Range(0, cache.Pages).Select(_ => cache.Take())];
        for (int t = 0; t < tokens.Length; t++)
        {
            batch.Add([tokens[t]], t, pages, inBlocks: false, logits: true);
        }

        pass.Run(batch);
        return [.. Enumerable.Range(0, tokens.Length).Select(t =>
        {
            float[] logits = pass.Logits(t).ToArray();
            int best = Array.IndexOf(logits, logits.Max());
            float first = logits[best];
            logits[best] = float.NegativeInfinity;
            return (best, first - logits.Max());
        })];
    }
}
