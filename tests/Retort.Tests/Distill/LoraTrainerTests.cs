using System.Runtime.InteropServices;
using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Tests.Distill;

public sealed class LoraTrainerTests : IDisposable
{
    static readonly LoraOptions s_options = new(4, 8, LoraOptions.AllTargets, 0.2);

    readonly string _folder = Directory.CreateTempSubdirectory("retort-lora").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static StudentWeights.Adapted Student(ulong seed = 3)
    {
        LoraAdapter adapter = new(TrainerTests.Student, s_options);
        adapter.Initialize(seed);
        return new(FrozenWeights.Of(MicroBatchTests.Loud(TrainerTests.Student, 2), NarrowFormat.BFloat16, "test"), adapter);
    }

    static Trainer Trainer(Workers workers, int rows = 4, bool checkpointing = false) =>
        new(TrainerTests.Student, TrainerTests.Data(10, 1), new TeacherSignal.Dense(TrainerTests.Model(TrainerTests.Teacher, 9)), rows, workers, frozen: true, checkpointing: checkpointing);

    static byte[] Bits(LoraAdapter adapter) => [.. adapter.Arenas.SelectMany(a => MemoryMarshal.AsBytes(a.Span).ToArray())];

    static byte[] Trained(int threads, int rows = 4, int accumulate = 1, bool checkpointing = false, int steps = 20)
    {
        using Workers workers = new(threads);
        StudentWeights.Adapted student = Student();
        Trainer(workers, rows, checkpointing).Run(student, TrainerTests.Options(steps, rows, accumulate), null, null, default);
        return Bits(student.Adapter);
    }

    [Fact]
    public void ThreadsMicroBatchesAndCheckpointsGiveTheSameBits()
    {
        byte[] one = Trained(1);
        Assert.Equal(one, Trained(2));
        Assert.Equal(one, Trained(3));
        Assert.Equal(one, Trained(2, rows: 2, accumulate: 2));
        Assert.Equal(one, Trained(2, rows: 1, accumulate: 4));
        Assert.Equal(one, Trained(2, checkpointing: true));
    }

    [Fact]
    public void AResumedTrainingEndsInTheSameBits()
    {
        byte[] whole = Trained(2, steps: 30);
        using Workers workers = new(2);
        Checkpoint checkpoint = new(Path.Combine(_folder, "a.state"), "key");
        using CancellationTokenSource stop = new();
        Assert.Throws<OperationCanceledException>(() => Trainer(workers).Run(
            Student(), TrainerTests.Options(30) with { CheckpointSeconds = 0 }, checkpoint, (point, _) => stop.Cancel(), stop.Token));
        StudentWeights.Adapted again = Student(99);
        Assert.InRange(checkpoint.Steps, 1, 29);
        Trainer(workers).Run(again, TrainerTests.Options(30), checkpoint, null, default);
        Assert.Equal(whole, Bits(again.Adapter));
    }

    [Fact]
    public void TrainingLowersTheLossAndLeavesTheBaseAlone()
    {
        using Workers workers = new(2);
        StudentWeights.Adapted student = Student();
        ushort[] before = [.. ((LinearMatrix.Narrow)student.Base.Parts.Layers[0].Gate).Words];
        IReadOnlyList<TrainPoint> curve = Trainer(workers).Run(student, TrainerTests.Options(200) with { Rate = 0.02 }, null, null, default);
        Assert.True(curve[^1].Loss < 0.9 * curve[0].Loss, $"from {curve[0].Loss} to {curve[^1].Loss}");
        Assert.Equal(before, ((LinearMatrix.Narrow)student.Base.Parts.Layers[0].Gate).Words);
    }

    /// <summary>Held-out points are of the student as it is used: nothing drops out.</summary>
    [Fact]
    public void ValidationMeasuresTheMergedStudent()
    {
        using Workers workers = new(2);
        StudentWeights.Adapted student = Student();
        Trainer(workers).Run(student, TrainerTests.Options(10), null, null, default);
        ValidationLoss validation = new(TrainerTests.Student, TrainerTests.Data(3, 4), 1, workers);
        Assert.Equal(validation.Measure(student.Merged(workers)), validation.Measure(student), 1e-5);
    }

    [Fact]
    public void ATrainerForOneWayRefusesTheOther()
    {
        using Workers workers = new(1);
        Assert.Throws<ArgumentException>(() => Trainer(workers).Run(TrainerTests.Model(TrainerTests.Student, 2), TrainerTests.Options(1), null, null, default));
    }
}
