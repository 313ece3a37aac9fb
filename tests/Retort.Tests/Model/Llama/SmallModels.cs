using Retort.Model;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Llama;

/// <summary>Small models with weights large enough that every part of a layer shows in the logits.</summary>
static class SmallModels
{
    internal static LlamaWeights Random(LlamaFamily family, int vocabulary = 70, int context = 100, ulong seed = 1)
    {
        LlamaConfig config = new()
        {
            Family = family,
            Hidden = 24,
            Layers = 3,
            Heads = 4,
            KeyValueHeads = 2,
            HeadSize = family == LlamaFamily.Qwen3 ? 10 : 6,
            FeedForward = 40,
            Vocabulary = vocabulary,
            Context = context,
            TiedHead = family == LlamaFamily.Qwen2,
            AttentionBias = family == LlamaFamily.Qwen2,
            BeginToken = 1,
            EndTokens = [2],
        };
        LlamaWeights weights = new(config);
        RandomStream random = new(seed);
        foreach (WeightSlice slice in weights.Slices())
        {
            bool norm = slice.Name.EndsWith("norm.weight", StringComparison.Ordinal);
            double deviation = slice.Shape.Count == 1 ? 0.3 : 1 / Math.Sqrt(slice.Shape[1]);
            foreach (ref float x in slice.Span)
            {
                x = (float)((norm ? 1 : 0) + (random.NextNormal() * deviation));
            }
        }

        return weights;
    }

    internal static int[] Tokens(int count, int vocabulary, ulong seed)
    {
        RandomStream random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextInt(vocabulary))];
    }
}
