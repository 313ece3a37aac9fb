using System.Globalization;
using System.Text;
using Retort.Evidence.Terms;
using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>README.md of an exported student: metadata as Hugging Face reads it, what the run measured, and how to run the model. It says nothing the
/// report does not.</summary>
static class ModelCard
{
    /// <param name="name">What to call the model.</param>
    /// <param name="type">How its weights are stored: f32, f16 or bf16.</param>
    /// <param name="conditions">What its terms ask that only a reader can judge.</param>
    public static string Write(RunReport report, string name, string type, IReadOnlyList<Obligation> conditions)
    {
        StringBuilder card = new();
        card.Append(CultureInfo.InvariantCulture, $"""
            ---
            pipeline_tag: text-generation
            library_name: transformers
            tags:
            - distillation
            - retort
            ---

            # {name}

            {report.Student.Shape}; {Whole(report.Student.Parameters)} parameters, weights in {type}.
            {Origin(report)}

            ## What the run found


            """);
        card.AppendLine(report.Verdict is { } verdict ? $"**{verdict.Label}.** {verdict.Reason}{(verdict.Measurement is { } m ? " " + m : "")}" : "Trained on text alone: there is no teacher, and so nothing to judge it by.").AppendLine();
        Metrics(card, report);
        Formats(card, report);
        card.Append(CultureInfo.InvariantCulture, $"""
            ## How to run it

            In Retort, as a text, or as a service behind OpenAI's interface:

                retort generate {name} --prompt "Once there was"
                retort serve {name} --format q8_0

            In llama.cpp:

                retort convert {name} {name}.gguf --type q8_0
                llama-cli -m {name}.gguf -p "Once there was"

            In Ollama, once it is a GGUF file:

                echo "FROM ./{name}.gguf" > Modelfile
                ollama create {name} -f Modelfile
                ollama run {name}

            ## Where it comes from

            Run {report.Run.Name} of {report.Run.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}, recipe {report.Run.RecipeHash[..Math.Min(16, report.Run.RecipeHash.Length)]}…, seed {report.Run.Seeds[0].ToString(CultureInfo.InvariantCulture)} of {report.Run.Seeds.Count.ToString(CultureInfo.InvariantCulture)}. Text: {report.Data.Source}, {Whole(report.Data.Documents)} documents, {Whole(report.Data.Tokens)} tokens.
            No licence is stated here: it follows from the teacher's terms and the text's; what these ask for lies beside, as NOTICE and LICENSE.

            """);
        foreach (Obligation condition in conditions)
        {
            card.AppendLine(CultureInfo.InvariantCulture, $"- {condition.Sentence} ({condition.Entry})");
        }

        return card.ToString().ReplaceLineEndings("\n");
    }

    static string Origin(RunReport report) => report.Teacher is { } teacher
        ? teacher.Parameters is { } its
            ? $"Distilled from {teacher.Reference} ({teacher.Shape}; {Whole(its)} parameters), {Times((double)its / report.Student.Parameters ?? 0)} smaller."
            : $"Distilled from {teacher.Reference}, {teacher.Shape}."
        : "Trained from text, without a teacher.";

    static void Metrics(StringBuilder card, RunReport report)
    {
        bool teacher = report.Teacher is not null, twin = report.Results.Twin is not null;
        if (report.Task is { } task)
        {
            card.AppendLine(CultureInfo.InvariantCulture, $"It answers one task: {(task.Labels.Count > 0 ? $"one of {string.Join(", ", task.Labels)}" : "JSON by the schema in answer_form.json")}. `retort serve` keeps its answers to that; elsewhere ask for it yourself.").AppendLine();
        }

        card.Append("| metric |").Append(teacher ? " teacher |" : "").Append(" student |").AppendLine(twin ? " twin |" : "");
        card.Append("|---|").Append(teacher ? "---|" : "").Append("---|").AppendLine(twin ? "---|" : "");
        foreach ((string name, string its, string own, string without) in report.Task is { } f ? TaskTables.Lines(f) : [])
        {
            card.Append(CultureInfo.InvariantCulture, $"| {name.Trim()} |").Append(teacher ? $" {its} |" : "").Append(CultureInfo.InvariantCulture, $" {own} |").AppendLine(twin ? $" {without} |" : "");
        }

        foreach (MetricRow row in ReportTables.Metrics(report))
        {
            card.Append(CultureInfo.InvariantCulture, $"| {row.Name} |").Append(teacher ? $" {row.Teacher} |" : "").Append(CultureInfo.InvariantCulture, $" {row.Student} |").AppendLine(twin ? $" {row.Twin} |" : "");
        }

        card.AppendLine(twin ? "\nThe twin is the same student, trained as long, without the teacher. Means over all seeds.\n" : "");
    }

    static void Formats(StringBuilder card, RunReport report)
    {
        if (report.Formats.Count == 0)
        {
            return;
        }

        card.AppendLine("| format | weights | perplexity | change |").AppendLine("|---|---|---|---|");
        foreach (FormatFacts f in report.Formats)
        {
            card.AppendLine(CultureInfo.InvariantCulture, $"| {f.Name} | {Bytes(f.Bytes)} | {Significant(f.Perplexity)} | {SignedPercent((f.Perplexity / report.Formats[0].Perplexity) - 1, 2)} |");
        }

        card.AppendLine();
    }
}
