using System.CommandLine;
using Retort.Model.Inference;

namespace Retort.Cli;

/// <summary>The option that says how a model's matrices are kept to answer with.</summary>
static class AnswerFormats
{
    public static Option<string?> Option() => Inputs.Text("--format", "FORMAT", "Keep the weights as stored (the default), or as q8_0 or q4_0");

    /// <exception cref="UserError">It is no such format.</exception>
    public static AnswerFormat Of(string? name) => name?.ToLowerInvariant() switch
    {
        null or "stored" => AnswerFormat.Stored,
        "q8_0" => AnswerFormat.Q8,
        "q4_0" => AnswerFormat.Q4,
        _ => throw new UserError($"{name} is no format to answer with", "--format", "Formats are stored, q8_0 and q4_0."),
    };
}
