using System.CommandLine;
using Retort.Model.Files;

namespace Retort.Cli;

static class ConvertCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> from = Inputs.Argument("IN", "A Hugging Face folder, a .gguf file or a llama2.c .bin file"), to = Inputs.Argument("OUT", "The folder to write, or a .gguf file");
        Option<string> type = new("--type") { Description = "How weights are stored", HelpName = "f32|f16|bf16|q8_0|q4_0", DefaultValueFactory = _ => "f32" };
        Option<string?> tokenizer = Inputs.Text("--tokenizer", "FILE", "A tokenizer that goes before the one beside the model");
        Option<string?> adapter = Inputs.Text("--adapter", "DIR", "A LoRA adapter in PEFT's form to merge into the model");
        Option<bool> force = Inputs.Flag("--force", "Replace a model that is already in OUT");
        Verb verb = new(
            "convert", "Write a model as a Hugging Face folder or as a GGUF file for llama.cpp and Ollama, tokenizer included.",
            "retort convert stories260K.bin stories260K --type bf16",
            "retort convert runs/tales/student student-f16 --type f16",
            "retort convert runs/tales/student student.gguf --type q8_0",
            "retort convert base merged --adapter runs/narrow/student/adapter --type bf16")
        {
            from, to, type, adapter, tokenizer, force,
        };
        verb.SetAction(parsed =>
        {
            string place = parsed.GetRequiredValue(to), name = parsed.GetRequiredValue(type);
            bool gguf = place.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
            ConvertedModel made = gguf
                ? ModelConversion.ToGguf(parsed.GetRequiredValue(from), place, BlockType(name), parsed.GetValue(tokenizer), parsed.GetValue(adapter), parsed.GetValue(force), session.Stop)
                : ModelConversion.Run(parsed.GetRequiredValue(from), place, Number(name), parsed.GetValue(tokenizer), parsed.GetValue(adapter), parsed.GetValue(force), session.Stop);
            session.Answer(
                gguf ? new { file = made.Path, type = name, made.Parameters, made.Bytes, made.Tokenizer } : new { folder = made.Path, type = name, made.Parameters, made.Bytes, made.Tokenizer },
                [
                    $"{made.Path}: {made.Parameters:n0} parameters as {name}, {made.Bytes:n0} bytes",
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
        "q8_0" or "q4_0" or "q4_k" => throw new UserError($"a folder cannot hold {name}", "--type", "Take f32, f16 or bf16, or name a .gguf file to write."),
        _ => throw new UserError($"there is no number type '{name}'", "--type", "Take f32, f16 or bf16; in a .gguf file also q8_0 or q4_0."),
    };

    static GgufType BlockType(string name) => name switch
    {
        "f32" => GgufType.F32,
        "f16" => GgufType.F16,
        "bf16" => GgufType.BF16,
        "q8_0" => GgufType.Q8_0,
        "q4_0" => GgufType.Q4_0,
        "q4_k" => throw new UserError("q4_k is read and not written", "--type", "Take q8_0 or q4_0."),
        _ => throw new UserError($"there is no number type '{name}'", "--type", "Take f32, f16, bf16, q8_0 or q4_0."),
    };
}
