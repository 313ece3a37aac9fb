using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>
/// Floating-point operations behind one seed's student: its own, and the teacher's that are charged to it. A training position costs three
/// forward passes, or two and three products with each factor where only an adapter is trained, and one more where activations are computed
/// again; positions are counted whether their loss counts or not, because they are computed all the same.
/// </summary>
/// <param name="Student">Forward and backward, all steps.</param>
/// <param name="Teacher">Answers, signals and sampled text, a seed's share of what is done once for all, and what the student writes for the
/// teacher to score.</param>
public sealed record TrainingCompute(double Student, double Teacher)
{
    /// <summary>Below this factor a second twin would be told apart from the first by nothing but chance.</summary>
    public const double LeastFactor = 1.02;

    /// <summary>How much longer a student without the teacher could have trained for the same arithmetic.</summary>
    public double Factor => (Student + Teacher) / Student;

    /// <param name="student">The student's shape.</param>
    /// <param name="teacher">The teacher's shape, or null.</param>
    /// <param name="positions">Positions one student is trained on, with repetition.</param>
    /// <param name="scored">Of them, those a live teacher scores beside the student.</param>
    /// <param name="once">Positions the teacher scores or writes once for all seeds: a stored signal's, the sampled text's.</param>
    /// <param name="written">Tokens the student writes for the teacher to score.</param>
    /// <param name="context">Positions a token attends to, on average.</param>
    /// <param name="adapter">What is trained of the student; null for all of it.</param>
    /// <param name="checkpointing">Activations are computed again.</param>
    public static TrainingCompute Of(LlamaConfig student, LlamaConfig? teacher, long positions, long scored, long once, int seeds, double written, double context,
        LoraOptions? adapter = null, bool checkpointing = false) =>
        new(
            ((((adapter is null ? 3 : 2) + (checkpointing ? 1 : 0)) * student.ForwardFlops(context)) + (6.0 * (adapter?.Parameters(student) ?? 0))) * positions,
            teacher is null ? 0 : (teacher.ForwardFlops(context) * (scored + ((double)once / seeds))) + (student.ForwardFlops(context) * written));
}
