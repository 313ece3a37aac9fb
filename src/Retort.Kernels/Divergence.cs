using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: logits of one token block, vocabulary V × L = 32 tokens, lanes are tokens: student z_VL, teacher u_VL.
// q = softmax(z/t), p = softmax(u/t).

/// <summary>The weights of a loss that is a sum of terms, and the temperature of its divergences. The t² that keeps a divergence's gradient
/// on the scale of cross entropy (Hinton et al., arXiv 1503.02531) is applied here, once.</summary>
/// <param name="CrossEntropy">Weight of cross entropy with the data's own next token, always at temperature 1.</param>
/// <param name="ForwardKl">Weight of t²·KL(p ‖ q).</param>
/// <param name="ReverseKl">Weight of t²·KL(q ‖ p).</param>
/// <param name="JensenShannon">Weight of t²·JSD(β) = t²·(β·KL(p ‖ m) + (1 − β)·KL(q ‖ m)), m = β·p + (1 − β)·q; arXiv 2306.13649.</param>
/// <param name="Beta">β of the Jensen-Shannon term, strictly between 0 and 1.</param>
/// <param name="Temperature">t.</param>
public readonly record struct LossWeights(float CrossEntropy, float ForwardKl, float ReverseKl, float JensenShannon, float Beta, float Temperature)
{
    public bool NeedsTeacher => ForwardKl != 0 || ReverseKl != 0 || JensenShannon != 0;
}

/// <summary>Losses of a student's logits against a teacher's, fused with their gradient.</summary>
public static unsafe class Divergence
{
    const int L = MatMul.L;

    /// <summary>Turns student logits into the gradient of the weighted loss, in place; the teacher's logits are used up.</summary>
    /// <param name="loss_L">Output: weighted loss of each token in nats, before the token's own weight.</param>
    /// <param name="z_VL">Student logits in, gradient out.</param>
    /// <param name="u_VL">Teacher logits in, garbage out.</param>
    /// <param name="targets_L">Labels of the cross-entropy term.</param>
    /// <param name="tokenWeights_L">Weight of each token's gradient; 0 masks it.</param>
    public static void LossAndGradient(
        Span<float> loss_L, Span<float> z_VL, Span<float> u_VL, ReadOnlySpan<int> targets_L, ReadOnlySpan<float> tokenWeights_L, int vocabulary, in LossWeights terms)
    {
        Shape.Holds("Divergence", "z", z_VL.Length, (long)vocabulary * L);
        Shape.Holds("Divergence", "u", u_VL.Length, (long)vocabulary * L);
        Shape.Holds("Divergence", "loss", loss_L.Length, L);
        Shape.Holds("Divergence", "targets", targets_L.Length, L);
        Shape.Holds("Divergence", "weights", tokenWeights_L.Length, L);
        Shape.Within("Divergence", "targets", targets_L[..L], vocabulary);
        bool forwardOnly = terms is { CrossEntropy: 0, ReverseKl: 0, JensenShannon: 0, Temperature: 1 };
        float* label_L = stackalloc float[L];
        fixed (float* z = z_VL, u = u_VL, w = tokenWeights_L, loss = loss_L)
        {
            for (int l = 0; l < L; l++)
            {
                label_L[l] = z[((nint)targets_L[l] * L) + l];
            }

            if (forwardOnly)
            {
                switch (Lanes.Path)
                {
                    case VectorPath.Vector512: ForwardKl<Lanes512, Vector512<float>>(loss, z, u, w, vocabulary, terms.ForwardKl); break;
                    case VectorPath.Vector256: ForwardKl<Lanes256, Vector256<float>>(loss, z, u, w, vocabulary, terms.ForwardKl); break;
                    case VectorPath.Vector128: ForwardKl<Lanes128, Vector128<float>>(loss, z, u, w, vocabulary, terms.ForwardKl); break;
                    default: ForwardKl<Lanes1, float>(loss, z, u, w, vocabulary, terms.ForwardKl); break;
                }
                return;
            }

            float labelScale = terms.CrossEntropy;
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Terms<Lanes512, Vector512<float>>(loss, z, u, w, label_L, vocabulary, terms); break;
                case VectorPath.Vector256: Terms<Lanes256, Vector256<float>>(loss, z, u, w, label_L, vocabulary, terms); break;
                case VectorPath.Vector128: Terms<Lanes128, Vector128<float>>(loss, z, u, w, label_L, vocabulary, terms); break;
                default: Terms<Lanes1, float>(loss, z, u, w, label_L, vocabulary, terms); break;
            }

            for (int l = 0; l < L; l++)
            {
                z[((nint)targets_L[l] * L) + l] -= labelScale * w[l];
            }
        }
    }

    /// <summary>KL(p ‖ q) alone at t = 1: two exponentials an element, gradient w·(q − p).</summary>
    internal static void ForwardKl<W, V>(float* loss, float* z, float* u, float* w, int vocabulary, float weight) where W : struct, ILanes<V> where V : struct
    {
        nint end = (nint)vocabulary * L;
        for (int l = 0; l < L; l += W.Count)
        {
            V mz = CrossEntropy.Maximum<W, V>(z + l, vocabulary), mu = CrossEntropy.Maximum<W, V>(u + l, vocabulary);
            V sz = W.Broadcast(0f), su = sz, cross = sz;
            for (nint v = l; v < end; v += L)
            {
                V a = W.Subtract(W.Load(z + v), mz), b = W.Subtract(W.Load(u + v), mu);
                V ea = Lanes.Exp<W, V>(a), eb = Lanes.Exp<W, V>(b);
                W.Store(z + v, ea);
                W.Store(u + v, eb);
                sz = W.Add(sz, ea);
                su = W.Add(su, eb);
                cross = W.MultiplyAdd(eb, W.Subtract(b, a), cross);
            }

            // Σ p·(log p − log q) = Σ p·(b − a) − log Σ exp b + log Σ exp a
            V value = W.Add(W.Divide(cross, su), W.Subtract(W.Log(sz), W.Log(su)));
            W.Store(loss + l, W.Multiply(value, W.Broadcast(weight)));
            V scale = W.Multiply(W.Load(w + l), W.Broadcast(weight)), fz = W.Divide(scale, sz), fu = W.Divide(scale, su);
            for (nint v = l; v < end; v += L)
            {
                W.Store(z + v, W.Subtract(W.Multiply(W.Load(z + v), fz), W.Multiply(W.Load(u + v), fu)));
            }
        }
    }

    /// <summary>Any mixture of terms. Three sweeps: sums, loss values, gradient.</summary>
    internal static void Terms<W, V>(float* loss, float* z, float* u, float* w, float* label, int vocabulary, in LossWeights terms) where W : struct, ILanes<V> where V : struct
    {
        nint end = (nint)vocabulary * L;
        float t = terms.Temperature, beta = terms.Beta;
        V zero = W.Broadcast(0f), inverse = W.Broadcast(1f / t), vBeta = W.Broadcast(beta), vRest = W.Broadcast(1f - beta), tiny = W.Broadcast(1e-38f);
        bool hot = t != 1f && terms.CrossEntropy != 0, mixture = terms.JensenShannon != 0;
        for (int l = 0; l < L; l += W.Count)
        {
            V mz = CrossEntropy.Maximum<W, V>(z + l, vocabulary), mu = CrossEntropy.Maximum<W, V>(u + l, vocabulary);
            V sz = zero, su = zero, s1 = zero;
            for (nint v = l; v < end; v += L)
            {
                V a = W.Subtract(W.Load(z + v), mz);
                sz = W.Add(sz, Lanes.Exp<W, V>(W.Multiply(a, inverse)));
                su = W.Add(su, Lanes.Exp<W, V>(W.Multiply(W.Subtract(W.Load(u + v), mu), inverse)));
                if (hot)
                {
                    s1 = W.Add(s1, Lanes.Exp<W, V>(a));
                }
            }

            V logQ = W.Log(sz), logP = W.Log(su), log1 = hot ? W.Log(s1) : logQ;
            V forward = zero, reverse = zero, toMixP = zero, toMixQ = zero;
            for (nint v = l; v < end; v += L)
            {
                V lq = W.Subtract(W.Multiply(W.Subtract(W.Load(z + v), mz), inverse), logQ);
                V lp = W.Subtract(W.Multiply(W.Subtract(W.Load(u + v), mu), inverse), logP);
                V q = Lanes.Exp<W, V>(lq), p = Lanes.Exp<W, V>(lp), gap = W.Subtract(lp, lq);
                forward = W.MultiplyAdd(p, gap, forward);
                reverse = W.Subtract(reverse, W.Multiply(q, gap));
                if (mixture)
                {
                    V lm = W.Log(W.Max(W.MultiplyAdd(vBeta, p, W.Multiply(vRest, q)), tiny));
                    toMixP = W.MultiplyAdd(p, W.Subtract(lp, lm), toMixP);
                    toMixQ = W.MultiplyAdd(q, W.Subtract(lq, lm), toMixQ);
                }
            }

            V tt = W.Broadcast(t * t);
            V value = W.Add(W.Multiply(W.Broadcast(terms.ForwardKl), forward), W.Multiply(W.Broadcast(terms.ReverseKl), reverse));
            value = W.MultiplyAdd(W.Broadcast(terms.JensenShannon), W.MultiplyAdd(vBeta, toMixP, W.Multiply(vRest, toMixQ)), value);
            V entropy = W.Add(log1, W.Subtract(mz, W.Load(label + l)));
            W.Store(loss + l, W.MultiplyAdd(value, tt, W.Multiply(W.Broadcast(terms.CrossEntropy), entropy)));

            // ∂/∂z of t²·D carries one factor 1/t: t·(…).
            V token = W.Load(w + l), ce = W.Multiply(token, W.Broadcast(terms.CrossEntropy)), scale = W.Multiply(token, W.Broadcast(t));
            V wf = W.Multiply(scale, W.Broadcast(terms.ForwardKl)), wr = W.Multiply(scale, W.Broadcast(terms.ReverseKl)), wj = W.Multiply(scale, W.Broadcast(terms.JensenShannon * (1f - beta)));
            for (nint v = l; v < end; v += L)
            {
                V a = W.Subtract(W.Load(z + v), mz);
                V lq = W.Subtract(W.Multiply(a, inverse), logQ), lp = W.Subtract(W.Multiply(W.Subtract(W.Load(u + v), mu), inverse), logP);
                V q = Lanes.Exp<W, V>(lq), p = Lanes.Exp<W, V>(lp);
                V g = W.Multiply(wf, W.Subtract(q, p));
                g = W.MultiplyAdd(W.Multiply(wr, q), W.Subtract(W.Subtract(lq, lp), reverse), g);
                if (mixture)
                {
                    // ∂JSD/∂z = (1 − β)·q·(log(q/m) − KL(q ‖ m))
                    V lm = W.Log(W.Max(W.MultiplyAdd(vBeta, p, W.Multiply(vRest, q)), tiny));
                    g = W.MultiplyAdd(W.Multiply(wj, q), W.Subtract(W.Subtract(lq, lm), toMixQ), g);
                }

                W.Store(z + v, W.MultiplyAdd(ce, hot ? Lanes.Exp<W, V>(W.Subtract(a, log1)) : q, g));
            }
        }
    }
}
