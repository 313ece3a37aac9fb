using System.Text.Json;
using Microsoft.Extensions.AI;
using Retort.Evidence.Terms;

namespace Retort.Asking;

/// <param name="Out">Folder of the run; its transcripts.db is made or gone on with.</param>
/// <param name="Register">By which it is decided whether anything may be asked.</param>
/// <param name="Environment">Gives an environment variable; null where it is not set.</param>
/// <param name="Client">Who is asked instead of the recipe's endpoint; null for that.</param>
public sealed record CollectOptions(string Out, TermsRegister Register, Func<string, string?> Environment, IChatClient? Client = null);

/// <summary>What asking may cost before anything is asked.</summary>
/// <param name="Questions">Prompts, each once.</param>
/// <param name="Sensitive">Prompts that hold personal data or secrets, by kind.</param>
/// <param name="LeftOut">Of those left out; listed in the run folder, without what was found.</param>
/// <param name="Left">Questions not answered yet.</param>
/// <param name="AtMost">What the rest costs if every answer is as long as it may be; null without prices or without a length.</param>
/// <param name="Likely">What it costs if answers are as long as those already here; null where there are none.</param>
/// <param name="Ceiling">What is never passed.</param>
/// <param name="Spent">So far.</param>
public sealed record Forecast(long Questions, IReadOnlyDictionary<Sensitive, int> Sensitive, int LeftOut, long Left, Usd? AtMost, Usd? Likely, Usd? Ceiling, Usd Spent);

/// <summary>What came of it.</summary>
public abstract record CollectResult
{
    /// <summary>The teacher's terms, or what nobody knows of them, forbid it; nothing was asked.</summary>
    public sealed record Refused(TermsVerdict.Closed Verdict) : CollectResult;

    /// <param name="Facts">Of this run.</param>
    /// <param name="Store">Of all runs.</param>
    /// <param name="Said">What the endpoint said where it shut us out.</param>
    public sealed record Asked(AskEnd End, AskFacts Facts, StoreFacts Store, string? Said, string File) : CollectResult;
}

/// <summary>
/// Asks a teacher behind an interface what a recipe's prompts say: 1 read prompts and prices · 2 check the terms, for asking and for training ·
/// 3 take the key, open the store · 4 forecast · 5 ask.
/// </summary>
public static class CollectJob
{
    /// <summary>The store, by its path in the run folder.</summary>
    public const string StoreFile = "transcripts.db";

    /// <summary>Prompts that hold personal data or secrets, by its path in the run folder.</summary>
    public const string SensitiveFile = "sensitive.jsonl";

    /// <exception cref="UserError">Prompts, prices or store cannot be used, or the key's variable is not set.</exception>
    public static async Task<CollectResult> Run(AskRecipe recipe, CollectOptions options, Action<Forecast> onForecast, Action<AskFacts> onProgress, TimeProvider time, CancellationToken stop)
    {
        // 1
        (Prompt Prompt, Question Question, IReadOnlyList<Sensitive> Holds)[] scanned = [.. Scanned(recipe)];
        (Prompt Prompt, Question Question, IReadOnlyList<Sensitive> Holds)[] sensitive = [.. scanned.Where(s => s.Holds.Count > 0)];
        Question[] questions = [.. scanned.Where(s => IsAsked(recipe, s.Holds)).Select(s => s.Question)];
        DateOnly today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        Price? price = recipe.Price ?? (recipe.Prices is { } table
            ? PriceTable.Read(table).For(recipe.Teacher, today) ?? throw new UserError($"there is no price for {recipe.Teacher.Model} of {recipe.Teacher.Host}", table, "Add one, with the day since when it holds.")
            : null);

        // 2
        TermsVerdict verdict = Check(recipe, options.Register, today);
        if (verdict is TermsVerdict.Closed closed)
        {
            return new CollectResult.Refused(closed);
        }

        // 3
        string? key = recipe.Key is null ? null : options.Environment(recipe.Key) is { Length: > 0 } value ? value : throw new UserError($"the environment variable {recipe.Key} is not set", "ask.key", "Set it to the endpoint's key, or take ask.key out where none is needed.");
        Directory.CreateDirectory(options.Out);
        string file = Path.Combine(options.Out, StoreFile);
        if (recipe.Reuse is { } other && !File.Exists(file))
        {
            Transcripts.Copy(Path.Combine(other, StoreFile), file);
        }

        using Transcripts store = Transcripts.Open(file, time);

        // 4
        AtomicFile.WriteAllBytes(Path.Combine(options.Out, SensitiveFile), List(recipe, sensitive));
        onForecast(Forecast(questions, store, price, recipe.Ceiling) with { Sensitive = sensitive.SelectMany(s => s.Holds).CountBy(k => k).ToDictionary(), LeftOut = scanned.Length - questions.Length });

        // 5
        using IChatClient asked = options.Client ?? new RemoteModel(recipe.Teacher, key, recipe.Timeout, recipe.InFlight, time);
        AskOptions ask = new(
            recipe.InFlight, recipe.Attempts, recipe.Ceiling, recipe.RequestsPerMinute, recipe.TokensPerMinute, Terms: string.Join(", ", verdict.Uses[0].Entries.Select(e => $"{e.Entry.Id} {e.Sha256}")), Account: key is null ? null : store.Account(key));
        AskResult result = await Asker.Ask(questions, asked, store, price ?? Price.Free, ask, time, onProgress, stop).ConfigureAwait(false);
        return new CollectResult.Asked(result.End, result.Facts, store.Facts(), result.Said, file);
    }

    /// <summary>The recipe's questions that are asked, each once, with the prompts they came from: the first of those that are the same.</summary>
    /// <exception cref="UserError">Prompts cannot be read.</exception>
    public static IReadOnlyList<(Prompt Prompt, Question Question)> Questions(AskRecipe recipe) =>
        [.. Scanned(recipe).Where(s => IsAsked(recipe, s.Holds)).DistinctBy(s => Convert.ToHexString(s.Question.Key())).Select(s => (s.Prompt, s.Question))];

    static IEnumerable<(Prompt Prompt, Question Question, IReadOnlyList<Sensitive> Holds)> Scanned(AskRecipe recipe) => recipe.Prompts.SelectMany(file => PromptFile.Read(file, recipe.SystemTurn)).Select(p => (
        p, new Question(recipe.Teacher, p.Turns, recipe.Parameters), recipe.Scan == "off" ? [] : SensitiveText.In(string.Join('\n', p.Turns.Select(t => t.Text)))));

    static bool IsAsked(AskRecipe recipe, IReadOnlyList<Sensitive> holds) => recipe.Scan != "exclude" || holds.Count == 0;

    /// <summary>Whether the teacher may be asked, and a student be trained on what it answers.</summary>
    public static TermsVerdict Check(AskRecipe recipe, TermsRegister register, DateOnly today)
    {
        IReadOnlyList<TermsPermission> permissions = recipe.Terms.Granted(register);
        UsedModel teacher = UsedModel.Of(recipe.Teacher.ToString(), register);
        TermsVerdict For(TermsPurpose purpose) => TermsGate.Check(register, [new(TermsRole.Teacher, teacher, purpose, recipe.Terms.Teacher)], today, permissions: permissions);
        return For(TermsPurpose.Ask) is TermsVerdict.Closed forbidden ? forbidden : For(TermsPurpose.Train);
    }

    /// <summary>Where they stand and of what kind, never what was found.</summary>
    static byte[] List(AskRecipe recipe, IEnumerable<(Prompt Prompt, Question Question, IReadOnlyList<Sensitive> Holds)> sensitive) =>
        [.. sensitive.SelectMany(s => JsonSerializer.SerializeToUtf8Bytes(new { where = s.Prompt.Where, holds = s.Holds.Select(h => JsonNamingPolicy.SnakeCaseLower.ConvertName(h.ToString())), left_out = !IsAsked(recipe, s.Holds) }).Append((byte)'\n'))];

    static Forecast Forecast(Question[] questions, Transcripts store, Price? price, Usd? ceiling)
    {
        HashSet<string> met = new(StringComparer.Ordinal);
        List<Question> left = [];
        foreach (Question question in questions)
        {
            byte[] key = question.Key();
            if (met.Add(Convert.ToHexString(key)) && !store.Find(key).Answered)
            {
                left.Add(question);
            }
        }

        StoreFacts facts = store.Facts();
        Usd Sum(Func<Question, Usd> of) => left.Aggregate(default(Usd), (sum, q) => sum + of(q));
        Usd? most = price is null || left.Exists(q => q.Parameters.MaxTokens is null) ? null : Sum(q => price.AtMost(q, q.Parameters.MaxTokens!.Value));
        Usd? likely = price is null || facts.Answers == 0 ? null : new Usd((facts.Spent - facts.PossiblyPaid).Pico / facts.Answers) * left.Count;
        return new(met.Count, new Dictionary<Sensitive, int>(), 0, left.Count, most, likely, ceiling, facts.Spent);
    }
}
