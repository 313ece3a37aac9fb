using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: logits of one token block z_VL: vocabulary V × L = 32 tokens, lanes are tokens.

/// <summary>Cross entropy of hard labels, fused with its gradient: loss = log Σ exp z − z[target]; dz = w·(softmax z − onehot).</summary>
public static unsafe class CrossEntropy
{
    const int L = MatMul.L;

    /// <summary>Turns logits into their gradient in place.</summary>
    /// <param name="loss_L">Output: nats of each token, unweighted.</param>
    /// <param name="z_VL">Logits in, w·∂loss/∂z out.</param>
    /// <param name="targets_L">Labels.</param>
    /// <param name="weights_L">Weight of each token's gradient; 0 masks it.</param>
    public static void LossAndGradient(Span<float> loss_L, Span<float> z_VL, ReadOnlySpan<int> targets_L, ReadOnlySpan<float> weights_L, int vocabulary)
    {
        Shape.Holds("CrossEntropy", "z", z_VL.Length, (long)vocabulary * L);
        Shape.Holds("CrossEntropy", "loss", loss_L.Length, L);
        Shape.Holds("CrossEntropy", "targets", targets_L.Length, L);
        Shape.Holds("CrossEntropy", "weights", weights_L.Length, L);
        Shape.Within("CrossEntropy", "targets", targets_L[..L], vocabulary);
        float* lse_L = stackalloc float[L], max_L = stackalloc float[L];
        fixed (float* z = z_VL, w = weights_L, loss = loss_L)
        {
            // The difference of two logits before the logarithm: with logits in the thousands the other order would round it away.
            for (int l = 0; l < L; l++)
            {
                loss[l] = -z[((nint)targets_L[l] * L) + l];
            }

            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Exponentials<Lanes512, Vector512<float>>(z, lse_L, max_L, vocabulary, 1f); break;
                case VectorPath.Vector256: Exponentials<Lanes256, Vector256<float>>(z, lse_L, max_L, vocabulary, 1f); break;
                case VectorPath.Vector128: Exponentials<Lanes128, Vector128<float>>(z, lse_L, max_L, vocabulary, 1f); break;
                default: Exponentials<Lanes1, float>(z, lse_L, max_L, vocabulary, 1f); break;
            }

            for (int l = 0; l < L; l++)
            {
                loss[l] = loss[l] + max_L[l] + MathF.Log(lse_L[l]);
                lse_L[l] = w[l] / lse_L[l];
            }

            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Multiply<Lanes512, Vector512<float>>(z, lse_L, vocabulary); break;
                case VectorPath.Vector256: Multiply<Lanes256, Vector256<float>>(z, lse_L, vocabulary); break;
                case VectorPath.Vector128: Multiply<Lanes128, Vector128<float>>(z, lse_L, vocabulary); break;
                default: Multiply<Lanes1, float>(z, lse_L, vocabulary); break;
            }

            for (int l = 0; l < L; l++)
            {
                z[((nint)targets_L[l] * L) + l] -= w[l];
            }
        }
    }

    /// <summary>z becomes exp((z − max) · factor); the sums and the maxima of every lane are returned.</summary>
    internal static void Exponentials<W, V>(float* z, float* sum, float* max, int vocabulary, float factor) where W : struct, ILanes<V> where V : struct
    {
        for (int l = 0; l < L; l += W.Count)
        {
            V most = Maximum<W, V>(z + l, vocabulary);
            V scale = W.Broadcast(factor), shift = W.Multiply(most, W.Broadcast(-factor)), total = W.Broadcast(0f);
            for (nint v = 0; v < (nint)vocabulary * L; v += L)
            {
                V e = Lanes.Exp<W, V>(W.MultiplyAdd(W.Load(z + v + l), scale, shift));
                W.Store(z + v + l, e);
                total = W.Add(total, e);
            }

            W.Store(sum + l, total);
            W.Store(max + l, most);
        }
    }

    internal static V Maximum<W, V>(float* z, int vocabulary) where W : struct, ILanes<V> where V : struct
    {
        V m0 = W.Load(z), m1 = m0;
        nint end = (nint)vocabulary * L, v = 0;
        for (; v + L < end; v += 2 * L)
        {
            m0 = W.Max(m0, W.Load(z + v));
            m1 = W.Max(m1, W.Load(z + v + L));
        }

        return v < end ? W.Max(W.Max(m0, m1), W.Load(z + v)) : W.Max(m0, m1);
    }

    internal static void Multiply<W, V>(float* z, float* factor, int vocabulary) where W : struct, ILanes<V> where V : struct
    {
        for (int l = 0; l < L; l += W.Count)
        {
            V f = W.Load(factor + l);
            for (nint v = 0; v < (nint)vocabulary * L; v += L)
            {
                W.Store(z + v + l, W.Multiply(W.Load(z + v + l), f));
            }
        }
    }
}
