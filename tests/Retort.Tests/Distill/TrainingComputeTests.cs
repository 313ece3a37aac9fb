using Retort.Distill;
using Retort.Model.Llama;

namespace Retort.Tests.Distill;

public class TrainingComputeTests
{
    static readonly LlamaConfig s_student = new() { Hidden = 16, Layers = 2, Heads = 2, KeyValueHeads = 1, HeadSize = 8, FeedForward = 24, Vocabulary = 40, Context = 64 };

    static readonly LlamaConfig s_teacher = s_student with { Hidden = 24, HeadSize = 12, FeedForward = 40, Layers = 3 };

    static TrainingCompute Of(LlamaConfig? teacher, long scored, long once) => TrainingCompute.Of(s_student, teacher, 1000, scored, once, 5, 0, 32);

    [Fact]
    public void ALiveTeacherIsChargedForEveryPosition()
    {
        double student = s_student.ForwardFlops(32), teacher = s_teacher.ForwardFlops(32);
        Assert.Equal(1 + (teacher / (3 * student)), Of(s_teacher, 1000, 0).Factor, 1e-12);
        Assert.Equal(3 * student * 1000, Of(s_teacher, 1000, 0).Student);
    }

    [Fact]
    public void WhatIsDoneOnceIsSharedAmongSeeds() =>
        Assert.Equal(Of(s_teacher, 100, 0), Of(s_teacher, 0, 500));

    /// <summary>What the student writes for the teacher to score is part of what the teacher's help costs.</summary>
    [Fact]
    public void OwnWritingIsCharged() =>
        Assert.Equal(
            Of(s_teacher, 1000, 0).Teacher + (500 * s_student.ForwardFlops(32)),
            TrainingCompute.Of(s_student, s_teacher, 1000, 1000, 0, 5, 500, 32).Teacher);

    /// <summary>Frozen weights have no gradient of their own; each factor of an adapter has all three products.</summary>
    [Fact]
    public void AnAdapterSparesTheGradientsOfWeights()
    {
        LoraOptions lora = new(4, 8, [LoraTarget.Query, LoraTarget.Up]);
        double forward = s_student.ForwardFlops(32), thin = 2.0 * 2 * 4 * (16 + 16 + 16 + 24);
        Assert.Equal(((2 * forward) + (3 * thin)) * 1000, TrainingCompute.Of(s_student, null, 1000, 0, 0, 5, 0, 32, lora).Student, 1e-6);
        Assert.Equal(((3 * forward) + (3 * thin)) * 1000, TrainingCompute.Of(s_student, null, 1000, 0, 0, 5, 0, 32, lora, checkpointing: true).Student, 1e-6);
    }

    [Fact]
    public void TextAloneAndNoTeacherCostNothing()
    {
        Assert.Equal(1, Of(s_teacher, 0, 0).Factor);
        Assert.Equal(1, Of(null, 0, 0).Factor);
    }
}
