using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>What of a student is trained: all of it, or an adapter on frozen weights.</summary>
public abstract record StudentWeights
{
    StudentWeights()
    {
    }

    /// <summary>The model as the passes read it, without its adapter.</summary>
    public abstract LlamaParts Parts { get; }

    /// <summary>What is trained.</summary>
    public abstract IReadOnlyList<FloatBuffer> Arenas { get; }

    /// <summary>The student as one full model: the trained weights themselves, or the frozen ones with the adapter merged into them.</summary>
    /// <param name="into">Memory of an earlier merging to use again, or null.</param>
    public abstract LlamaWeights Merged(Workers workers, LlamaWeights? into = null);

    public sealed record Full(LlamaWeights Weights) : StudentWeights
    {
        public override LlamaParts Parts => Weights.Parts;

        public override IReadOnlyList<FloatBuffer> Arenas => Weights.Arenas;

        public override LlamaWeights Merged(Workers workers, LlamaWeights? into = null) => Weights;
    }

    public sealed record Adapted(FrozenWeights Base, LoraAdapter Adapter) : StudentWeights
    {
        public override LlamaParts Parts => Base.Parts;

        public override IReadOnlyList<FloatBuffer> Arenas => Adapter.Arenas;

        public override LlamaWeights Merged(Workers workers, LlamaWeights? into = null)
        {
            LlamaWeights merged = into ?? new(Base.Config);
            Base.WidenInto(merged);
            Adapter.MergeInto(merged, workers);
            return merged;
        }
    }
}

/// <summary>The gradients of a student's trained weights.</summary>
/// <param name="Full">Null where the student is frozen.</param>
/// <param name="Adapter">Null where it has none.</param>
public sealed record StudentGradients(LlamaWeights? Full, LoraAdapter? Adapter)
{
    public IReadOnlyList<FloatBuffer> Arenas => Full?.Arenas ?? Adapter!.Arenas;

    /// <summary>Gradients of zero.</summary>
    public static StudentGradients Of(StudentWeights student) => student switch
    {
        StudentWeights.Full full => new(new LlamaWeights(full.Weights.Config), null),
        StudentWeights.Adapted adapted => new(null, new LoraAdapter(adapted.Adapter.Config, adapted.Adapter.Options)),
        _ => throw new InvalidOperationException("An unknown kind of student."),
    };
}
