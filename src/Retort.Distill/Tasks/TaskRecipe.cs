using Retort.Model.Grammars;

namespace Retort.Distill;

/// <summary>What a recipe's <c>task</c> says: every answer is one of some labels, or JSON by a schema.</summary>
/// <param name="Form">Labels or a schema.</param>
/// <param name="SchemaFile">Where the schema came from; null for labels.</param>
/// <param name="Agree">How often the answers that a cascade leaves to the student are to be the teacher's.</param>
public sealed record TaskRecipe(AnswerForm Form, string? SchemaFile, double Agree)
{
    /// <param name="task">The mapping, whose faults are collected.</param>
    /// <param name="absolute">Makes a path of the recipe's absolute.</param>
    /// <returns>Null where there is none.</returns>
    internal static TaskRecipe? Read(YamlFields task, Func<string, string> absolute)
    {
        IReadOnlyList<string>? labels = task.Texts("labels");
        string? file = task.Text("schema") is { } path ? absolute(path) : null;
        double agree = task.Number("agree", 0.95, 0.01, 1);
        task.Close();
        if (!task.Present)
        {
            return null;
        }

        if (labels is null == file is null)
        {
            task.Fault("labels", "or schema is needed, one of them: the texts an answer may be, or a file with a JSON Schema");
            return null;
        }

        if (labels is not null && (labels.Count < 2 || labels.Any(string.IsNullOrWhiteSpace) || labels.Any(l => l != l.Trim()) || labels.Distinct(StringComparer.Ordinal).Count() < labels.Count))
        {
            task.Fault("labels", "must be at least two different texts, without space around them");
            return null;
        }

        AnswerForm form = labels is not null ? new AnswerForm.Labels(labels) : new AnswerForm.Schema(AnswerSchema.ReadJson(file!));
        try
        {
            form.Check(file ?? "task.labels");
        }
        catch (UserError e)
        {
            task.Fault(labels is null ? "schema" : "labels", $"cannot be kept to while answers are written: {e.What}");
            return null;
        }

        return new(form, file, agree);
    }
}
