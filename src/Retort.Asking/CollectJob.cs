using Microsoft.Extensions.AI;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;
using Retort.Evidence.Terms;

namespace Retort.Asking;

/// <param name="Out">Folder of the run; its transcripts.db is made or gone on with.</param>
/// <param name="Register">By which it is decided whether anything may be asked.</param>
/// <param name="Environment">Gives an environment variable; null where it is not set.</param>
/// <param name="Client">Who is asked instead of the recipe's endpoints, told by the model's name which is meant; null for those.</param>
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
        /// <summary>What the first teacher's endpoint does; null where the probe was not ended.</summary>
        public ProbeFacts? Probe { get; init; }

        /// <summary>Each teacher that was come to, in the recipe's order.</summary>
        public IReadOnlyList<TeacherAsked> Teachers { get; init; } = [];

        /// <summary>What growing brought; null where nothing is grown.</summary>
        public GrowthFacts? Growth { get; init; }

        /// <summary>What the first teacher's own list of models says; null where another client was asked.</summary>
        public PolicyReading? Own { get; init; }

        /// <summary>Batches that ended in this run.</summary>
        public IReadOnlyList<BatchFacts> Batches { get; init; } = [];
    }
}

/// <summary>How asking one of a recipe's teachers went in this run.</summary>
/// <param name="Facts">Null where it was only seen what its endpoint does.</param>
/// <param name="Own">What its endpoint's own list of models says; null where another client was asked.</param>
public sealed record TeacherAsked(string Teacher, AskFacts? Facts, ProbeFacts? Probe, PolicyReading? Own);

/// <summary>
/// Asks teachers behind an interface what a recipe's prompts say, each the same, one after another: 1 read prompts and prices · 2 check the terms, for
/// asking and for training · 3 take the keys, open the store, read what the endpoints themselves say of training, state the terms · 4 forecast ·
/// 5 see what the endpoints do · 6 grow prompts by the first · 7 ask · 8 record the answers in the run's ledger.
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
        Price?[] prices = [.. recipe.Teachers.Select(t => PriceOf(t, recipe.Prices, today))];

        // 2
        TermsVerdict verdict = Check(recipe, options.Register, today);
        if (verdict is TermsVerdict.Closed closed)
        {
            return new CollectResult.Refused(closed);
        }

        // 3
        string?[] keys = [.. recipe.Teachers.Select(t => KeyOf(t, options.Environment))];
        Directory.CreateDirectory(options.Out);
        ReusedAnswers.Begin(recipe, options.Out);
        string file = Path.Combine(options.Out, StoreFile);
        using Transcripts store = Transcripts.Open(file, time);
        Dictionary<Endpoint, PolicyReading> own = [];
        foreach ((AskedTeacher teacher, string? key) in recipe.Teachers.Zip(keys).Where(_ => options.Client is null))
        {
            own[teacher.Model] = await PolicyRequest.Read(teacher.Model, key, store, time, stop).ConfigureAwait(false);
        }

        verdict = Check(recipe, options.Register, today, own.GetValueOrDefault);
        if ((verdict as TermsVerdict.Closed ?? await Beside(recipe, options, store, time, stop).ConfigureAwait(false)) is { } tightened)
        {
            return new CollectResult.Refused(tightened);
        }

        RunTerms.Of((TermsVerdict.Open)verdict).Add(options.Out);
        using AskedModels models = AskedModels.Of(recipe, prices, keys, verdict, options.Client, store, time);

        // 4
        bool MaySend(string text) => recipe.Scan != "exclude" || SensitiveText.In(text).Count == 0;
        void Foresee(ScannedPrompts all, IEnumerable<string> sources, GrowthForecast? grows = null)
        {
            Forecast One(AskedModel m)
            {
                Price? asking = recipe.Batch ? m.Price?.Less(recipe.BatchDiscount) : m.Price;
                return Forecast.Of(Chains(recipe, m.Teacher, all), store, asking, recipe.Ceiling) with { Probe = Probe.Foresee(m.Teacher, store, m.Price, options.Probe), Grown = grows is { Wanted: > 0 } ? Unknown(recipe, grows, asking) : null };
            }

            ScannedPrompts[] scanned = [all, grownFrom];
            AtomicFile.WriteAllBytes(Path.Combine(options.Out, SensitiveFile), scanned.SelectMany(s => s.List()).ToArray());
            onForecast(models.All.Select(One).Aggregate((a, b) => a.And(b)) with
            {
                Sensitive = scanned.SelectMany(s => s.Kinds).GroupBy(k => k.Key).ToDictionary(g => g.Key, g => g.Sum(k => k.Value)),
                LeftOut = scanned.Sum(s => s.LeftOut),
                Sources = [.. sources],
                Growing = grows?.Requests,
            });
        }

        GrowthForecast? foreseen = recipe.Grow is { } wanted && !options.Probe ? PromptGrower.Foresee(wanted, recipe.Grow.Seeds is null ? prompts.Kept : grownFrom.Kept, set.Prompts, MaySend, recipe.Teacher, store, prices[0]) : null;
        Foresee(foreseen is null ? prompts : ScannedPrompts.Of([.. set.Prompts, .. foreseen.Prompts.Select(g => Grown(recipe, g))], recipe.Scan), set.Lines(), foreseen);

        // 5
        List<TeacherAsked> met = [];
        CollectResult.Asked Result(AskResult asked, GrowthFacts? grew = null) => new(asked.End, asked.Facts, store.Facts(), asked.Said, file) { Probe = met[0].Probe, Own = met[0].Own, Teachers = met, Growth = grew, Batches = asked.Batches };
        foreach (AskedModel model in models.All)
        {
            (AskResult probed, ProbeFacts? does) = await Probe.Run(model.Teacher, model.Client, store, model.Price ?? Price.Free, model.Options, options.Probe, time, stop).ConfigureAwait(false);
            met.Add(new(model.Teacher.ToString(), null, does, own.GetValueOrDefault(model.Teacher)));
            if (probed.End != AskEnd.Done || (options.Probe && met.Count == models.All.Count))
            {
                return Result(probed);
            }

            if (!options.Probe && does?.Lacks(recipe.Parameters) is { } lack)
            {
                throw new UserError(lack, model.Teacher.ToString(), "Change the recipe, or ask again what the endpoint does with retort collect --probe.");
            }
        }

        // 6
        Growth? growth = null;
        if (recipe.Grow is { } grow)
        {
            (string grown, AskedModel first) = (Path.Combine(options.Out, GrownFile), models.All[0]);
            growth = await PromptGrower.Grow(
                grow, grow.Seeds is null ? prompts.Kept : grownFrom.Kept, set.Prompts, MaySend, first.Teacher, first.Client, store, first.Price ?? Price.Free, first.Options, time, onProgress, stop).ConfigureAwait(false);
            AtomicFile.WriteAllBytes(grown, PromptGrower.Lines(growth.Prompts));
            if (growth.Asked.End != AskEnd.Done)
            {
                return Result(growth.Asked, growth.Facts);
            }

            PromptSet more = new(growth.Prompts.Count == 0 ? [] : [Grown(recipe, grown)]);
            prompts = ScannedPrompts.Of([.. set.Prompts, .. more.Prompts], recipe.Scan);
            Foresee(prompts, more.Lines());
        }

        // 7
        AskResult? all = null;
        foreach ((int i, AskedModel model) in models.All.Index())
        {
            IReadOnlyList<Chain> chains = Chains(recipe, model.Teacher, prompts);
            Action<AskFacts> progress = facts => onProgress(all is null ? facts : all.Facts.And(facts));
            AskResult one = recipe.Batch
                ? await BatchAsker.Ask(chains, new(model.Remote!), store, model.Teacher, (model.Price ?? Price.Free).Less(recipe.BatchDiscount), model.Options, BatchOptions.Default, time, progress, stop).ConfigureAwait(false)
                : await Asker.Ask(chains, model.Client, store, model.Price ?? Price.Free, model.Options, time, progress, stop).ConfigureAwait(false);
            met[i] = met[i] with { Facts = one.Facts };
            all = all?.And(one) ?? one;
            if (one.End != AskEnd.Done)
            {
                break;
            }
        }

        return Result(all!, growth?.Facts);
    }

    /// <exception cref="UserError">The recipe's table of prices has none for it.</exception>
    static Price? PriceOf(AskedTeacher teacher, string? table, DateOnly today) => teacher.Price ?? (table is null ? null
        : PriceTable.Read(table).For(teacher.Model, today) ?? throw new UserError($"there is no price for {teacher.Model.Model} of {teacher.Model.Host}", table, "Add one, with the day since when it holds."));

    /// <exception cref="UserError">The variable that should hold it is not set.</exception>
    static string? KeyOf(AskedTeacher teacher, Func<string, string?> environment) => teacher.Key is not { } name ? null
        : environment(name) is { Length: > 0 } value ? value : throw new UserError($"the environment variable {name} is not set", "ask.key", $"Set it to the key of {teacher.Model.Host}, or take it out where none is needed.");

    /// <summary>
    /// The questions that were asked for data, each once, with the prompts they came from: the first of those that are the same; prompt by prompt, of each
    /// teacher in turn. Of a chain those whose answers before are in the store, and its gold goes with its last.
    /// </summary>
    /// <param name="run">The run folder, for what was grown.</param>
    /// <exception cref="UserError">Prompts cannot be read.</exception>
    public static IReadOnlyList<(Prompt Prompt, Question Question)> Questions(AskRecipe recipe, string run, Transcripts store)
    {
        string grown = Path.Combine(run, GrownFile);
        IReadOnlyList<Prompt> more = recipe.Grow is not null && File.Exists(grown) && new FileInfo(grown).Length > 0 ? Grown(recipe, grown).Prompts : [];
        IReadOnlyList<AskedTeacher> teachers = recipe.Teachers;
        return
        [
            .. ScannedPrompts.Of([.. PromptSet.Read(recipe.Prompts, recipe.Reading).Prompts, .. more], recipe.Scan).Kept
                .SelectMany(p => teachers.SelectMany(t => Asked(Of(recipe, t.Model, p), p, store))).DistinctBy(q => Convert.ToHexString(q.Question.Key())),
        ];
    }

    static IEnumerable<(Prompt Prompt, Question Question)> Asked(Chain chain, Prompt prompt, Transcripts store)
    {
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
        Question empty = Of(recipe, recipe.Teacher, Grown(recipe, new GrownPrompt("", "", [], ""))).First;
        return new(grows.Wanted, grows.Wanted, recipe.Parameters.MaxTokens is { } most ? price?.Of(Price.PromptTokensAtMost(empty) + grows.Longest, (long)most * recipe.Parameters.Count) * grows.Wanted : null);
    }

    static Chain Of(AskRecipe recipe, Endpoint teacher, Prompt prompt) => new(new(teacher, prompt.Turns, recipe.Parameters), prompt.Later);

    static IReadOnlyList<Chain> Chains(AskRecipe recipe, Endpoint teacher, ScannedPrompts prompts) => [.. prompts.Kept.Select(p => Of(recipe, teacher, p))];

    /// <summary>Whether the teachers may be asked, the first for new prompts too where they are grown, and a student be trained on what they answer.</summary>
    /// <param name="own">What an endpoint itself says; null where that was not read.</param>
    public static TermsVerdict Check(AskRecipe recipe, TermsRegister register, DateOnly today, Func<Endpoint, PolicyReading?>? own = null)
    {
        IReadOnlyList<TermsPermission> permissions = recipe.Terms.Granted(register);
        TermsVerdict For(TermsPurpose purpose) => TermsGate.Check(register, Uses(recipe, register, purpose, own), today, permissions: permissions);
        return For(TermsPurpose.Ask) is TermsVerdict.Closed forbidden ? forbidden : For(TermsPurpose.Train);
    }

    /// <summary>What a recipe's teachers are used for.</summary>
    /// <param name="own">What an endpoint itself says; null where that was not read.</param>
    public static IReadOnlyList<TermsUse> Uses(AskRecipe recipe, TermsRegister register, TermsPurpose purpose, Func<Endpoint, PolicyReading?>? own = null)
    {
        TermsUse Use(TermsRole role, AskedTeacher teacher) => new(role, UsedModel.Of(teacher.Model.ToString(), register), purpose, teacher.Terms, own?.Invoke(teacher.Model));
        return [.. recipe.Teachers.Select(t => Use(TermsRole.Teacher, t)), .. recipe.Grow is null ? (TermsUse[])[] : [Use(TermsRole.PromptGrower, recipe.Teachers[0])]];
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
