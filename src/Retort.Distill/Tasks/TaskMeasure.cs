namespace Retort.Distill;

/// <summary>How often answers are those they should be.</summary>
/// <param name="Items">Answers compared.</param>
/// <param name="Accuracy">Share that is the same as a whole.</param>
/// <param name="MacroF1">Mean over labels of F1 = 2·tp / (2·tp + fp + fn), every label that stands on either side counting the same; of JSON the mean over its fields.</param>
/// <param name="Fields">Of JSON, in the schema's order; empty for labels.</param>
public sealed record TaskMeasure(int Items, double Accuracy, double MacroF1, IReadOnlyList<FieldMeasure> Fields)
{
    /// <param name="pairs">At least one; the answer and what it should be.</param>
    public static TaskMeasure Of(TaskForm form, IReadOnlyList<(string Answer, string Reference)> pairs)
    {
        double accuracy = pairs.Average(p => form.Same(p.Answer, p.Reference) ? 1.0 : 0.0);

        // A field that a broken answer lacks is not the one that the right answer lacks.
        bool[] isAnswer = [.. pairs.Select(p => form.Fault(p.Answer) is null)];
        FieldMeasure[] fields =
        [
            .. form.Fields.Select(f =>
            {
                (string? Answer, string? Reference)[] values = [.. pairs.Select(p => (TaskForm.Field(p.Answer, f), TaskForm.Field(p.Reference, f)))];
                return new FieldMeasure(f, values.Zip(isAnswer, (v, told) => told && v.Answer == v.Reference ? 1.0 : 0.0).Average(), F1(values));
            }),
        ];
        return new(pairs.Count, accuracy, fields.Length > 0 ? fields.Average(f => f.MacroF1) : F1([.. pairs.Select(p => (form.Canonical(p.Answer), form.Canonical(p.Reference)))]), fields);
    }

    /// <summary>Of several models, one a seed, on the same items.</summary>
    public static TaskMeasure Mean(IReadOnlyList<TaskMeasure> all) => new(
        all[0].Items, all.Average(m => m.Accuracy), all.Average(m => m.MacroF1),
        [.. all[0].Fields.Select((f, i) => new FieldMeasure(f.Name, all.Average(m => m.Fields[i].Accuracy), all.Average(m => m.Fields[i].MacroF1)))]);

    static double F1(IReadOnlyList<(string? Answer, string? Reference)> pairs) =>
        pairs.SelectMany(p => new[] { p.Answer, p.Reference }).OfType<string>().Distinct(StringComparer.Ordinal).Select(label =>
        {
            int hit = pairs.Count(p => p.Answer == label && p.Reference == label), told = pairs.Count(p => p.Answer == label), meant = pairs.Count(p => p.Reference == label);
            return 2.0 * hit / (told + meant);
        }).DefaultIfEmpty(1).Average();
}

/// <summary>The same of one field of a JSON answer.</summary>
public sealed record FieldMeasure(string Name, double Accuracy, double MacroF1);
