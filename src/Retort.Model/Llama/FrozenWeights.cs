using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>
/// Weights that are not trained, in bfloat16 or Q8_0: a half or a quarter of their floats' memory. Norms and biases stay floats, and in Q8_0
/// a matrix whose rows do not divide into blocks of 32 is held in bfloat16.
/// </summary>
public sealed class FrozenWeights
{
    /// <summary>Numbers given or taken at once: no tensor exists in floats as a whole.</summary>
    const int Piece = 1 << 20;

    readonly Dictionary<string, LinearMatrix.Narrow> _matrices = new(StringComparer.Ordinal);
    readonly Dictionary<string, WeightSlice> _vectors = new(StringComparer.Ordinal);

    /// <summary>Weights of zero, to be filled by <see cref="Fill"/>.</summary>
    public FrozenWeights(LlamaConfig config, NarrowFormat format)
    {
        (Config, Format) = (config, format);
        foreach ((string name, int[] shape) in LlamaWeights.Plan(config))
        {
            if (shape is [int rows, int columns])
            {
                NarrowFormat mine = columns % NarrowRows.Block == 0 ? format : NarrowFormat.BFloat16;
                _matrices[name] = new(GC.AllocateUninitializedArray<ushort>(checked((int)NarrowRows.Words(mine, (long)rows * columns))), mine, rows, columns);
            }
            else
            {
                _vectors[name] = new(name, new FloatBuffer(shape[0]), 0, shape[0], shape);
            }
        }

        LinearMatrix embedding = _matrices[LlamaWeights.EmbeddingName];
        Parts = new(
            config, embedding, [.. Enumerable.Range(0, config.Layers).Select(Layer)], _vectors[LlamaWeights.FinalNormName], config.TiedHead ? embedding : _matrices[LlamaWeights.HeadName]);
    }

    public LlamaConfig Config { get; }

    public NarrowFormat Format { get; }

    public LlamaParts Parts { get; }

    /// <summary>Bytes that the matrices take.</summary>
    public long Bytes => _matrices.Values.Sum(m => (long)m.Words.Length * sizeof(ushort));

    /// <summary>The format that a recipe or an option calls bf16 or q8_0.</summary>
    /// <exception cref="UserError">It is called something else.</exception>
    public static NarrowFormat FormatOf(string name, string where) => name switch
    {
        "bf16" => NarrowFormat.BFloat16,
        "q8_0" => NarrowFormat.Q8_0,
        _ => throw new UserError($"frozen weights cannot be held as '{name}'", where, "Take bf16 or q8_0."),
    };

    /// <summary>A full model rounded to the format.</summary>
    /// <exception cref="UserError">A weight is beyond the format's range.</exception>
    public static FrozenWeights Of(LlamaWeights weights, NarrowFormat format, string where)
    {
        FrozenWeights made = new(weights.Config, format);
        Dictionary<string, WeightSlice> slices = weights.Slices().ToDictionary(s => s.Name, StringComparer.Ordinal);
        made.Fill((name, to, first) => slices[name].Span.Slice(first, to.Length).CopyTo(to), where);
        return made;
    }

    /// <summary>Fills every tensor in the order of <see cref="LlamaWeights.Plan"/>, piece by piece.</summary>
    /// <param name="read">Puts the numbers of a tensor from a place on into the span.</param>
    /// <exception cref="UserError">A weight is beyond the format's range.</exception>
    public void Fill(FrozenReader read, string where)
    {
        float[] piece = new float[Piece];
        foreach ((string name, int[] shape) in LlamaWeights.Plan(Config))
        {
            int length = shape.Aggregate(1, (a, b) => a * b);
            if (_vectors.TryGetValue(name, out WeightSlice? vector))
            {
                read(name, vector.Span, 0);
                continue;
            }

            LinearMatrix.Narrow matrix = _matrices[name];
            for (int at = 0; at < length; at += Piece)
            {
                Span<float> numbers = piece.AsSpan(0, Math.Min(Piece, length - at));
                read(name, numbers, at);
                if (!NarrowRows.Narrow(matrix.Words.AsSpan((int)NarrowRows.Words(matrix.Format, at)), numbers, matrix.Format))
                {
                    throw new UserError($"{name} holds a weight that {matrix.Format} cannot", where, "Its training diverged, or the file is damaged.");
                }
            }
        }
    }

    /// <summary>The same weights in floats, as the passes widen them.</summary>
    public LlamaWeights Widened()
    {
        LlamaWeights made = new(Config);
        WidenInto(made);
        return made;
    }

    /// <summary>Puts the same weights into a full model of this shape.</summary>
    public void WidenInto(LlamaWeights weights)
    {
        foreach (WeightSlice slice in weights.Slices())
        {
            if (_vectors.TryGetValue(slice.Name, out WeightSlice? vector))
            {
                vector.Span.CopyTo(slice.Span);
            }
            else
            {
                _matrices[slice.Name].CopyTo(slice.Span);
            }
        }
    }

    LayerParts Layer(int layer)
    {
        string at = $"model.layers.{layer}.";
        LinearMatrix Matrix(string name) => _matrices[$"{at}{name}.weight"];
        WeightSlice? Vector(string name) => _vectors.GetValueOrDefault(at + name);
        return new(
            Vector("input_layernorm.weight")!, Matrix("self_attn.q_proj"), Matrix("self_attn.k_proj"), Matrix("self_attn.v_proj"), Matrix("self_attn.o_proj"),
            Vector("post_attention_layernorm.weight")!, Matrix("mlp.gate_proj"), Matrix("mlp.up_proj"), Matrix("mlp.down_proj"),
            Vector("self_attn.q_proj.bias"), Vector("self_attn.k_proj.bias"), Vector("self_attn.v_proj.bias"), Vector("self_attn.q_norm.weight"), Vector("self_attn.k_norm.weight"));
    }
}

/// <summary>Reads numbers of a tensor.</summary>
/// <param name="name">As Hugging Face calls it.</param>
/// <param name="to">Output.</param>
/// <param name="first">The first number wanted.</param>
public delegate void FrozenReader(string name, Span<float> to, int first);
