using System.Globalization;
using System.Text;
using Retort.Asking;
using Retort.Evidence.Terms;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>A first recipe for a teacher behind an endpoint: what asking, money, terms and admission need beside what any recipe has, each with a comment.</summary>
public static class EndpointDraft
{
    const int L = MatMul.L, MaxTokens = 512, LongestRow = 1024, BytesPerToken = 3, Columns = 100;

    /// <summary>Hosts whose key goes by another name than the host's own.</summary>
    static readonly (string Host, string Variable)[] s_keys = [("x.ai", "XAI_API_KEY"), ("nano-gpt.com", "NANOGPT_API_KEY"), ("googleapis.com", "GEMINI_API_KEY"), ("openai.azure.com", "AZURE_OPENAI_API_KEY"), ("aliyuncs.com", "DASHSCOPE_API_KEY")];

    /// <summary>Parts of a name that stand before a country's.</summary>
    static readonly string[] s_second = ["co", "com", "net", "org", "ac", "gov", "edu"];

    /// <param name="path">The file to write; paths in it are relative to its folder.</param>
    /// <param name="shape">A student from nothing; null reads <paramref name="student"/> as a model.</param>
    /// <param name="prompts">A file of any form that prompts are read from, or a folder of .jsonl or .txt files.</param>
    /// <param name="prices">A table of prices; null where there is none.</param>
    /// <param name="register">What it says of the teacher on <paramref name="today"/> stands in a comment.</param>
    /// <exception cref="UserError">The file exists already, the student, the prompts or the table are at fault, or it cannot be written.</exception>
    public static void Write(string path, Endpoint teacher, LlamaConfig? shape, string student, string prompts, string? prices, TermsRegister register, DateOnly today, bool replace)
    {
        RecipeDraft.CheckNew(path, replace);
        int longestRow = LongestRow;
        if (shape is null)
        {
            OpenModel model = ModelReference.Open(student);
            longestRow = Math.Min(longestRow, model.TokenizerPath is null ? throw new UserError("the student has no tokenizer beside it", student, "Put its tokenizer.json into the folder.") : model.Weights.Config.Context);
        }

        IReadOnlyList<string> files = RecipeDraft.Files(prompts).Files;
        Prompt[] asked = [.. PromptSet.Read(files, new()).Prompts.DistinctBy(p => p.Text)];
        if (asked.Length < RecipeDraft.LeastDocuments)
        {
            throw new UserError($"there are {asked.Length} different prompts", prompts, $"Give at least {RecipeDraft.LeastDocuments}: some are held out to test on. A few hundred is where distilling begins to make sense.");
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string Relative(string p) => Path.GetRelativePath(folder, Path.GetFullPath(p)).Replace('\\', '/');
        Price? price = prices is null ? null : PriceTable.Read(prices).For(teacher, today) ?? throw new UserError($"there is no price for {teacher.Model} of {teacher.Host}", prices, "Add one, with the day since when it holds, or leave --prices out.");
        int context = Math.Clamp(((asked.Max(p => Encoding.UTF8.GetByteCount(p.Text)) / BytesPerToken) + MaxTokens + L - 1) / L * L, L, Math.Max(L, longestRow / L * L));
        string written = Text(
            Path.GetFileName(path), teacher, Student(shape, Relative(student), asked.Length), Terms(teacher, register, today), string.Join(", ", files.Select(f => RecipeDraft.Quote(Relative(f)))), asked.Length, asked.Any(p => p.Gold is not null), Key(teacher), Money(teacher, price, prices is null ? null : Relative(prices), asked), context);
        AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(written));
    }

    /// <summary>The environment variable that a host's users know their key by; null for this machine and private networks, where none is likely.</summary>
    public static string? KeyVariable(string host)
    {
        if (s_keys.FirstOrDefault(k => host == k.Host || host.EndsWith("." + k.Host, StringComparison.Ordinal)).Variable is { } known)
        {
            return known;
        }

        if (Coverage.IsPrivate(host))
        {
            return null;
        }

        string[] parts = host.Split('.');
        string name = parts.Length > 2 && s_second.Contains(parts[^2], StringComparer.Ordinal) ? parts[^3] : parts[^2];
        string variable = string.Concat(name.Where(c => char.IsAsciiLetterOrDigit(c) || c == '-')).Replace('-', '_').ToUpperInvariant() + "_API_KEY";
        return variable.Length > 64 || !char.IsAsciiLetter(variable[0]) ? "ENDPOINT_API_KEY" : variable;
    }

    static string Student(LlamaConfig? shape, string student, int prompts) => shape is null ? $"""
        # The model to go on training; it keeps its own tokenizer, and answers are laid out by its chat template.
        student:
          from: {RecipeDraft.Quote(student)}
          # lora: {"{rank: 16, alpha: 32, targets: all-linear, dropout: 0, base: bf16}"} trains an adapter on its frozen weights instead.
        """ : string.Create(CultureInfo.InvariantCulture, $$"""
        # The model to make. It begins from nothing, with a tokenizer of so many tokens trained on prompts and answers.
        # Instead of shape, from: FOLDER goes on with a model that can already write, and needs far fewer answers.
        student:
          shape: {hidden: {{shape.Hidden}}, layers: {{shape.Layers}}, heads: {{shape.Heads}}, key_value_heads: {{shape.KeyValueHeads}}, feed_forward: {{shape.FeedForward}}}
          train_tokenizer: {{(prompts < 200 ? 1024 : prompts < 2000 ? 2048 : 4096)}}
        """);

    /// <summary>What the register says of the teacher today, as comments, and the key that declares an entry.</summary>
    static string Terms(Endpoint teacher, TermsRegister register, DateOnly today)
    {
        TermsVerdict verdict = TermsGate.Check(register, [new(TermsRole.Teacher, UsedModel.Of(teacher.ToString(), register), TermsPurpose.Train)], today);
        IEnumerable<string> said = verdict switch
        {
            TermsVerdict.Closed closed => ["CLOSED: distill will refuse this teacher.", .. closed.Reasons.Select(r => r.Sentence)],
            _ => ["OPEN: its answers may train a model.", .. verdict.Uses[0].Entries.Select(e => $"{e.Entry.Id} ({e.Entry.Document}, {e.Entry.Clause}): {e.Entry.Says.Training}")],
        };
        IEnumerable<string> owed = (verdict as TermsVerdict.Open)?.Obligations.Select(o => $"To be met once the student is handed on: {o.Sentence.TrimEnd('.')}.") ?? [];
        string what = verdict is TermsVerdict.Closed { Reasons: var reasons } && reasons.All(r => r.Kind != TermsReasonKind.NoEntry)
            ? "# What the provider allowed you in writing opens it: terms: {permissions: [FILE]}"
            : "# Where the address does not tell whose model answers, declare it: an id of retort terms list.";
        return string.Join('\n', [
            $"# Whose terms bind. The register said on {today.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}, and distill asks it again, and the endpoint's own list of models too:", .. said.Concat(owed).SelectMany(Comment), what,
            "# terms: {teacher: own-model, student: own-model}",
        ]);
    }

    static string Key(Endpoint teacher) => KeyVariable(new Uri(teacher.Address).IdnHost.ToLowerInvariant()) is { } variable
        ? $"  {$"key: {variable}",-22} # the environment variable that holds the key; the key itself stands nowhere"
        : "  # key: EXAMPLE_API_KEY # the environment variable that holds the key, where one is needed";

    static string Money(Endpoint teacher, Price? price, string? table, Prompt[] prompts)
    {
        if (price is null)
        {
            return """
                # Without prices nobody can say what asking costs, and nothing bounds it. In dollars for a million tokens of questions and of answers:
                # money: {ceiling: 5, prompt: 0.25, completion: 2}
                """;
        }

        Usd most = prompts.Aggregate(default(Usd), (sum, p) => sum + price.AtMost(new(teacher, p.Turns, new(MaxTokens)), MaxTokens));
        return string.Create(CultureInfo.InvariantCulture, $"""
            # The table's price since {price.Since:yyyy-MM-dd}: {price.Prompt} dollars a million tokens of questions, {price.Completion} of answers. All prompts together cost at
            # most {most.Dollars:0.00} dollars; nothing is asked that could pass the ceiling, and a run that stops there trains nothing.
            money:
              prices: {RecipeDraft.Quote(table!)}
              ceiling: {Math.Max(1, decimal.Ceiling(most.Dollars * 1.1m))}
            """);
    }

    static string Text(string name, Endpoint teacher, string student, string terms, string files, int prompts, bool gold, string key, string money, int context)
    {
        int heldOut = Math.Clamp(prompts / 10, 2, 400), validation = Math.Clamp(prompts / 20, 1, 200);
        long tokens = RecipeDraft.Budget((long)prompts * MaxTokens / 2);
        return string.Create(CultureInfo.InvariantCulture, $$"""
            # A recipe for retort distill, written by retort init. Run it with: retort distill {{name}}
            # What asking may cost is said before anything is asked; retort collect {{name}} asks, and trains nothing.
            # Paths are relative to this file. Every key can be changed for one run: --set train.tokens=200000

            # The endpoint to learn from, as https://host/v1#model.
            teacher: {{RecipeDraft.Quote(teacher.ToString())}}

            {{terms}}

            {{student}}

            # Prompts to ask: JSON lines, CSV, plain text or logs; "gold" holds the right answer where there is one.
            data:
              prompts: [{{files}}]
              {{$"held_out: {heldOut}",-22}} # prompts never trained on: the verdict rests on them
              {{$"validation: {validation}",-22}} # never trained on: they choose the learning rate
              scan: exclude          # prompts with personal data or secrets are not sent; report or off sends them
              # grow: {to: 500}      # lets the teacher write more prompts from these

            ask:
            {{key}}
              {{$"max_tokens: {MaxTokens}",-22}} # longest answer; what is cut off is not trained on
              temperature: 0.7
              # system: Answer in one sentence.
              # top_logprobs: 20     # learns from the likeliest tokens too, where the endpoint gives them
              # batch: true          # asks in batches, at money: {batch_discount: 0.5} if that is the price

            {{money}}

            # Left out, the pace finds what the endpoint allows.
            # pace: {requests_per_minute: 500, in_flight: 32}

            # Which answers are trained on. What is left out is counted by reason and listed in excluded.jsonl.
            admit:
              finish: [stop]         # reasons an answer may end for
              refusal: exclude       # or keep
              near_duplicate: 0.8    # or off; the first of those that are so alike stays
              contamination: {grams: [13, 8], exclude: 13, held_out: true}   # sets: [FOLDER] compares with exams of your own
              # gold: {kind: words}  # keeps right answers alone: exact, words, number, json or code
              # judge: {model: 'https://host/v1#model', rubric: rubric.md, threshold: 7, key: JUDGE_API_KEY}

            train:
              {{$"tokens: {tokens}",-22}} # seen by each student
              {{$"context: {context}",-22}} # tokens a row, a multiple of {{L}}
              rows: 8                # rows a step; accumulate: 2 doubles the step without more memory
              rate: [0.001, 0.003]   # the best on the validation prompts is taken
              seeds: [1, 2, 3, 4, 5]
              threads: 0             # 0 takes every core

            # The same student trained without the teacher, on {{(gold ? "the prompts' gold answers" : "text that no teacher wrote")}}: only beside it can a run show that the teacher helped.
            # {{(gold ? "prompts: FILE takes other text for it; twin: false trains none." : "These prompts have no gold: name such text with prompts: FILE, or the verdict is LEARNED at best. twin: false trains none.")}}
            twin: {equal_compute: true}

            evaluate: {metric: text, price_per_core_hour: 0.04, currency: USD}

            export: {type: bf16}     # or f32, f16; name: NAME and licences: [FILE] where the terms ask for them

            """);
    }

    /// <summary>A sentence as comments that fit a line.</summary>
    static IEnumerable<string> Comment(string sentence)
    {
        string line = "#   -";
        foreach (string word in sentence.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 5 && line.Length + 1 + word.Length > Columns)
            {
                yield return line;
                line = "#    ";
            }

            line += " " + word;
        }

        yield return line;
    }
}
