using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Tests.Kernels;

namespace Retort.Tests.Model.Llama;

public sealed class LlamaHeadTests
{
    const int L = MatMul.L, Rows = 3, BlocksPerRow = 3;

    /// <summary>Blocks in which nothing counts are passed over: loss, gradient and what leaves the head are those of a head that goes through
    /// them with weights of zero, at any number of threads.</summary>
    [Theory]
    [InlineData("111111111")]
    [InlineData("011011011")]
    [InlineData("100000001")]
    [InlineData("000010000")]
    [InlineData("000000000")]
    public void BlocksThatDoNotCountChangeNothing(string counts)
    {
        LlamaWeights model = SmallModels.Random(LlamaFamily.Llama);
        (float[] losses, float[] head, float[] final) = Run(model, counts, _ => true, 1);
        foreach (int threads in new[] { 1, 2, 3 })
        {
            (float[] l, float[] h, float[] f) = Run(model, counts, block => counts[block] == '1', threads);
            Assert.Equal(losses, l);
            Assert.Equal(head, h);
            Assert.Equal(final, f);
        }

        Assert.Equal(counts.Contains('1'), head.Any(x => x != 0));
    }

    static (float[] Losses, float[] Head, float[] Final) Run(LlamaWeights model, string counts, Func<int, bool> visited, int threads)
    {
        using Workers workers = new(threads);
        int v = model.Config.Vocabulary, blocks = Rows * BlocksPerRow;
        LlamaActivations a = new(model.Config, Rows, BlocksPerRow, workers, keep: true);
        LlamaForward.Run(model, a, Draw.Whole(1, blocks * L, v), workers);
        LlamaWeights gradients = new(model.Config);
        FloatBuffer final = new(blocks * L * model.Config.Hidden);
        final.Span.Fill(float.NaN);
        float[] losses = new float[blocks * L];
        int[] targets = Draw.Whole(2, blocks * L, v);
        new LlamaHead(model.Config, blocks, workers, teacher: false).Run(model, a, gradients, final, null, visited, (block, z, _) =>
        {
            float[] weights = [.. Enumerable.Repeat(counts[block] == '1' ? 0.01f : 0f, L)], each = new float[L];
            CrossEntropy.LossAndGradient(each, z, targets.AsSpan(block * L, L), weights, v);
            for (int l = 0; l < L; l++)
            {
                losses[(block * L) + l] = each[l] * weights[l];
            }
        }, workers);
        return (losses, gradients.Head.Span.ToArray(), final.Span.ToArray());
    }
}
