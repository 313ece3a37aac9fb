using System.Text.Json;
using Microsoft.Extensions.AI;
using Retort.Evidence.Terms;

namespace Retort.Asking;

/// <param name="Out">Folder of the run; its transcripts.db is made or gone on with.</param>
/// <param name="Register">By which it is decided whether anything may be asked.</param>
public sealed record CollectOptions(string Out, TermsRegister Register)
{
    /// <summary>Whether the endpoint is probed, once more where it was, and nothing else is asked.</summary>
    public bool Probe { get; init; }
}

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

        /// <summary>Batches that ended in this run.</summary>
        public IReadOnlyList<BatchFacts> Batches { get; init; } = [];
    }
}

/// <summary>
/// Asks a teacher behind an interface what a recipe's prompts say: 1 read the recipe, prompts and prices · 2 check the terms, for asking and for training ·
/// 3 take the key, open the store · 4 forecast · 5 see what the endpoint does · 6 ask.
/// </summary>
public static class CollectJob
{
    /// <param name="environment">Gives an environment variable; null where it is not set.</param>
    /// <param name="client">Who is asked instead of the recipe's endpoint; null for that.</param>
    /// <exception cref="UserError">Recipe, prompts, prices or store cannot be used, or the key's variable is not set.</exception>
    public static async Task<CollectResult> Run(
        string recipePath, CollectOptions options, Func<string, string?> environment, Action<Forecast> onForecast, Action<AskFacts> onProgress, TimeProvider time, CancellationToken stop, IChatClient? client = null)
    {
        // 1
        AskRecipe recipe = AskRecipe.Read(recipePath);
        PromptSet set = PromptSet.Read([recipe.Prompts], recipe.Reading);
        IReadOnlyList<Prompt> prompts = set.Prompts;
        (Prompt Prompt, IReadOnlyList<Sensitive> Holds)[] sensitive = recipe.Scan == "off" ? [] : [.. prompts.Select(p => (p, SensitiveText.In(p.Text))).Where(p => p.Item2.Count > 0)];
        HashSet<Prompt> leftOut = new(recipe.Scan == "exclude" ? sensitive.Select(s => s.Prompt) : [], ReferenceEqualityComparer.Instance);
        Chain[] chains = [.. prompts.Where(p => !leftOut.Contains(p)).Select(p => new Chain(new(recipe.Teacher, p.Turns, recipe.Parameters), p.Later))];
        DateOnly today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        Price? price = recipe.Price ?? (recipe.Prices is { } table
            ? PriceTable.Read(table).For(recipe.Teacher, today) ?? throw new UserError($"there is no price for {recipe.Teacher.Model} of {recipe.Teacher.Host}", table, "Add one, with the day since when it holds.")
            : null);

        // 2
        TermsPermission[] permissions = [.. recipe.Permissions.Select(p => PermissionFile.Read(p, options.Register))];
        UsedModel teacher = UsedModel.Of(recipe.Teacher.ToString(), options.Register);
        TermsVerdict Check(TermsPurpose purpose) => TermsGate.Check(options.Register, [new(TermsRole.Teacher, teacher, purpose, recipe.Terms, null)], today, permissions: permissions);
        TermsVerdict verdict = Check(TermsPurpose.Ask) is TermsVerdict.Closed forbidden ? forbidden : Check(TermsPurpose.Train);
        if (verdict is TermsVerdict.Closed closed)
        {
            return new CollectResult.Refused(closed);
        }

        // 3
        string? key = recipe.Key is null ? null : environment(recipe.Key) is { Length: > 0 } value ? value : throw new UserError($"the environment variable {recipe.Key} is not set", recipePath, "Set it to the endpoint's key, or take ask.key out where none is needed.");
        Directory.CreateDirectory(options.Out);
        string file = Path.Combine(options.Out, "transcripts.db");
        using Transcripts store = Transcripts.Open(file, time);

        // 4
        AtomicFile.WriteAllBytes(Path.Combine(options.Out, "sensitive.jsonl"), List(sensitive, leftOut));
        onForecast(Forecast.Of(chains, store, recipe.Batch ? price?.Less(recipe.BatchDiscount) : price, recipe.Ceiling) with { Sensitive = sensitive.SelectMany(s => s.Holds).CountBy(k => k).ToDictionary(), LeftOut = leftOut.Count, Sources = [.. set.Lines()] });

        // 5
        using RemoteModel? remote = client is null ? new(recipe.Teacher, key, recipe.Timeout, recipe.InFlight, time) : null;
        AskOptions ask = new(
            recipe.InFlight, recipe.Attempts, recipe.Ceiling, recipe.RequestsPerMinute, recipe.TokensPerMinute, Terms: string.Join(", ", verdict.Uses[0].Entries.Select(e => $"{e.Entry.Id} {e.Sha256}")), Account: key is null ? null : store.Account(key));
        CollectResult.Asked Result(AskResult asked, ProbeFacts? facts) => new(asked.End, asked.Facts, store.Facts(), asked.Said, file) { Probe = facts, Batches = asked.Batches };
        (AskResult probed, ProbeFacts? does) = await Probe.Run(recipe.Teacher, client ?? remote!, store, price ?? Price.Free, ask, options.Probe, time, stop).ConfigureAwait(false);
        if (options.Probe || probed.End != AskEnd.Done)
        {
            return Result(probed, does);
        }

        if (does?.Lacks(recipe.Parameters) is { } lack)
        {
            throw new UserError(lack, recipe.Teacher.ToString(), "Change the recipe, or ask again what the endpoint does with retort collect --probe.");
        }

        // 6
        AskResult result = recipe.Batch
            ? await BatchAsker.Ask(chains, new(remote ?? throw new UserError("another client has no batches", "ask.batch", "Take it out.")), store, recipe.Teacher, (price ?? Price.Free).Less(recipe.BatchDiscount), ask, BatchOptions.Default, time, onProgress, stop).ConfigureAwait(false)
            : await Asker.Ask(chains, client ?? remote!, store, price ?? Price.Free, ask, time, onProgress, stop).ConfigureAwait(false);
        return Result(result, does);
    }

    /// <summary>Where they stand and of what kind, never what was found.</summary>
    static byte[] List(IEnumerable<(Prompt Prompt, IReadOnlyList<Sensitive> Holds)> sensitive, HashSet<Prompt> leftOut) =>
        [.. sensitive.SelectMany(s => JsonSerializer.SerializeToUtf8Bytes(new { where = s.Prompt.Where, holds = s.Holds.Select(h => JsonNamingPolicy.SnakeCaseLower.ConvertName(h.ToString())), left_out = leftOut.Contains(s.Prompt) }).Append((byte)'\n'))];
}
