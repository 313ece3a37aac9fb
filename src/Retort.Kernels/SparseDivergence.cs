using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: student logits z_VL of one token block; the teacher's k kept entries of each token, ids_LK and p_LK, row-major by token.

/// <summary>What becomes of the teacher's probability outside the entries that were kept.</summary>
public enum TailHandling
{
    /// <summary>One more bucket holds the missing mass, against the student's mass outside the kept entries.</summary>
    Bucket,

    /// <summary>The kept entries are scaled to sum to 1; biased towards the head.</summary>
    Renormalize,

    /// <summary>The entries are draws from the teacher, weighted to sum to 1; unbiased (arXiv 2503.16870).</summary>
    Sample,
}

/// <summary>Forward KL of a student against a stored, sparse teacher distribution, mixed with cross entropy, fused with the gradient.</summary>
public static unsafe class SparseDivergence
{
    const int L = MatMul.L;

    /// <summary>Turns student logits into the gradient of ce·CE + kl·t²·KL(p ‖ q), in place.</summary>
    /// <param name="loss_L">Output: weighted loss of each token in nats.</param>
    /// <param name="z_VL">Student logits in, gradient out.</param>
    /// <param name="ids_LK">Kept tokens; no token twice. An id below 0 marks an unused slot.</param>
    /// <param name="p_LK">Teacher probabilities at the temperature of <paramref name="terms"/>; they sum to 1 for <see cref="TailHandling.Renormalize"/> and <see cref="TailHandling.Sample"/>.</param>
    /// <param name="terms">Weights of the cross-entropy and the forward-KL term, and the temperature; the others must be 0.</param>
    /// <param name="scratch_VL">As large as z; used only when the temperature is not 1 and cross entropy has weight.</param>
    public static void LossAndGradient(
        Span<float> loss_L, Span<float> z_VL, ReadOnlySpan<int> ids_LK, ReadOnlySpan<float> p_LK, int kept, TailHandling tail,
        ReadOnlySpan<int> targets_L, ReadOnlySpan<float> tokenWeights_L, int vocabulary, in LossWeights terms, Span<float> scratch_VL)
    {
        Shape.Holds("SparseDivergence", "z", z_VL.Length, (long)vocabulary * L);
        Shape.Holds("SparseDivergence", "ids", ids_LK.Length, (long)kept * L);
        Shape.Holds("SparseDivergence", "p", p_LK.Length, (long)kept * L);
        Shape.Holds("SparseDivergence", "loss", loss_L.Length, L);
        Shape.Holds("SparseDivergence", "targets", targets_L.Length, L);
        Shape.Holds("SparseDivergence", "weights", tokenWeights_L.Length, L);
        Shape.Within("SparseDivergence", "targets", targets_L[..L], vocabulary);
        foreach (int id in ids_LK[..(kept * L)])
        {
            Shape.Within("SparseDivergence", "ids", Math.Max(id, 0), vocabulary);
        }

        float t = terms.Temperature;
        bool hot = t != 1f && terms.CrossEntropy != 0;
        Shape.Holds("SparseDivergence", "scratch", scratch_VL.Length, hot ? (long)vocabulary * L : 0);
        float* label_L = stackalloc float[L], sum_L = stackalloc float[L], max_L = stackalloc float[L], outer_L = stackalloc float[L];
        Span<float> keptLogits = kept <= 1024 ? stackalloc float[L * kept] : new float[L * kept];
        fixed (float* z = z_VL, w = tokenWeights_L, loss = loss_L, hard = scratch_VL)
        {
            for (int l = 0; l < L; l++)
            {
                label_L[l] = z[((nint)targets_L[l] * L) + l];
                for (int i = 0; i < kept && ids_LK[(l * kept) + i] >= 0; i++)
                {
                    keptLogits[(l * kept) + i] = z[((nint)ids_LK[(l * kept) + i] * L) + l];
                }
            }

            if (hot)
            {
                z_VL[..(vocabulary * L)].CopyTo(scratch_VL);
                switch (Lanes.Path)
                {
                    case VectorPath.Vector512: CrossEntropy.Exponentials<Lanes512, Vector512<float>>(hard, sum_L, max_L, vocabulary, 1f); break;
                    case VectorPath.Vector256: CrossEntropy.Exponentials<Lanes256, Vector256<float>>(hard, sum_L, max_L, vocabulary, 1f); break;
                    case VectorPath.Vector128: CrossEntropy.Exponentials<Lanes128, Vector128<float>>(hard, sum_L, max_L, vocabulary, 1f); break;
                    default: CrossEntropy.Exponentials<Lanes1, float>(hard, sum_L, max_L, vocabulary, 1f); break;
                }
                for (int l = 0; l < L; l++)
                {
                    loss[l] = terms.CrossEntropy * (max_L[l] - label_L[l] + MathF.Log(sum_L[l]));
                    outer_L[l] = terms.CrossEntropy * w[l] / sum_L[l];
                }

                switch (Lanes.Path)
                {
                    case VectorPath.Vector512: CrossEntropy.Multiply<Lanes512, Vector512<float>>(hard, outer_L, vocabulary); break;
                    case VectorPath.Vector256: CrossEntropy.Multiply<Lanes256, Vector256<float>>(hard, outer_L, vocabulary); break;
                    case VectorPath.Vector128: CrossEntropy.Multiply<Lanes128, Vector128<float>>(hard, outer_L, vocabulary); break;
                    default: CrossEntropy.Multiply<Lanes1, float>(hard, outer_L, vocabulary); break;
                }
            }

            switch (Lanes.Path)
            {
                case VectorPath.Vector512: CrossEntropy.Exponentials<Lanes512, Vector512<float>>(z, sum_L, max_L, vocabulary, 1f / t); break;
                case VectorPath.Vector256: CrossEntropy.Exponentials<Lanes256, Vector256<float>>(z, sum_L, max_L, vocabulary, 1f / t); break;
                case VectorPath.Vector128: CrossEntropy.Exponentials<Lanes128, Vector128<float>>(z, sum_L, max_L, vocabulary, 1f / t); break;
                default: CrossEntropy.Exponentials<Lanes1, float>(z, sum_L, max_L, vocabulary, 1f / t); break;
            }

            for (int l = 0; l < L; l++)
            {
                float logSum = MathF.Log(sum_L[l]), mass = 0f, studentMass = 0f, value = 0f;
                for (int i = 0; i < kept && ids_LK[(l * kept) + i] >= 0; i++)
                {
                    float p = p_LK[(l * kept) + i], logQ = ((keptLogits[(l * kept) + i] - max_L[l]) / t) - logSum;
                    mass += p;
                    studentMass += MathF.Exp(logQ);
                    value += p > 0f ? p * (MathF.Log(p) - logQ) : 0f;
                }

                // The gradient is q − p on kept entries and q·(1 − p_tail / q_tail) outside; without a bucket, q − p everywhere.
                float share = 1f;
                if (tail == TailHandling.Bucket)
                {
                    float teacherTail = MathF.Max(1f - mass, 0f), studentTail = MathF.Max(1f - studentMass, 1e-7f);
                    value += teacherTail > 0f ? teacherTail * (MathF.Log(teacherTail) - MathF.Log(studentTail)) : 0f;
                    share = 1f - (teacherTail / studentTail);
                }

                float scale = w[l] * terms.ForwardKl * t, hardHere = hot ? 0f : terms.CrossEntropy;
                loss[l] = (hot ? loss[l] : terms.CrossEntropy * (max_L[l] - label_L[l] + logSum)) + (terms.ForwardKl * t * t * value);
                outer_L[l] = ((scale * share) + (hardHere * w[l])) / sum_L[l];
                label_L[l] = scale * (1f - share);
            }

            switch (Lanes.Path)
            {
                case VectorPath.Vector512: CrossEntropy.Multiply<Lanes512, Vector512<float>>(z, outer_L, vocabulary); break;
                case VectorPath.Vector256: CrossEntropy.Multiply<Lanes256, Vector256<float>>(z, outer_L, vocabulary); break;
                case VectorPath.Vector128: CrossEntropy.Multiply<Lanes128, Vector128<float>>(z, outer_L, vocabulary); break;
                default: CrossEntropy.Multiply<Lanes1, float>(z, outer_L, vocabulary); break;
            }

            if (hot)
            {
                for (int v = 0; v < vocabulary * L; v++)
                {
                    z[v] += hard[v];
                }
            }

            for (int l = 0; l < L; l++)
            {
                float logSum = MathF.Log(sum_L[l]), scale = w[l] * terms.ForwardKl * t;
                for (int i = 0; i < kept && ids_LK[(l * kept) + i] >= 0; i++)
                {
                    float q = MathF.Exp(((keptLogits[(l * kept) + i] - max_L[l]) / t) - logSum);
                    z[((nint)ids_LK[(l * kept) + i] * L) + l] += (label_L[l] * q) - (scale * p_LK[(l * kept) + i]);
                }

                z[((nint)targets_L[l] * L) + l] -= terms.CrossEntropy * w[l];
            }
        }
    }
}
