using System.CommandLine;
using Retort.Model;
using Retort.Model.Files;

namespace Retort.Cli;

static class ConvertCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> from = Inputs.Argument("IN", "A Hugging Face folder or a llama2.c .bin file"), to = Inputs.Argument("OUT", "The folder to write");
        Option<string> type = new("--type") { Description = "How weights are stored", HelpName = "f32|f16|bf16", DefaultValueFactory = _ => "f32" };
        Option<string?> tokenizer = Inputs.Text("--tokenizer", "FILE", "A tokenizer that goes before the one beside the model");
        Option<bool> force = Inputs.Flag("--force", "Replace a model that is already in OUT");
        Verb verb = new(
            "convert", "Write a model as a Hugging Face folder, tokenizer included.",
            "retort convert stories260K.bin stories260K --type bf16",
            "retort convert runs/tales/student student-f16 --type f16")
        {
            from, to, type, tokenizer, force,
        };
        verb.SetAction(parsed =>
        {
            NumberType number = Number(parsed.GetRequiredValue(type));
            string folder = parsed.GetRequiredValue(to);
            if (folder.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            {
                throw new UserError("writing GGUF is not supported yet", folder, "Name a folder.");
            }

            ConvertedModel made = ModelConversion.Run(parsed.GetRequiredValue(from), folder, number, parsed.GetValue(tokenizer), parsed.GetValue(force), session.Stop);
            string name = number.ToString().ToLowerInvariant();
            session.Answer(
                new { folder = made.Folder, type = name, made.Parameters, made.Bytes, made.Tokenizer },
                [
                    $"{made.Folder}: {made.Parameters:n0} parameters as {name}, {made.Bytes:n0} bytes",
                    .. made.Tokenizer ? (string[])[] : ["No tokenizer lay beside the model, so none was written; name one with --tokenizer FILE."],
                ]);
            return ExitCode.Done;
        });
        return verb;
    }

    static NumberType Number(string name) => name switch
    {
        "f32" => NumberType.F32,
        "f16" => NumberType.F16,
        "bf16" => NumberType.BF16,
        "q8_0" or "q4_0" or "q4_k" => throw new UserError($"the number type {name} is not supported yet", "--type", "Take f32, f16 or bf16."),
        _ => throw new UserError($"there is no number type '{name}'", "--type", "Take f32, f16 or bf16."),
    };
}
