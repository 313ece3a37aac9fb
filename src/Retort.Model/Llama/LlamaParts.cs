namespace Retort.Model.Llama;

/// <summary>One layer as the passes read it.</summary>
public sealed record LayerParts(
    WeightSlice AttentionNorm, LinearMatrix Query, LinearMatrix Key, LinearMatrix Value, LinearMatrix Output,
    WeightSlice FeedForwardNorm, LinearMatrix Gate, LinearMatrix Up, LinearMatrix Down,
    WeightSlice? QueryBias, WeightSlice? KeyBias, WeightSlice? ValueBias, WeightSlice? QueryNorm, WeightSlice? KeyNorm);

/// <summary>A model as the forward and backward pass read it, whatever its matrices are held in.</summary>
/// <param name="Head">The embedding itself when the head is tied.</param>
public sealed record LlamaParts(LlamaConfig Config, LinearMatrix Embedding, IReadOnlyList<LayerParts> Layers, WeightSlice FinalNorm, LinearMatrix Head)
{
    internal static LlamaParts Of(LlamaWeights weights)
    {
        LinearMatrix.Full embedding = new(weights.Embedding);
        return new(
            weights.Config, embedding,
            [.. weights.Layers.Select(w => new LayerParts(
                w.AttentionNorm, new LinearMatrix.Full(w.Query), new LinearMatrix.Full(w.Key), new LinearMatrix.Full(w.Value), new LinearMatrix.Full(w.Output),
                w.FeedForwardNorm, new LinearMatrix.Full(w.Gate), new LinearMatrix.Full(w.Up), new LinearMatrix.Full(w.Down),
                w.QueryBias, w.KeyBias, w.ValueBias, w.QueryNorm, w.KeyNorm))],
            weights.FinalNorm, weights.Config.TiedHead ? embedding : new LinearMatrix.Full(weights.Head));
    }
}
