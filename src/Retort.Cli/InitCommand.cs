using System.CommandLine;
using Retort.Asking;
using Retort.Distill;
using Retort.Model.Llama;

namespace Retort.Cli;

static class InitCommand
{
    public static Verb Create(Session session)
    {
        Option<string> teacher = Inputs.Required("--teacher", "MODEL", "The model to learn from: a Hugging Face folder, a .gguf file, a llama2.c .bin file, or an endpoint https://host/v1#model");
        Option<string> student = Inputs.Required("--student", "MODEL|SHAPE", $"A model, of the same vocabulary where the teacher is on disk, or a shape {ShapeText.Form} to begin from nothing");
        Option<string> prompts = Inputs.Required("--prompts", "FILE", "JSON lines of \"prompt\" and \"answer\", or a .txt file, or a folder of either; for an endpoint any file retort collect takes, without answers");
        Option<string?> prices = Inputs.Text("--prices", "FILE", "For an endpoint, a table of prices, of which the recipe's ceiling is made"), register = TermsCommand.Register();
        Option<string> path = new("--output", "-o") { Description = "The recipe to write", HelpName = "FILE", DefaultValueFactory = _ => "recipe.yaml" };
        Option<bool> force = Inputs.Flag("--force", "Replace a recipe that is already there");
        Verb verb = new(
            "init", "Write a commented recipe for a teacher, a student and a file of prompts, its lengths and shares fitted to them.",
            "retort init --teacher models/tales-teacher --student 64,4,4,2,172 --prompts questions.jsonl -o recipe.yaml",
            "retort init --teacher https://api.deepseek.com/v1#deepseek-chat --student models/small --prompts questions.jsonl --prices prices.yaml")
        {
            teacher, student, prompts, path, prices, register, force,
        };
        verb.SetAction(parsed =>
        {
            string made = parsed.GetRequiredValue(path), s = parsed.GetRequiredValue(student);
            LlamaConfig? shape = ShapeText.Is(s) ? ShapeText.Parse(s, "--student", 256, 1) : null;
            string from = parsed.GetRequiredValue(teacher), questions = parsed.GetRequiredValue(prompts);
            if (Endpoint.Is(from))
            {
                DateOnly today = DateOnly.FromDateTime(session.Time.GetUtcNow().UtcDateTime);
                EndpointDraft.Write(made, Endpoint.Parse(from), shape, s, questions, parsed.GetValue(prices), ShippedTerms.Or(parsed.GetValue(register)), today, parsed.GetValue(force));
            }
            else if (parsed.GetValue(prices) is not null)
            {
                throw new UserError("a table of prices is for a teacher behind an endpoint", "--prices", "Leave it out: a model on disk costs nothing to ask.");
            }
            else
            {
                RecipeDraft.Write(made, from, shape, s, questions, parsed.GetValue(force));
            }

            session.Answer(new { recipe = made }, [$"Wrote {made}. Read it, then run: retort distill {made}"]);
            return ExitCode.Done;
        });
        return verb;
    }
}
