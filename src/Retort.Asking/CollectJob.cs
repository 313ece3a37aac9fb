using Microsoft.Extensions.AI;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;
using Retort.Evidence.Terms;

namespace Retort.Asking;

/// <param name="Out">Folder of the run; its transcripts.db is made or gone on with.</param>
/// <param name="Register">By which it is decided whether anything may be asked.</param>
/// <param name="Environment">Gives an environment variable; null where it is not set.</param>
/// <param name="Client">Who is asked instead of the recipe's endpoint; null for that.</param>
/// <param name="Ledger">Who signs the run's ledger; null keeps none.</param>
public sealed record CollectOptions(string Out, TermsRegister Register, Func<string, string?> Environment, IChatClient? Client = null, LedgerHome? Ledger = null)
{
    /// <summary>Whether the endpoint is probed, once more where it was, and nothing else is asked.</summary>
    public bool Probe { get; init; }

    /// <summary>Endpoints that are asked later, under the same money, and must be open before the first question.</summary>
    public IReadOnlyList<AskedBeside> Beside { get; init; } = [];
}

/// <summary>An endpoint asked beside the teacher, such as a judge.</summary>
/// <param name="Declared">The entry of the register that is said to apply; null where none is named.</param>
/// <param name="Key">The environment variable that holds its key; null where none is sent.</param>
public sealed record AskedBeside(TermsRole Role, Endpoint Endpoint, string? Declared, string? Key);

/// <summary>What came of it.</summary>
public abstract record CollectResult
{
    /// <summary>The teacher's terms, or what nobody knows of them, forbid it; nothing was asked.</summary>
    public sealed record Refused(TermsVerdict.Closed Verdict) : CollectResult;

    /// <param name="Facts">Of this run.</param>
    /// <param name="Store">Of all runs.</param>
    /// <param name="Said">What the endpoint said where it shut us out.</param>
    public sealed record Asked(AskEnd End, AskFacts Facts, StoreFacts Store, string? Said, string File) : CollectResult
    {
        /// <summary>What the endpoint does; null where the probe was not ended.</summary>
        public ProbeFacts? Probe { get; init; }

        /// <summary>What growing brought; null where nothing is grown.</summary>
        public GrowthFacts? Growth { get; init; }

        /// <summary>What the endpoint's own list of models says; null where another client was asked.</summary>
        public PolicyReading? Own { get; init; }

        /// <summary>Batches that ended in this run.</summary>
        public IReadOnlyList<BatchFacts> Batches { get; init; } = [];
    }
}

/// <summary>
/// Asks a teacher behind an interface what a recipe's prompts say: 1 read prompts and prices · 2 check the terms, for asking and for training ·
/// 3 take the key, open the store, read what the endpoint itself says of training · 4 forecast · 5 see what the endpoint does · 6 grow prompts · 7 ask ·
/// 8 record the answers in the run's ledger.
/// </summary>
public static class CollectJob
{
    /// <summary>The store, by its path in the run folder.</summary>
    public const string StoreFile = "transcripts.db";

    /// <summary>Prompts that hold personal data or secrets, by its path in the run folder.</summary>
    public const string SensitiveFile = "sensitive.jsonl";

    /// <summary>Prompts that were grown, by its path in the run folder.</summary>
    public const string GrownFile = "grown.jsonl";

    /// <exception cref="UserError">Prompts, prices or store cannot be used, or the key's variable is not set.</exception>
    public static async Task<CollectResult> Run(AskRecipe recipe, CollectOptions options, Action<Forecast> onForecast, Action<AskFacts> onProgress, TimeProvider time, CancellationToken stop)
    {
        CollectResult result = await Ask(recipe, options, onForecast, onProgress, time, stop).ConfigureAwait(false);

        // 8, once the store is closed
        if (result is CollectResult.Asked && options.Ledger is { } home)
        {
            RunLedger.Record(options.Out, home, time);
        }

        return result;
    }

    static async Task<CollectResult> Ask(AskRecipe recipe, CollectOptions options, Action<Forecast> onForecast, Action<AskFacts> onProgress, TimeProvider time, CancellationToken stop)
    {
        // 1
        if (recipe.Batch && options.Client is not null)
        {
            throw new UserError("another client has no batches", "ask.batch", "Take it out: batches are OpenAI's interface.");
        }

        PromptSet set = PromptSet.Read(recipe.Prompts, recipe.Reading);
        IReadOnlyList<Prompt> seeds = recipe.Grow?.Seeds is { } seedFile ? PromptFile.Read(seedFile, new()).Prompts : [];
        ScannedPrompts prompts = ScannedPrompts.Of(set.Prompts, recipe.Scan), grownFrom = ScannedPrompts.Of(seeds, recipe.Scan);
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
        PolicyReading? own = options.Client is null ? await PolicyRequest.Read(recipe.Teacher, key, store, time, stop).ConfigureAwait(false) : null;
        verdict = Check(recipe, options.Register, today, own);
        if ((verdict as TermsVerdict.Closed ?? await Beside(recipe, options, store, time, stop).ConfigureAwait(false)) is { } tightened)
        {
            return new CollectResult.Refused(tightened);
        }

        // 4
        bool MaySend(string text) => recipe.Scan != "exclude" || SensitiveText.In(text).Count == 0;
        void Foresee(ScannedPrompts all, IEnumerable<string> sources, GrowthForecast? grows = null)
        {
            Price? asking = recipe.Batch ? price?.Less(recipe.BatchDiscount) : price;
            ScannedPrompts[] scanned = [all, grownFrom];
            AtomicFile.WriteAllBytes(Path.Combine(options.Out, SensitiveFile), scanned.SelectMany(s => s.List()).ToArray());
            onForecast(Forecast.Of(Chains(recipe, all), store, asking, recipe.Ceiling) with
            {
                Sensitive = scanned.SelectMany(s => s.Kinds).GroupBy(k => k.Key).ToDictionary(g => g.Key, g => g.Sum(k => k.Value)),
                LeftOut = scanned.Sum(s => s.LeftOut),
                Sources = [.. sources],
                Probe = Probe.Foresee(recipe.Teacher, store, price, options.Probe),
                Growing = grows?.Requests,
                Grown = grows is { Wanted: > 0 } ? Unknown(recipe, grows, asking) : null,
            });
        }

        GrowthForecast? foreseen = recipe.Grow is { } wanted && !options.Probe ? PromptGrower.Foresee(wanted, recipe.Grow.Seeds is null ? prompts.Kept : grownFrom.Kept, set.Prompts, MaySend, recipe.Teacher, store, price) : null;
        Foresee(foreseen is null ? prompts : ScannedPrompts.Of([.. set.Prompts, .. foreseen.Prompts.Select(g => Grown(recipe, g))], recipe.Scan), set.Lines(), foreseen);

        // 5
        using RemoteModel? remote = options.Client is null ? new(recipe.Teacher, key, recipe.Timeout, recipe.InFlight, time) : null;
        AskOptions ask = new(
            recipe.InFlight, recipe.Attempts, recipe.Ceiling, recipe.RequestsPerMinute, recipe.TokensPerMinute, Terms: verdict.Uses[0].Basis, Account: key is null ? null : store.Account(key));
        IChatClient client = options.Client ?? remote!;
        CollectResult.Asked Result(AskResult asked, ProbeFacts? facts, GrowthFacts? grew = null) => new(asked.End, asked.Facts, store.Facts(), asked.Said, file) { Probe = facts, Growth = grew, Own = own, Batches = asked.Batches };
        (AskResult probed, ProbeFacts? does) = await Probe.Run(recipe.Teacher, client, store, price ?? Price.Free, ask, options.Probe, time, stop).ConfigureAwait(false);
        if (options.Probe || probed.End != AskEnd.Done)
        {
            return Result(probed, does);
        }

        if (does?.Lacks(recipe.Parameters) is { } lack)
        {
            throw new UserError(lack, recipe.Teacher.ToString(), "Change the recipe, or ask again what the endpoint does with retort collect --probe.");
        }

        // 6
        Growth? growth = null;
        if (recipe.Grow is { } grow)
        {
            string grown = Path.Combine(options.Out, GrownFile);
            growth = await PromptGrower.Grow(
                grow, grow.Seeds is null ? prompts.Kept : grownFrom.Kept, set.Prompts, MaySend, recipe.Teacher, client, store, price ?? Price.Free, ask, time, onProgress, stop).ConfigureAwait(false);
            AtomicFile.WriteAllBytes(grown, PromptGrower.Lines(growth.Prompts));
            if (growth.Asked.End != AskEnd.Done)
            {
                return Result(growth.Asked, does, growth.Facts);
            }

            PromptSet more = new(growth.Prompts.Count == 0 ? [] : [Grown(recipe, grown)]);
            prompts = ScannedPrompts.Of([.. set.Prompts, .. more.Prompts], recipe.Scan);
            Foresee(prompts, more.Lines());
        }

        // 7
        IReadOnlyList<Chain> chains = Chains(recipe, prompts);
        AskResult result = recipe.Batch
            ? await BatchAsker.Ask(chains, new(remote!), store, recipe.Teacher, (price ?? Price.Free).Less(recipe.BatchDiscount), ask, BatchOptions.Default, time, onProgress, stop).ConfigureAwait(false)
            : await Asker.Ask(chains, client, store, price ?? Price.Free, ask, time, onProgress, stop).ConfigureAwait(false);
        return Result(result, does, growth?.Facts);
    }

    /// <summary>
    /// The questions that were asked for data, each once, with the prompts they came from: the first of those that are the same. Of a chain those whose
    /// answers before are in the store, and its gold goes with its last.
    /// </summary>
    /// <param name="run">The run folder, for what was grown.</param>
    /// <exception cref="UserError">Prompts cannot be read.</exception>
    public static IReadOnlyList<(Prompt Prompt, Question Question)> Questions(AskRecipe recipe, string run, Transcripts store)
    {
        string grown = Path.Combine(run, GrownFile);
        IReadOnlyList<Prompt> more = recipe.Grow is not null && File.Exists(grown) && new FileInfo(grown).Length > 0 ? Grown(recipe, grown).Prompts : [];
        return [.. ScannedPrompts.Of([.. PromptSet.Read(recipe.Prompts, recipe.Reading).Prompts, .. more], recipe.Scan).Kept.SelectMany(p => Asked(recipe, p, store)).DistinctBy(q => Convert.ToHexString(q.Question.Key()))];
    }

    static IEnumerable<(Prompt Prompt, Question Question)> Asked(AskRecipe recipe, Prompt prompt, Transcripts store)
    {
        Chain chain = Of(recipe, prompt);
        Question? question = chain.First;
        for (int place = 0; question is not null; place++)
        {
            bool last = place == chain.Later.Count;
            yield return (prompt with { Turns = question.Turns, Later = [], Gold = last ? prompt.Gold : null }, question);
            question = last ? null : chain.After(question, store.Reply(question.Key()), place);
        }
    }

    static PromptFile Grown(AskRecipe recipe, string file) => PromptFile.Read(file, recipe.Reading with { Format = PromptFormat.JsonLines });

    static Prompt Grown(AskRecipe recipe, GrownPrompt grown) => new([.. recipe.Reading.System is { } system ? [new("system", system)] : (Turn[])[], new("user", grown.Prompt)], null, "");

    /// <summary>Asking prompts that are not grown yet, each as long as it may be.</summary>
    static ForecastPart Unknown(AskRecipe recipe, GrowthForecast grows, Price? price)
    {
        Question empty = Of(recipe, Grown(recipe, new GrownPrompt("", "", [], ""))).First;
        return new(grows.Wanted, grows.Wanted, recipe.Parameters.MaxTokens is { } most ? price?.Of(Price.PromptTokensAtMost(empty) + grows.Longest, (long)most * recipe.Parameters.Count) * grows.Wanted : null);
    }

    static Chain Of(AskRecipe recipe, Prompt prompt) => new(new(recipe.Teacher, prompt.Turns, recipe.Parameters), prompt.Later);

    static IReadOnlyList<Chain> Chains(AskRecipe recipe, ScannedPrompts prompts) => [.. prompts.Kept.Select(p => Of(recipe, p))];

    /// <summary>Whether the teacher may be asked, for new prompts too where they are grown, and a student be trained on what it answers.</summary>
    /// <param name="own">What the endpoint itself says; null where that was not read.</param>
    public static TermsVerdict Check(AskRecipe recipe, TermsRegister register, DateOnly today, PolicyReading? own = null)
    {
        IReadOnlyList<TermsPermission> permissions = recipe.Terms.Granted(register);
        UsedModel teacher = UsedModel.Of(recipe.Teacher.ToString(), register);
        TermsRole[] roles = recipe.Grow is null ? [TermsRole.Teacher] : [TermsRole.Teacher, TermsRole.PromptGrower];
        TermsVerdict For(TermsPurpose purpose) => TermsGate.Check(register, [.. roles.Select(role => new TermsUse(role, teacher, purpose, recipe.Terms.Teacher, own))], today, permissions: permissions);
        return For(TermsPurpose.Ask) is TermsVerdict.Closed forbidden ? forbidden : For(TermsPurpose.Train);
    }

    /// <summary>Reads what the endpoints beside the teacher say themselves; null where all may be asked.</summary>
    static async Task<TermsVerdict.Closed?> Beside(AskRecipe recipe, CollectOptions options, Transcripts store, TimeProvider time, CancellationToken stop)
    {
        List<TermsUse> uses = [];
        foreach (AskedBeside beside in options.Beside)
        {
            PolicyReading own = await PolicyRequest.Read(beside.Endpoint, beside.Key is null ? null : options.Environment(beside.Key), store, time, stop).ConfigureAwait(false);
            uses.Add(new(beside.Role, UsedModel.Of(beside.Endpoint.ToString(), options.Register), TermsPurpose.Ask, beside.Declared, own));
        }

        return TermsGate.Check(options.Register, uses, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime), permissions: recipe.Terms.Granted(options.Register)) as TermsVerdict.Closed;
    }
}
