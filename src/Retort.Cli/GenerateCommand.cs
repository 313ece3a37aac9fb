using System.CommandLine;
using Retort.Model.Inference;
using Retort.Model.Llama;

namespace Retort.Cli;

static class GenerateCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> model = Inputs.Argument("MODEL", "A Hugging Face folder, a .gguf file or a llama2.c .bin file");
        Option<string> prompt = Inputs.Required("--prompt", Inputs.FreeText, "What to continue; it is not printed again");
        Option<int> most = Inputs.Whole("--max-tokens", "Most tokens to write", 256, 0, int.MaxValue);
        Option<int?> topK = Inputs.OptionalWhole("--top-k", Unless("Draw from this many likeliest tokens; 0 keeps all", "0"), 0, int.MaxValue);
        Option<double?> temperature = Inputs.OptionalNumber("--temperature", Unless("Logits are divided by it; 0 takes the likeliest token", "1"), 0, 1000);
        Option<double?> topP = Inputs.OptionalNumber("--top-p", Unless("Draw from the fewest tokens that together are this probable", "1"), 1e-9, 1);
        Option<double?> minP = Inputs.OptionalNumber("--min-p", Unless("Leave out tokens less than this many times as probable as the likeliest", "0"), 0, 1);
        Option<double?> penalty = Inputs.OptionalNumber("--repetition-penalty", Unless("Above 1 makes tokens that occurred less likely", "1"), 0.001, 1000);
        Option<long> seed = Inputs.Seed("The same seed writes the same text", 0);
        Option<string[]> stop = Inputs.Many("--stop", Inputs.FreeText, "End where this text is written, and leave it out");
        stop.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => t.Value.Length == 0))
            {
                r.AddError("an empty text would end every answer at once");
            }
        });
        Option<string?> tokenizer = Inputs.Text("--tokenizer", "FILE", "A tokenizer that goes before the one beside the model");
        Option<string?> format = AnswerFormats.Option();
        Option<int> threads = Inputs.Threads();
        Verb verb = new(
            "generate", "Continue a prompt. The text appears on standard output as it is written.",
            "retort generate runs/tales/student --prompt \"Once there was\" --temperature 0.8",
            "retort generate stories260K.bin --prompt \"\" --temperature 0 --max-tokens 64 --json")
        {
            model, prompt, most, temperature, topK, topP, minP, penalty, seed, stop, tokenizer, format, threads,
        };
        verb.SetAction(parsed =>
        {
            GenerationDefaults given = new(parsed.GetValue(temperature), parsed.GetValue(topK), parsed.GetValue(topP), parsed.GetValue(minP), parsed.GetValue(penalty));
            SamplingOptions plain = new() { MaxTokens = parsed.GetValue(most), Seed = (ulong)parsed.GetValue(seed), Stop = parsed.GetValue(stop) ?? [] };
            session.WhenStopped = "What was written so far is all there is.";
            Generation made = SingleAnswer.Write(
                parsed.GetRequiredValue(model), parsed.GetValue(tokenizer), AnswerFormats.Of(parsed.GetValue(format)), parsed.GetRequiredValue(prompt), defaults => given.Over(defaults.Over(plain)), Inputs.Count(parsed.GetValue(threads)),
                session.Json ? null : Stream(session), session.Time, session.Stop);

            // The text itself went out piece by piece; here its line ends.
            session.Answer(
                new { made.Text, made.Tokens, made.FinishReason, made.PromptTokens, made.CompletionTokens, TokensPerS = made.TokensPerSecond },
                [""]);
            if (session.Live && !session.Json)
            {
                session.Error.WriteLine($"{made.CompletionTokens} tokens, {made.TokensPerSecond:n0} tokens/s, ended by {(made.FinishReason == "stop" ? "the model or a stop text" : "the limit")}");
            }

            return ExitCode.Done;
        });
        return verb;
    }

    /// <summary>What an option of sampling is where it is not given.</summary>
    static string Unless(string help, string otherwise) => $"{help} [default: as the model's generation_config.json says, or {otherwise}]";

    static Action<string> Stream(Session session) => text =>
    {
        session.Output.Write(text);
        session.Output.Flush();
    };
}
