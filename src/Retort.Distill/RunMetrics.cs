using System.Text.Json;
using System.Text.Json.Serialization;

namespace Retort.Distill;

/// <summary>One line of metrics.jsonl: a point of one model's loss curve.</summary>
/// <param name="Arm">Which of a seed's models.</param>
/// <param name="Tokens">Counted training tokens seen.</param>
/// <param name="Loss">Mean objective since the line before, nats per token.</param>
/// <param name="HeldOut">Cross entropy on validation rows, nats per token; null where it was not measured.</param>
/// <param name="GradientNorm">Before clipping.</param>
public sealed record MetricLine(string Arm, long Seed, int Step, long Tokens, double Loss, double? HeldOut, double Rate, double GradientNorm, double TokensPerS);

/// <summary>
/// metrics.jsonl of a run folder. The curves belong to the checkpoints; this file is their copy for readers, written whole after every
/// checkpoint, so that it never holds a line twice nor one that a resumed run would not have.
/// </summary>
/// <param name="path">The file.</param>
public sealed class RunMetrics(string path)
{
    static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };
    readonly List<(string Arm, long Seed, IReadOnlyList<TrainPoint> Curve)> _curves = [];

    /// <summary>Replaces one model's curve. Models stay in the order in which they were first put.</summary>
    public void Put(string arm, long seed, IReadOnlyList<TrainPoint> curve)
    {
        int at = _curves.FindIndex(c => c.Arm == arm && c.Seed == seed);
        if (at < 0)
        {
            _curves.Add((arm, seed, curve));
        }
        else
        {
            _curves[at] = (arm, seed, curve);
        }
    }

    public void Save() => AtomicFile.Write(path, stream =>
    {
        foreach ((string arm, long seed, IReadOnlyList<TrainPoint> curve) in _curves)
        {
            foreach (TrainPoint p in curve)
            {
                JsonSerializer.Serialize(stream, new MetricLine(arm, seed, p.Step, p.Tokens, p.Loss, p.HeldOut, p.Rate, p.GradientNorm, p.TokensPerS), s_json);
                stream.WriteByte((byte)'\n');
            }
        }
    });
}
