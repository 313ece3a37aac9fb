using System.CommandLine;
using Retort.Distill;
using Retort.Model.Llama;

namespace Retort.Cli;

static class InitCommand
{
    public static Verb Create(Session session)
    {
        Option<string> teacher = Inputs.Required("--teacher", "MODEL", "The model to learn from: a Hugging Face folder, a .gguf file or a llama2.c .bin file");
        Option<string> student = Inputs.Required("--student", "MODEL|SHAPE", $"A model of the same vocabulary, or a shape {ShapeText.Form} to begin from nothing");
        Option<string> prompts = Inputs.Required("--prompts", "FILE", "JSON lines of \"prompt\" and \"answer\", or a .txt file, or a folder of either");
        Option<string> path = new("--output", "-o") { Description = "The recipe to write", HelpName = "FILE", DefaultValueFactory = _ => "recipe.yaml" };
        Option<bool> force = Inputs.Flag("--force", "Replace a recipe that is already there");
        Verb verb = new(
            "init", "Write a commented recipe for a teacher, a student and a file of prompts, its lengths and shares fitted to them.",
            "retort init --teacher models/tales-teacher --student 64,4,4,2,172 --prompts questions.jsonl -o recipe.yaml")
        {
            teacher, student, prompts, path, force,
        };
        verb.SetAction(parsed =>
        {
            string made = parsed.GetRequiredValue(path), s = parsed.GetRequiredValue(student);
            LlamaConfig? shape = ShapeText.Is(s) ? ShapeText.Parse(s, "--student", 256, 1) : null;
            RecipeDraft.Write(made, parsed.GetRequiredValue(teacher), shape, s, parsed.GetRequiredValue(prompts), parsed.GetValue(force));
            session.Answer(new { recipe = made }, [$"Wrote {made}. Read it, then run: retort distill {made}"]);
            return ExitCode.Done;
        });
        return verb;
    }
}
