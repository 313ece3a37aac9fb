using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class JudgementTests
{
    const int L = MatMul.L;

    [Fact]
    public void ScoresEqualTheirDefinitions()
    {
        for (int v = 1; v <= 257; v++)
        {
            Check(Draw.Floats(v, v * L, 5f), Draw.Floats(v + 1000, v * L, 5f), Draw.Whole(v, L, v), v);
            Check(Draw.Floats(v, v * L, 5f), [], Draw.Whole(v, L, v), v);
        }
    }

    /// <summary>Where two tokens are equally likely the first one is taken, as a greedy sampler takes it.</summary>
    [Fact]
    public void TheFirstOfEqualTokensIsTheTop()
    {
        const int V = 40;
        float[] z = new float[V * L], u = new float[V * L];
        TokenScore[] scores = new TokenScore[L];
        u.AsSpan(7 * L, L).Fill(1f);
        u.AsSpan(8 * L, L).Fill(1f);
        Judgement.Judge(scores, z, u, new int[L], V);
        Assert.All(scores, s => Assert.Equal((true, false), (s.Correct, s.Agrees)));
        Judgement.Judge(scores, u, u, Enumerable.Repeat(7, L).ToArray(), V);
        Assert.All(scores, s => Assert.Equal((true, true, 0f), (s.Correct, s.Agrees, s.ForwardKl)));
        Judgement.Judge(scores, u, u, Enumerable.Repeat(8, L).ToArray(), V);
        Assert.All(scores, s => Assert.False(s.Correct));
    }

    [Theory]
    [InlineData(1e4f)]
    [InlineData(float.PositiveInfinity)]
    public void TokensThatCannotCome(float size)
    {
        const int V = 9;
        float[] z = Draw.Floats(4, V * L);
        z.AsSpan(3 * L, L).Fill(-size);
        z.AsSpan(0, L).Fill(-size);
        TokenScore[] scores = new TokenScore[L];
        Judgement.Judge(scores, z, z, Enumerable.Repeat(5, L).ToArray(), V);
        for (int l = 0; l < L; l++)
        {
            double[] token = [.. Draw.Token(z, V, l).Where(x => x > -100)];
            Near.Equal(-NaiveLoss.LogSoftmax(token, 1)[3], scores[l].Loss, 1e-6, $"loss of token {l}");
            Assert.Equal(0f, scores[l].ForwardKl);
        }
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] z = new float[4 * L];
        int[] targets = new int[L], above = new int[L];
        above[31] = 4;
        TokenScore[] scores = new TokenScore[L];
        Near.Refuses("Judgement", "scores", () => Judgement.Judge(scores.AsSpan(1), z, z, targets, 4));
        Near.Refuses("Judgement", "z", () => Judgement.Judge(scores, z.AsSpan(1), z, targets, 4));
        Near.Refuses("Judgement", "u", () => Judgement.Judge(scores, z, z.AsSpan(1), targets, 4));
        Near.Refuses("Judgement", "targets", () => Judgement.Judge(scores, z, z, targets.AsSpan(1), 4));
        Near.Refuses("Judgement", "targets", () => Judgement.Judge(scores, z, z, above, 4));
    }

    static void Check(float[] z, float[] u, int[] targets, int v)
    {
        TokenScore[] scores = new TokenScore[L];
        Judgement.Judge(scores, z, u, targets, v);
        for (int l = 0; l < L; l++)
        {
            double[] model = Draw.Token(z, v, l), teacher = u.Length == 0 ? model : Draw.Token(u, v, l);
            int top = Array.IndexOf(model, model.Max());
            string token = $"of {v}, token {l}";
            Near.Equal(NaiveLoss.Value(model, model, targets[l], new(1, 0, 0, 0, 0.5f, 1)), scores[l].Loss, 2e-6, "loss " + token);
            Near.Equal(NaiveLoss.Value(model, teacher, targets[l], new(0, 1, 0, 0, 0.5f, 1)), scores[l].ForwardKl, 3e-6, "divergence " + token);
            Near.Equal(Math.Exp(NaiveLoss.LogSoftmax(model, 1)[top]), scores[l].Confidence, 2e-6, "confidence " + token);
            Assert.Equal((top == targets[l], u.Length > 0 && top == Array.IndexOf(teacher, teacher.Max())), (scores[l].Correct, scores[l].Agrees));
        }
    }
}
