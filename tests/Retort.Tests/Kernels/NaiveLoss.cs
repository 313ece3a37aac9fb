using Retort.Kernels;

namespace Retort.Tests.Kernels;

/// <summary>The losses of one token as their definitions read, in double.</summary>
static class NaiveLoss
{
    public static double[] LogSoftmax(double[] z, double t)
    {
        double max = z.Max(), sum = z.Sum(x => Math.Exp((x - max) / t));
        return [.. z.Select(x => ((x - max) / t) - Math.Log(sum))];
    }

    public static double Value(double[] z, double[] u, int target, in LossWeights w)
    {
        double t = w.Temperature;
        double value = w.CrossEntropy == 0 ? 0 : -w.CrossEntropy * LogSoftmax(z, 1)[target];
        double[] lq = LogSoftmax(z, t), lp = LogSoftmax(u, t), lm = Mixture(lp, lq, w.Beta);
        value += w.ForwardKl * t * t * Kl(lp, lq);
        value += w.ReverseKl * t * t * Kl(lq, lp);
        return value + (w.JensenShannon * t * t * ((w.Beta * Kl(lp, lm)) + ((1 - w.Beta) * Kl(lq, lm))));
    }

    /// <summary>∂value/∂z, itself held against central differences in <see cref="DivergenceTests"/>.</summary>
    public static double[] Gradient(double[] z, double[] u, int target, in LossWeights w)
    {
        double t = w.Temperature;
        double[] l1 = LogSoftmax(z, 1), lq = LogSoftmax(z, t), lp = LogSoftmax(u, t), lm = Mixture(lp, lq, w.Beta);
        double reverse = Kl(lq, lp), toMixture = Kl(lq, lm);
        double[] g = new double[z.Length];
        for (int i = 0; i < g.Length; i++)
        {
            double q = Math.Exp(lq[i]), p = Math.Exp(lp[i]);
            g[i] = w.CrossEntropy * (Math.Exp(l1[i]) - (i == target ? 1 : 0));
            g[i] += t * w.ForwardKl * (q - p);
            if (q > 0)
            {
                g[i] += t * w.ReverseKl * q * (lq[i] - lp[i] - reverse);
                g[i] += t * w.JensenShannon * (1 - w.Beta) * q * (lq[i] - lm[i] - toMixture);
            }
        }

        return g;
    }

    static double Kl(double[] la, double[] lb)
    {
        double sum = 0;
        for (int i = 0; i < la.Length; i++)
        {
            double a = Math.Exp(la[i]);
            sum += a > 0 ? a * (la[i] - lb[i]) : 0;
        }

        return sum;
    }

    static double[] Mixture(double[] lp, double[] lq, double beta) =>
        [.. lp.Zip(lq, (p, q) => Math.Log((beta * Math.Exp(p)) + ((1 - beta) * Math.Exp(q))))];
}
