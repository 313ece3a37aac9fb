using Retort.Kernels;

namespace Retort.Tests.Kernels;

/// <summary>Several documents in one sequence that do not see each other.</summary>
public sealed class AttentionDocumentsTests
{
    const int L = MatMul.L;

    /// <param name="documents">Lengths of the documents that fill the sequence, their edges before, on and after those of the blocks.</param>
    [Theory]
    [InlineData("128")]
    [InlineData("1 127")]
    [InlineData("127 1")]
    [InlineData("32 32 64")]
    [InlineData("31 33 64")]
    [InlineData("33 95")]
    [InlineData("5 20 7 60 1 1 34")]
    [InlineData("100 28")]
    [InlineData("1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 95")]
    public void EachIsComputedAsIfItStoodAlone(string documents)
    {
        const int Blocks = 4, Heads = 4, KeyHeads = 2, Size = 10;
        int[] lengths = [.. documents.Split(' ').Select(int.Parse)];
        int[] starts = [.. lengths.SelectMany((length, i) => Enumerable.Repeat(lengths.Take(i).Sum(), length))];
        float[] q = Draw.Floats(1, Blocks * Heads * Size * L, 2f), k = Draw.Floats(2, Blocks * KeyHeads * Size * L, 2f), v = Draw.Floats(3, k.Length), slope = Draw.Floats(4, q.Length);
        NaiveAttention naive = new(Draw.Wide(q), Draw.Wide(k), Draw.Wide(v), Blocks, Heads, KeyHeads, Size, starts);
        naive.Forward();
        naive.Backward(Draw.Wide(slope));
        float[] o = new float[q.Length], lse = new float[Blocks * Heads * L], dq = new float[q.Length], dk = new float[k.Length], dv = new float[v.Length];
        Guarded forward = new(Attention.ForwardScratch(Blocks)), backward = new(Attention.BackwardScratch(Blocks, Size));
        for (int head = 0; head < Heads; head++)
        {
            Attention.Forward(o, lse, q, k, v, Blocks, Heads, KeyHeads, Size, head, forward.Span, starts_T: starts);
        }

        for (int head = 0; head < KeyHeads; head++)
        {
            Attention.Backward(dq, dk, dv, slope, o, lse, q, k, v, Blocks, Heads, KeyHeads, Size, head, backward.Span, starts);
        }

        forward.Checked();
        backward.Checked();
        Near.Equal(naive.O, o, 3e-6, "o");
        Near.Equal(naive.Lse, lse, 2e-6, "lse");
        Near.Equal(naive.Dq, dq, 1e-5, "dq");
        Near.Equal(naive.Dk, dk, 1e-5, "dk");
        Near.Equal(naive.Dv, dv, 1e-5, "dv");
    }

    [Fact]
    public void OneDocumentIsTheSameBitsAsNone()
    {
        float[] q = Draw.Floats(1, 2 * 8 * L), k = Draw.Floats(2, q.Length), v = Draw.Floats(3, q.Length);
        float[] Run(int[] starts)
        {
            float[] o = new float[q.Length];
            Attention.Forward(o, new float[2 * L], q, k, v, 2, 1, 1, 8, 0, new float[Attention.ForwardScratch(2)], starts_T: starts);
            return o;
        }

        Assert.Equal(Run([]), Run(new int[2 * L]));
    }

    [Fact]
    public void AWrongNumberOfStartsIsRefused() => Near.Refuses("Attention.Forward", "starts", () =>
        Attention.Forward(new float[8 * L], new float[L], new float[8 * L], new float[8 * L], new float[8 * L], 1, 1, 1, 8, 0, new float[Attention.ForwardScratch(1)], starts_T: new int[L - 1]));
}
