using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Model.Inference;

/// <summary>The weights of one layer; norms and biases are floats, matrices as they are stored.</summary>
public sealed record InferenceLayer(
    float[] AttentionNorm, WeightMatrix Query, WeightMatrix Key, WeightMatrix Value, WeightMatrix Output, float[] FeedForwardNorm, WeightMatrix Gate, WeightMatrix Up, WeightMatrix Down,
    float[]? QueryBias, float[]? KeyBias, float[]? ValueBias, float[]? QueryNorm, float[]? KeyNorm)
{
    internal IEnumerable<WeightMatrix> Matrices => [Query, Key, Value, Output, Gate, Up, Down];
}

/// <summary>A model to answer with, its matrices in the formats of its file or quantised from it.</summary>
/// <param name="Head">The embedding itself where the head is tied.</param>
public sealed record InferenceWeights(LlamaConfig Config, WeightMatrix Embedding, IReadOnlyList<InferenceLayer> Layers, float[] FinalNorm, WeightMatrix Head)
{
    IEnumerable<WeightMatrix> Matrices => [Embedding, .. Layers.SelectMany(l => l.Matrices), .. Config.TiedHead ? [] : new[] { Head }];

    internal bool AnyQuantized => Matrices.Any(m => m.Bits is not null);

    internal bool AnyStored => Matrices.Any(m => m.Stored is not null);

    /// <summary>Bytes of all matrices.</summary>
    public long Bytes => Matrices.Sum(m => m.Bytes);

    /// <summary>The same with every matrix quantised whose shape allows it.</summary>
    /// <exception cref="UserError">A weight is beyond the format's range.</exception>
    public InferenceWeights Quantized(WeightBits bits, string where)
    {
        WeightMatrix Pack(WeightMatrix m, string name) => m.Stored is null || !WeightMatrix.CanPack(m.Columns) ? m : MatrixPacking.Code(bits, m.Rows, m.Columns, (row, to) => m.Row(to, row), name, where);
        WeightMatrix embedding = Pack(Embedding, "the embedding");
        return this with
        {
            Embedding = embedding,
            Head = Config.TiedHead ? embedding : Pack(Head, "the head"),
            Layers = [.. Layers.Select((l, i) => l with
            {
                Query = Pack(l.Query, $"query of layer {i}"),
                Key = Pack(l.Key, $"key of layer {i}"),
                Value = Pack(l.Value, $"value of layer {i}"),
                Output = Pack(l.Output, $"output of layer {i}"),
                Gate = Pack(l.Gate, $"gate of layer {i}"),
                Up = Pack(l.Up, $"up of layer {i}"),
                Down = Pack(l.Down, $"down of layer {i}"),
            })],
        };
    }

    /// <summary>The weights of training, computed with in place.</summary>
    public static InferenceWeights Of(LlamaWeights weights) => new(
        weights.Config, Matrix(weights.Embedding), [.. weights.Layers.Select(Layer)], weights.FinalNorm.Span.ToArray(), Matrix(weights.Head));

    static InferenceLayer Layer(LayerWeights w) => new(
        w.AttentionNorm.Span.ToArray(), Matrix(w.Query), Matrix(w.Key), Matrix(w.Value), Matrix(w.Output), w.FeedForwardNorm.Span.ToArray(), Matrix(w.Gate), Matrix(w.Up), Matrix(w.Down),
        w.QueryBias?.Span.ToArray(), w.KeyBias?.Span.ToArray(), w.ValueBias?.Span.ToArray(), w.QueryNorm?.Span.ToArray(), w.KeyNorm?.Span.ToArray());

    static WeightMatrix Matrix(WeightSlice slice) => WeightMatrix.Of(slice.Arena.AsBytes(), (long)slice.Start * sizeof(float), FloatFormat.F32, slice.Shape[0], slice.Shape[1]);
}
