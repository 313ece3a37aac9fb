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

    /// <summary>A model from its tensors, asked for by Hugging Face's names.</summary>
    /// <param name="matrix">Gives a matrix of so many rows and columns.</param>
    /// <param name="vector">Gives a norm or a bias.</param>
    internal static InferenceWeights Read(LlamaConfig c, Func<string, int, int, WeightMatrix> matrix, Func<string, float[]> vector)
    {
        WeightMatrix embedding = matrix(LlamaWeights.EmbeddingName, c.Vocabulary, c.Hidden);
        InferenceLayer[] layers = [.. Enumerable.Range(0, c.Layers).Select(Layer)];
        return new(c, embedding, layers, vector(LlamaWeights.FinalNormName), c.TiedHead ? embedding : matrix(LlamaWeights.HeadName, c.Vocabulary, c.Hidden));

        InferenceLayer Layer(int layer)
        {
            string at = $"model.layers.{layer}.", attention = at + "self_attn.", forward = at + "mlp.";
            return new(
                vector(at + "input_layernorm.weight"),
                matrix(attention + "q_proj.weight", c.QueryWidth, c.Hidden),
                matrix(attention + "k_proj.weight", c.KeyWidth, c.Hidden),
                matrix(attention + "v_proj.weight", c.KeyWidth, c.Hidden),
                matrix(attention + "o_proj.weight", c.Hidden, c.QueryWidth),
                vector(at + "post_attention_layernorm.weight"),
                matrix(forward + "gate_proj.weight", c.FeedForward, c.Hidden),
                matrix(forward + "up_proj.weight", c.FeedForward, c.Hidden),
                matrix(forward + "down_proj.weight", c.Hidden, c.FeedForward),
                c.AttentionBias ? vector(attention + "q_proj.bias") : null,
                c.AttentionBias ? vector(attention + "k_proj.bias") : null,
                c.AttentionBias ? vector(attention + "v_proj.bias") : null,
                c.HeadNorm ? vector(attention + "q_norm.weight") : null,
                c.HeadNorm ? vector(attention + "k_norm.weight") : null);
        }
    }

    /// <summary>The same with every matrix quantised whose shape allows it.</summary>
    /// <param name="where">What an error calls the model.</param>
    /// <exception cref="UserError">A weight is beyond the format's range.</exception>
    public InferenceWeights Quantized(WeightBits bits, string where) => With((m, name) =>
        m.Stored is null || !WeightMatrix.CanPack(m.Columns) ? m : MatrixPacking.Code(bits, m.Rows, m.Columns, (row, to) => m.Row(to, row), name, where));

    /// <summary>The same with every matrix of floats stored in another of their formats, rounded to the nearest.</summary>
    public InferenceWeights Narrowed(FloatFormat format) => With((m, _) => m.Stored is null ? m : m.Narrowed(format));

    InferenceWeights With(Func<WeightMatrix, string, WeightMatrix> change)
    {
        WeightMatrix embedding = change(Embedding, "the embedding");
        return this with
        {
            Embedding = embedding,
            Head = Config.TiedHead ? embedding : change(Head, "the head"),
            Layers = [.. Layers.Select((l, i) => l with
            {
                Query = change(l.Query, $"query of layer {i}"),
                Key = change(l.Key, $"key of layer {i}"),
                Value = change(l.Value, $"value of layer {i}"),
                Output = change(l.Output, $"output of layer {i}"),
                Gate = change(l.Gate, $"gate of layer {i}"),
                Up = change(l.Up, $"up of layer {i}"),
                Down = change(l.Down, $"down of layer {i}"),
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
