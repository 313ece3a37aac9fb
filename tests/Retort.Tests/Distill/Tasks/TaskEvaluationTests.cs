using Retort.Distill;

namespace Retort.Tests.Distill.Tasks;

public sealed class TaskEvaluationTests
{
    static readonly TaskForm s_form = TaskFormTests.Labels("a", "b");
    static readonly CostFacts s_cost = new("USD", 0.04, 2, Distillation: 3, StudentPerMillion: 1, TeacherPerMillion: 10, StudentPerCall: 0.001, TeacherPerCall: 0.011, CallsToBreakEven: 300);

    /// <summary>Forty prompts, half of them meaning each label; the student says "a" to the last ten "b", and is less sure there.</summary>
    static (TaskItem[] Items, TaskArm[] Arms) World(bool gold = true)
    {
        TaskItem[] items =
        [
            .. Enumerable.Range(0, 40).Select(i => new TaskItem(new Document($"p{i}", "a", "prompt", null, null) { Slice = i % 2 == 0 ? "even" : null }, gold ? i < 20 ? "a" : "b" : null, i < 20 ? "a" : i == 39 ? "a" : "b")),
        ];
        TaskAnswer[] student = [.. items.Select((_, i) => new TaskAnswer(i < 20 ? "a" : i < 30 ? " b" : "a", i < 30 ? 0.9 : 0.4, 10 + i, 1))];
        return (items, [new("student", [student, student]), new("twin", [[.. student.Select(a => a with { Text = "a" })]]), new("twin_equal_compute", [])]);
    }

    [Fact]
    public void EveryNumberIsWhatItSays()
    {
        (TaskItem[] items, TaskArm[] arms) = World();
        TaskFacts f = TaskEvaluation.Of(s_form, ["a", "b"], 0.95, items, arms, [.. Enumerable.Range(0, 30).Select(i => (i < 20 ? 0.9 : 0.4, i < 20))], s_cost);
        Assert.Equal(["teacher", "student", "twin"], f.Rows.Select(r => r.Model));
        Assert.Equal((39.0 / 40, null), (f.Row("teacher")!.Gold!.Accuracy, f.Row("teacher")!.Teacher));
        Assert.Equal((0.75, 31.0 / 40), (f.Row("student")!.Gold!.Accuracy, f.Row("student")!.Teacher!.Accuracy));
        Assert.Equal(0.5, f.Row("twin")!.Gold!.Accuracy);
        Assert.Equal("gold", f.JudgedBy);
        Assert.Equal(2 * 40, f.Calibration.Bins.Sum(b => b.Count));

        // Sure where it is right: 0.9 with all right, 0.4 with none.
        Assert.Equal((0.75 * 0.1) + (0.25 * 0.4), f.Calibration.Error, 1e-9);
        Assert.Equal((0.9, 30, 40, 0.75, 1.0), (f.Cascade!.Threshold!.Value, f.Cascade.ChosenOn, f.Cascade.JudgedOn, f.Cascade.Share, f.Cascade.Agreement!.Value));
        Assert.InRange(f.Cascade.AgreementLow, 0.9, 0.93);
        Assert.Equal(39.0 / 40, f.Cascade.Accuracy!.Value, 1e-12);
        Assert.Equal(0.001 + (0.25 * 0.011), f.Cascade.PerCall!.Value, 1e-12);
        Assert.Equal(Math.Ceiling(3 / (0.011 - 0.00375)), f.Cascade.CallsToBreakEven);
    }

    [Fact]
    public void TheWorstSlicesStandFirst()
    {
        (TaskItem[] items, TaskArm[] arms) = World();
        TaskFacts f = TaskEvaluation.Of(s_form, ["a", "b"], 0.95, items, arms, [], s_cost);
        Assert.Equal(("length", "40 to 49 tokens", 0.0, 10), (f.Slices[0].By, f.Slices[0].Value, f.Slices[0].Accuracy, f.Slices[0].Items));
        Assert.Equal(("label", "b", 0.5, 20, 0.0, 0.95), (f.Slices[1].By, f.Slices[1].Value, f.Slices[1].Accuracy, f.Slices[1].Items, f.Slices[1].Twin!.Value, f.Slices[1].Teacher!.Value));
        Assert.All(f.Slices, s => Assert.True(s.Low <= s.Accuracy && s.Accuracy <= s.High && s.Accuracy < 0.75));
        Assert.Equal(2 + 4 + 1, f.SlicesSeen);
        Assert.Null(f.Cascade);
    }

    [Fact]
    public void WithoutGoldTheTeacherIsWhatCounts()
    {
        (TaskItem[] items, TaskArm[] arms) = World(gold: false);
        TaskFacts f = TaskEvaluation.Of(s_form, ["a", "b"], 1, items, arms, [.. Enumerable.Range(0, 30).Select(i => (0.9, false))], s_cost with { TeacherPerCall = null });
        Assert.Equal(["student", "twin"], f.Rows.Select(r => r.Model));
        Assert.All(f.Rows, r => Assert.Null(r.Gold));
        Assert.Equal("teacher", f.JudgedBy);
        Assert.Equal((null, 0.0, null, null, null), (f.Cascade!.Threshold, f.Cascade.Share, f.Cascade.Agreement, f.Cascade.PerCall, f.Cascade.CallsToBreakEven));
    }
}
