using System.Globalization;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>Whether a run fits, before it begins.</summary>
public sealed partial class DistillJob
{
    void CheckMemory(LlamaConfig student, LlamaWeights? teacher)
    {
        LlamaConfig c = student;
        double tokens = (double)_recipe.Train.Rows * _recipe.Train.Context;
        double inputs = tokens * c.Layers * c.Hidden, layer = tokens * ((2.0 * c.Hidden) + (2 * c.QueryWidth) + (2 * c.KeyWidth) + (2.0 * c.FeedForward));
        double kept = inputs + (layer * (_recipe.Train.Checkpointing ? Math.Min(2, c.Layers) : c.Layers)), beside = tokens * ((12.0 * c.Hidden) + (6 * c.QueryWidth) + (4 * c.FeedForward));
        int models = 1 + _recipe.Train.Seeds.Count + (_recipe.Twin is { } twin ? _recipe.Train.Seeds.Count * (twin.EqualCompute ? 2 : 1) : 0);
        double trained = Lora is { } lora ? lora.Adapter.Parameters(c) : c.Parameters;
        double weights = (3.0 * trained) + (c.Parameters * (double)models), frozen = Frozen?.Weights.Bytes ?? 0;
        double needed = (4.0 * (weights + kept + beside)) + frozen + (128 << 20), available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - (teacher is null ? 0 : LlamaWeights.Bytes(teacher.Config));
        if (needed > available)
        {
            throw new UserError(
                string.Create(CultureInfo.InvariantCulture, $"training this student takes about {needed / (1L << 30):f1} GiB, and {available / (1L << 30):f1} GiB are there"), "student",
                _recipe.Train.Checkpointing ? "Lower train.rows or train.context (accumulate keeps the batch), or take a smaller student." : "Set train.checkpointing: true, lower train.rows or train.context (accumulate keeps the batch), or take a smaller student.");
        }
    }
}
