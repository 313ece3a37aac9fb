namespace Retort.Distill;

public enum ScheduleKind
{
    /// <summary>Warm-up, then half a cosine down to the floor.</summary>
    Cosine,

    /// <summary>Warm-up, a plateau, then a linear decay over the last part (warmup-stable-decay, arXiv 2404.06395).</summary>
    WarmupStableDecay,
}

/// <summary>The learning rate of each step.</summary>
/// <param name="Kind">Shape after the warm-up.</param>
/// <param name="Warmup">Share of the steps that rise linearly from 0.</param>
/// <param name="Decay">Share of the steps that fall, for warmup-stable-decay.</param>
/// <param name="Floor">Last rate as a share of the peak.</param>
public sealed record Schedule(ScheduleKind Kind = ScheduleKind.Cosine, double Warmup = 0.05, double Decay = 0.2, double Floor = 0.05)
{
    /// <summary>Rate of step <paramref name="step"/> (0-based) of <paramref name="steps"/>.</summary>
    public float Rate(double peak, int step, int steps)
    {
        double rise = Math.Max(1, Math.Round(Warmup * steps));
        if (step < rise)
        {
            return (float)(peak * (step + 1) / rise);
        }

        if (Kind == ScheduleKind.Cosine)
        {
            double along = (step - rise) / Math.Max(1, steps - 1 - rise);
            return (float)(peak * (Floor + ((1 - Floor) * 0.5 * (1 + Math.Cos(Math.PI * along)))));
        }

        double fall = Math.Max(1, Math.Round(Decay * steps)), left = steps - 1 - step;
        return (float)(left >= fall ? peak : peak * (Floor + ((1 - Floor) * left / fall)));
    }
}
