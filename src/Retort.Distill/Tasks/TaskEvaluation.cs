using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>A held-out prompt of a task.</summary>
/// <param name="Gold">The right answer; null where nobody knows it.</param>
/// <param name="Teacher">The teacher's answer; null where it gave none that is one.</param>
sealed record TaskItem(Document Document, string? Gold, string? Teacher);

/// <summary>What models of one recipe answered, a seed each, in the order of the items.</summary>
sealed record TaskArm(string Model, IReadOnlyList<IReadOnlyList<TaskAnswer>> Seeds);

/// <summary>Puts answers beside what they should be: how good the models are, where the students fail, and when they may answer alone.</summary>
static class TaskEvaluation
{
    public const string Teacher = "teacher", Student = "student";

    /// <summary>Fewer validation prompts than these choose no threshold worth trusting.</summary>
    const int FewestToChoose = 20;

    const int FewestInSlice = 8, MostSlices = 8, MostValues = 24;

    /// <param name="items">Held out; at least one, each with a right answer or the teacher's.</param>
    /// <param name="arms">The students', and others'.</param>
    /// <param name="chosen">The first student's answers to validation prompts, and whether each is the teacher's.</param>
    public static TaskFacts Of(TaskForm form, IReadOnlyList<string> labels, double agree, IReadOnlyList<TaskItem> items, IReadOnlyList<TaskArm> arms, IReadOnlyList<(double Confidence, bool Agrees)> chosen, CostFacts cost)
    {
        bool gold = items.Any(i => i.Gold is not null);
        TaskArm student = arms.First(a => a.Model == Student);
        List<TaskRow> rows = [];
        if (items.Any(i => i is { Gold: not null, Teacher: not null }))
        {
            rows.Add(new(Teacher, TaskMeasure.Of(form, [.. items.Where(i => i is { Gold: not null, Teacher: not null }).Select(i => (i.Teacher!, i.Gold!))]), null));
        }

        rows.AddRange(arms.Where(a => a.Seeds.Count > 0).Select(a => new TaskRow(a.Model, Measure(form, items, a, i => i.Gold), Measure(form, items, a, i => i.Teacher))));
        string? Should(TaskItem item) => gold ? item.Gold : item.Teacher;
        ExpectedCalibrationError calibration = new();
        foreach (IReadOnlyList<TaskAnswer> seed in student.Seeds)
        {
            foreach ((TaskItem item, TaskAnswer answer) in items.Zip(seed).Where(p => Should(p.First) is not null))
            {
                calibration.Add(Math.Min(1, answer.Confidence), form.Same(answer.Text, Should(item)!));
            }
        }

        (int seen, IReadOnlyList<TaskSlice> worst) = Slices(form, items, arms, Should, gold);
        return new(labels, items.Count, rows, calibration.Result(), gold ? "gold" : Teacher, seen, worst, Cascade(form, agree, items, student.Seeds[0], chosen, cost));
    }

    static TaskMeasure? Measure(TaskForm form, IReadOnlyList<TaskItem> items, TaskArm arm, Func<TaskItem, string?> reference)
    {
        int[] with = [.. Enumerable.Range(0, items.Count).Where(i => reference(items[i]) is not null)];
        return with.Length == 0 ? null : TaskMeasure.Mean([.. arm.Seeds.Select(s => TaskMeasure.Of(form, [.. with.Select(i => (s[i].Text, reference(items[i])!))]))]);
    }

    static (int Seen, IReadOnlyList<TaskSlice> Worst) Slices(TaskForm form, IReadOnlyList<TaskItem> items, IReadOnlyList<TaskArm> arms, Func<TaskItem, string?> should, bool gold)
    {
        TaskArm student = arms.First(a => a.Model == Student), twin = arms.First(a => a.Model == "twin");
        int[] judged = [.. Enumerable.Range(0, items.Count).Where(i => should(items[i]) is not null)];
        double Right(TaskArm arm, IReadOnlyList<int> of) => of.Average(i => arm.Seeds.Average(s => form.Same(s[i].Text, should(items[i])!) ? 1.0 : 0.0));
        TaskSlice[] all =
        [
            .. Parts().Where(p => p.Of.Count >= FewestInSlice && p.Of.Count < judged.Length).Select(p =>
            {
                double accuracy = Right(student, p.Of);
                (double low, double high) = WilsonInterval.Of((int)Math.Round(accuracy * p.Of.Count), p.Of.Count);
                int[] told = [.. p.Of.Where(i => items[i].Teacher is not null)];
                return new TaskSlice(
                    p.By, p.Value, p.Of.Count, accuracy, low, high, twin.Seeds.Count == 0 ? null : Right(twin, p.Of),
                    gold && told.Length > 0 ? told.Average(i => form.Same(items[i].Teacher!, should(items[i])!) ? 1.0 : 0.0) : null);
            }),
        ];
        double whole = Right(student, judged);
        return (all.Length, [.. all.Where(s => s.Accuracy < whole).OrderBy(s => s.Accuracy).ThenByDescending(s => s.Items).Take(MostSlices)]);

        IEnumerable<(string By, string Value, IReadOnlyList<int> Of)> Parts() =>
        [
            .. form.Fields.Count == 0 ? By("label", i => form.Canonical(should(items[i])!)) : form.Fields.SelectMany(f => By(f, i => TaskForm.Field(should(items[i])!, f)?.Trim('"'))),
            .. By("slice", i => items[i].Document.Slice), .. By("kind", i => items[i].Document.Kind), .. Lengths(),
        ];

        // A field of many values is a text, not a class.
        IEnumerable<(string, string, IReadOnlyList<int>)> By(string by, Func<int, string?> value)
        {
            IGrouping<string, int>[] groups = [.. judged.Where(i => value(i) is not null).GroupBy(i => value(i)!, StringComparer.Ordinal)];
            return groups.Length > MostValues ? [] : groups.Select(g => (by, g.Key, (IReadOnlyList<int>)[.. g]));
        }

        IEnumerable<(string, string, IReadOnlyList<int>)> Lengths()
        {
            int[] ordered = [.. judged.OrderBy(i => student.Seeds[0][i].PromptTokens).ThenBy(i => i)];
            return ordered.Chunk(Math.Max(1, (ordered.Length + 3) / 4)).Select(q => (
                "length", $"{ReportNumbers.Whole(student.Seeds[0][q[0]].PromptTokens)} to {ReportNumbers.Whole(student.Seeds[0][q[^1]].PromptTokens)} tokens", (IReadOnlyList<int>)q));
        }
    }

    static TaskCascade? Cascade(TaskForm form, double agree, IReadOnlyList<TaskItem> items, IReadOnlyList<TaskAnswer> student, IReadOnlyList<(double Confidence, bool Agrees)> chosen, CostFacts cost)
    {
        int[] told = [.. Enumerable.Range(0, items.Count).Where(i => items[i].Teacher is not null)];
        if (chosen.Count < FewestToChoose || told.Length == 0)
        {
            return null;
        }

        double threshold = SelectiveAnswers.Threshold(chosen, agree);
        int[] own = [.. told.Where(i => student[i].Confidence >= threshold)], known = [.. told.Where(i => items[i].Gold is not null)];
        int same = own.Count(i => form.Same(student[i].Text, items[i].Teacher!));
        double share = (double)own.Length / told.Length;
        double? call = cost.TeacherPerCall is { } price ? cost.StudentPerCall + ((1 - share) * price) : null;
        return new(
            agree, double.IsInfinity(threshold) ? null : threshold, chosen.Count, told.Length, share, own.Length == 0 ? null : (double)same / own.Length, WilsonInterval.Lower(same, own.Length),
            known.Length == 0 ? null : known.Average(i => form.Same(student[i].Confidence >= threshold ? student[i].Text : items[i].Teacher!, items[i].Gold!) ? 1.0 : 0.0),
            call, call < cost.TeacherPerCall ? Math.Ceiling(cost.Distillation / (cost.TeacherPerCall.Value - call.Value)) : null);
    }
}
