using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: logits of one token block, vocabulary V × L = 32 tokens, lanes are tokens: model z_VL, teacher u_VL.

/// <summary>How a model did on one token.</summary>
/// <param name="Loss">Nats of the token that came.</param>
/// <param name="ForwardKl">KL(teacher ‖ model) in nats; 0 without a teacher.</param>
/// <param name="Confidence">Probability of the most likely token.</param>
/// <param name="Correct">Whether that was the token that came.</param>
/// <param name="Agrees">Whether it is the teacher's most likely one; false without a teacher.</param>
public readonly record struct TokenScore(float Loss, float ForwardKl, float Confidence, bool Correct, bool Agrees);

/// <summary>Judges a token block in one sweep over the logits after the one that finds their maxima; changes nothing.</summary>
public static unsafe class Judgement
{
    const int L = MatMul.L;

    /// <summary>Counts up to this are exact in the floats that carry a token's number through the sweep.</summary>
    const int LargestVocabulary = 1 << 24;

    /// <summary>Stands for the logit of a token that cannot come, −∞: the difference of two of them is 0.</summary>
    const float Impossible = -1e30f;

    /// <param name="scores_L">Output.</param>
    /// <param name="z_VL">The model's logits.</param>
    /// <param name="u_VL">The teacher's, or empty.</param>
    /// <param name="targets_L">The tokens that came.</param>
    public static void Judge(Span<TokenScore> scores_L, ReadOnlySpan<float> z_VL, ReadOnlySpan<float> u_VL, ReadOnlySpan<int> targets_L, int vocabulary)
    {
        Shape.Holds("Judgement", "scores", scores_L.Length, L);
        Shape.Holds("Judgement", "z", z_VL.Length, (long)vocabulary * L);
        Shape.Holds("Judgement", "targets", targets_L.Length, L);
        Shape.Within("Judgement", "targets", targets_L[..L], vocabulary);
        Shape.Within("Judgement", "vocabulary", vocabulary, LargestVocabulary);
        if (!u_VL.IsEmpty)
        {
            Shape.Holds("Judgement", "u", u_VL.Length, (long)vocabulary * L);
        }

        float* sums = stackalloc float[6 * L];
        fixed (float* z = z_VL, u = u_VL)
        {
            // Without a teacher the model is its own: the sweep stays one.
            float* teacher = u is null ? z : u;
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Sweep<Lanes512, Vector512<float>>(sums, z, teacher, vocabulary); break;
                case VectorPath.Vector256: Sweep<Lanes256, Vector256<float>>(sums, z, teacher, vocabulary); break;
                case VectorPath.Vector128: Sweep<Lanes128, Vector128<float>>(sums, z, teacher, vocabulary); break;
                default: Sweep<Lanes1, float>(sums, z, teacher, vocabulary); break;
            }

            for (int l = 0; l < L; l++)
            {
                float max = sums[l], sum = sums[L + l], top = sums[(2 * L) + l], teacherSum = sums[(3 * L) + l], teacherTop = sums[(4 * L) + l], cross = sums[(5 * L) + l];
                double log = Math.Log(sum);

                // Σ p·(log p − log q) = Σ p·(b − a) − log Σ exp b + log Σ exp a
                double kl = ((double)cross / teacherSum) + log - Math.Log(teacherSum);
                float loss = (float)((double)max - z[((nint)targets_L[l] * L) + l] + log);
                scores_L[l] = new(loss, (float)kl, 1f / sum, (int)(vocabulary - top) == targets_L[l], u is not null && top == teacherTop);
            }
        }
    }

    /// <summary>For every lane the maximum, Σ exp a of a = z − max, V minus the first token of that maximum; Σ exp b and the same of the
    /// teacher's b; and Σ exp b·(b − a).</summary>
    internal static void Sweep<W, V>(float* sums, float* z, float* u, int vocabulary) where W : struct, ILanes<V> where V : struct
    {
        for (int l = 0; l < L; l += W.Count)
        {
            V mz = CrossEntropy.Maximum<W, V>(z + l, vocabulary), mu = CrossEntropy.Maximum<W, V>(u + l, vocabulary);
            V least = W.Broadcast(Impossible), zero = W.Broadcast(0f), sz = zero, su = zero, cross = zero, topZ = zero, topU = zero;
            for (int v = 0; v < vocabulary; v++)
            {
                V x = W.Load(z + ((nint)v * L) + l), y = W.Load(u + ((nint)v * L) + l), left = W.Broadcast(vocabulary - v);
                V a = W.Max(W.Subtract(x, mz), least), b = W.Max(W.Subtract(y, mu), least), eb = Lanes.Exp<W, V>(b);
                sz = W.Add(sz, Lanes.Exp<W, V>(a));
                su = W.Add(su, eb);
                cross = W.MultiplyAdd(eb, W.Subtract(b, a), cross);
                topZ = W.Max(topZ, W.WhereNotLess(x, mz, left));
                topU = W.Max(topU, W.WhereNotLess(y, mu, left));
            }

            W.Store(sums + l, mz);
            W.Store(sums + L + l, sz);
            W.Store(sums + (2 * L) + l, topZ);
            W.Store(sums + (3 * L) + l, su);
            W.Store(sums + (4 * L) + l, topU);
            W.Store(sums + (5 * L) + l, cross);
        }
    }
}
