namespace Retort.Model.Llama;

/// <summary>The matrices of a layer that an adapter may change, in the order Hugging Face lists them.</summary>
public enum LoraTarget
{
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
}

/// <summary>The shape of a low-rank adapter (Hu et al., arXiv 2106.09685): W + s·B·A in the place of W.</summary>
/// <param name="Rank">r, rows of A and columns of B.</param>
/// <param name="Alpha">s = α / r, or α / √r with <paramref name="RankStabilized"/>.</param>
/// <param name="Targets">Which matrices, without repetition and in order.</param>
/// <param name="Dropout">Share of A's inputs that fall in training.</param>
/// <param name="RankStabilized">rsLoRA (Kalajdzievski, arXiv 2312.03732).</param>
public sealed record LoraOptions(int Rank, double Alpha, IReadOnlyList<LoraTarget> Targets, double Dropout = 0, bool RankStabilized = false)
{
    public const int MostRank = 4096;

    public static IReadOnlyList<LoraTarget> AllTargets { get; } = Enum.GetValues<LoraTarget>();

    static readonly string[] s_names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    /// <summary>s.</summary>
    public float Scale => (float)(Alpha / (RankStabilized ? Math.Sqrt(Rank) : Rank));

    /// <summary>Names of the targets, as transformers calls the modules.</summary>
    public static IReadOnlyList<string> Names => s_names;

    public static string NameOf(LoraTarget target) => s_names[(int)target];

    /// <summary>The module's path within a layer.</summary>
    public static string ModuleOf(LoraTarget target) => (target < LoraTarget.Gate ? "self_attn." : "mlp.") + NameOf(target);

    public static LoraTarget? TargetOf(string name) => Array.IndexOf(s_names, name) is int at and >= 0 ? (LoraTarget)at : null;

    /// <summary>N and K of a target's matrix.</summary>
    public static (int Outputs, int Inputs) ShapeOf(LlamaConfig c, LoraTarget target) => target switch
    {
        LoraTarget.Query => (c.QueryWidth, c.Hidden),
        LoraTarget.Key or LoraTarget.Value => (c.KeyWidth, c.Hidden),
        LoraTarget.Output => (c.Hidden, c.QueryWidth),
        LoraTarget.Down => (c.Hidden, c.FeedForward),
        _ => (c.FeedForward, c.Hidden),
    };

    /// <summary>Number of weights an adapter of a model has.</summary>
    public long Parameters(LlamaConfig config) => config.Layers * Targets.Sum(t => ShapeOf(config, t) is var (n, k) ? (long)Rank * (n + k) : 0);

    /// <summary>Throws a <see cref="UserError"/> that names the first field no adapter can have.</summary>
    /// <param name="where">The file or recipe key the options came from.</param>
    public void Validate(string where)
    {
        Check(Rank is >= 1 and <= MostRank, where, "rank", Rank, $"between 1 and {MostRank}");
        Check(Alpha > 0 && double.IsFinite(Alpha), where, "alpha", Alpha, "a positive number");
        Check(Dropout is >= 0 and < 1, where, "dropout", Dropout, "at least 0 and below 1");
        if (Targets.Count == 0)
        {
            throw new UserError("an adapter needs at least one target", where, $"Name some of {string.Join(", ", s_names)}, or all-linear.");
        }
    }

    static void Check(bool holds, string where, string field, double value, string rule)
    {
        if (!holds)
        {
            throw new UserError($"{field} is {value}", where, $"It must be {rule}.");
        }
    }

    public bool Equals(LoraOptions? other) =>
        other is not null && (Rank, Alpha, Dropout, RankStabilized) == (other.Rank, other.Alpha, other.Dropout, other.RankStabilized) && Targets.SequenceEqual(other.Targets);

    public override int GetHashCode() => HashCode.Combine(Rank, Alpha, Targets.Count, Dropout, RankStabilized);
}
