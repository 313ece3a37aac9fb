using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>What is known of the teacher's distribution at each token of a dataset.</summary>
public abstract record TeacherSignal
{
    TeacherSignal()
    {
    }

    /// <summary>Tokens its probabilities are over; null where it holds none.</summary>
    public int? Vocabulary => this switch
    {
        Dense dense => dense.Teacher.Config.Vocabulary,
        Sparse sparse => sparse.File.Header.Vocabulary,
        _ => null,
    };

    /// <summary>Nothing but the text: cross entropy alone.</summary>
    public sealed record Text : TeacherSignal;

    /// <summary>A teacher in memory that scores every batch; every logit is seen.</summary>
    public sealed record Dense(LlamaWeights Teacher) : TeacherSignal;

    /// <summary>A stored file of kept entries.</summary>
    public sealed record Sparse(SignalFile File) : TeacherSignal;
}

/// <summary>Names of the ways to treat what the kept entries leave out.</summary>
public static class TailNames
{
    public static string Of(TailHandling tail) => tail switch
    {
        TailHandling.Bucket => "bucket",
        TailHandling.Renormalize => "renormalize",
        _ => "sample",
    };
}
