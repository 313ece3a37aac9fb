using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>Who trains the student, and who the twin: the same one where both learn from the same text.</summary>
/// <param name="Twin">Null where none is trained.</param>
sealed record Trainers(Trainer Student, Trainer? Twin)
{
    public static Trainers Of(Recipe recipe, LlamaConfig config, RunData data, TeacherSignal signal, Workers workers)
    {
        bool adapter = recipe.Student is StudentRecipe.From { Lora: not null };
        Trainer On(Dataset rows, TeacherSignal of, OnPolicy? own) => new(config, rows, of, recipe.Train.Rows, workers, own, adapter, recipe.Train.Checkpointing);
        Trainer student = On(data.Train, signal, recipe.Train.OnPolicy is { } own ? OnPolicy.Of(own, data.Corpus.Train, data.Train, data.Tokenizer) : null);
        return new(student, recipe.Twin is null || !data.HasTwin ? null : data.Twin is { } text ? On(text, new TeacherSignal.Text(), null) : student);
    }

    public Trainer Of(string arm) => arm == DistillJob.Arm.Student ? Student : Twin!;
}
