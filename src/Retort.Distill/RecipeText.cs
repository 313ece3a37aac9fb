using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Retort.Asking;
using Retort.Evidence.Terms;
using Retort.Kernels;
using Retort.Model.Grammars;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>
/// A resolved recipe as YAML: every key is spelled out, defaults too, and <see cref="RecipeFile"/> reads it back to the same recipe. The run
/// folder's recipe.yaml is this text, so a run can be made again from its folder alone, and its hash is the file's.
/// </summary>
public static class RecipeText
{
    public static string Of(Recipe recipe)
    {
        StringBuilder yaml = new("# The recipe this run was made from, with every default filled in. Written by retort distill.\n");
        void Section(string name, params IEnumerable<(string Key, string? Value)> fields) => yaml.Append(name).Append(":\n").AppendJoin("", fields.Where(f => f.Value is not null).Select(f => $"  {f.Key}: {f.Value}\n"));
        void Line(string key, string? value) => yaml.Append(value is null ? "" : $"{key}: {value}\n");
        (DataRecipe d, LossWeights l, TrainRecipe t, EvaluateRecipe e) = (recipe.Data, recipe.Loss, recipe.Train, recipe.Evaluate);
        Line("name", Quote(recipe.Name));
        Line("teacher", Quote(recipe.Teacher));
        Line("teacher_tokenizer", Quote(recipe.TeacherTokenizer));
        Section("terms", Terms(recipe.Terms));
        if (recipe.Task is { } task)
        {
            Section("task", ("labels", task.Form is AnswerForm.Labels labels ? Quoted(labels.Texts) : null), ("schema", Quote(task.SchemaFile)), ("agree", Number(task.Agree)));
        }

        Section("student", Student(recipe.Student));
        Section(
            "data",
            ("sample", Quote(d.Sample)), ("text", Quoted(d.Text)), ("prompts", Quoted(d.Prompts)), ("teacher_samples", d.TeacherSamples is { } drawn ? Number(drawn) : null), ("sample_temperature", Number(d.SampleTemperature)),
            ("scan", recipe.Ask?.Scan), ("format", PromptFormats.Name(recipe.Ask?.Reading.Format)), ("template", Quote(recipe.Ask?.Reading.Template)), ("gold", Quote(recipe.Ask?.Reading.Gold)), ("grow", recipe.Ask?.Grow is { } grow ? Grow(grow) : null), ("documents", Number(d.Documents)), ("held_out", Number(d.HeldOut)), ("validation", Number(d.Validation)), ("seed", Number(d.Seed)), ("mask_prompts", Flag(d.MaskPrompts)));
        Section(
            "loss",
            ("cross_entropy", Number(l.CrossEntropy)), ("forward_kl", Number(l.ForwardKl)), ("reverse_kl", Number(l.ReverseKl)), ("jensen_shannon", Number(l.JensenShannon)), ("beta", Number(l.Beta)), ("temperature", Number(l.Temperature)));
        Section("signal", ("kind", recipe.Signal.Kind), ("k", Number(recipe.Signal.K)), ("tail", TailNames.Of(recipe.Signal.Tail)), ("faulty", recipe.Signal.Faulty));
        Section(
            "train",
            ("tokens", Number(t.Tokens)), ("rows", Number(t.Rows)), ("accumulate", Number(t.Accumulate)), ("context", Number(t.Context)), ("rate", List(t.Rates.Select(r => Number(r)))), ("search_share", Number(t.SearchShare)),
            ("seeds", List(t.Seeds.Select(s => Number(s)))), ("schedule", t.Schedule.Kind is ScheduleKind.Cosine ? "cosine" : "warmup_stable_decay"), ("warmup", Number(t.Schedule.Warmup)), ("decay", Number(t.Schedule.Decay)),
            ("floor", Number(t.Schedule.Floor)), ("weight_decay", Number(t.Optimizer.WeightDecay)), ("clip", Number(t.Optimizer.ClipNorm)), ("beta1", Number(t.Optimizer.Beta1)), ("beta2", Number(t.Optimizer.Beta2)),
            ("on_policy", t.OnPolicy is { } own ? $"{{share: {Number(own.Share)}, max_tokens: {Number(own.MaxTokens)}, temperature: {Number(own.Temperature)}}}" : "{share: 0}"),
            ("checkpointing", Flag(t.Checkpointing)), ("checkpoint_seconds", Number(t.CheckpointSeconds)), ("threads", Number(t.Threads)));
        if (recipe.Twin is { } twin)
        {
            Section("twin", ("equal_compute", Flag(twin.EqualCompute)), ("prompts", Quoted(twin.Prompts)), ("text", Quoted(twin.Text)));
        }
        else
        {
            Line("twin", Flag(false));
        }

        Section(
            "evaluate",
            ("gold_items", Number(e.GoldItems)), ("max_tokens", Number(e.MaxTokens)), ("samples", Number(e.Samples)), ("metric", e.Metric), ("price_per_core_hour", Number(e.PricePerCoreHour)), ("currency", Quote(e.Currency)));
        if (recipe.Ask is { } ask)
        {
            Section("ask", Ask(ask));
            Section("money", Money(ask));
            Section("admit", recipe.Admit.Fields());
            Section(
                "pace",
                ("requests_per_minute", Number(ask.RequestsPerMinute)), ("tokens_per_minute", Number(ask.TokensPerMinute)), ("in_flight", Number(ask.InFlight)), ("attempts", Number(ask.Attempts)));
        }

        // Last, so that whether two recipes train the same can be told from what stands before it.
        Section("export", ("type", recipe.Export.Type), ("name", Quote(recipe.Export.Name)), ("notices", Quote(recipe.Export.Notices)), ("licences", Quoted(recipe.Export.Licences)));
        return yaml.ToString();
    }

    static (string, string?)[] Terms(DeclaredTerms t) => [("teacher", Quote(t.Teacher)), ("student", Quote(t.Student)), ("permissions", Quoted(t.Permissions))];

    static (string, string?)[] Ask(AskRecipe a) =>
    [
        ("key", a.Key), ("system", Quote(a.SystemTurn)), ("reuse", Quote(a.Reuse)), ("max_tokens", Number(a.Parameters.MaxTokens)), ("temperature", Number(a.Parameters.Temperature)), ("top_p", Number(a.Parameters.TopP)),
        ("n", Number(a.Parameters.Count)), ("seed", Number(a.Parameters.Seed)), ("stop", Quoted(a.Parameters.Stop)), ("schema", Quote(a.SchemaFile)), ("top_logprobs", Number(a.Parameters.TopLogProbabilities)), ("timeout", Number(a.Timeout.TotalSeconds)),
        ("batch", a.Batch ? Flag(true) : null),
    ];

    static string Grow(GrowOptions g) =>
        $"{{to: {Number(g.To)}, per_request: {Number(g.PerRequest)}, {(g.Seeds is { } seeds ? $"seeds: {Quote(seeds)}, " : "")}similarity: {Number(g.Similarity)}, rounds: {Number(g.Rounds)}, temperature: {Number(g.Temperature)}, seed: {Number(g.Seed)}}}";

    static (string, string?)[] Money(AskRecipe a) =>
    [
        ("ceiling", Number(a.Ceiling?.Dollars)), ("prices", Quote(a.Prices)), ("prompt", Number(a.Price?.Prompt)), ("completion", Number(a.Price?.Completion)),
        ("since", a.Price is { } p && p.Since > DateOnly.MinValue ? p.Since.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : null), ("source", Quote(a.Price?.Source)),
        ("batch_discount", a.BatchDiscount > 0 ? Number(a.BatchDiscount) : null),
    ];

    static (string, string?)[] Student(StudentRecipe student) => student switch
    {
        StudentRecipe.Shape s =>
        [
            ("shape", $"{{hidden: {Number(s.Hidden)}, layers: {Number(s.Layers)}, heads: {Number(s.Heads)}, key_value_heads: {Number(s.KeyValueHeads)}, head_size: {Number(s.HeadSize)}, feed_forward: {Number(s.FeedForward)}, family: {Family(s.Family)}, tied_head: {Flag(s.TiedHead)}}}"),
            ("train_tokenizer", s.TrainTokenizer is { } size ? Number(size) : null),
        ],
        StudentRecipe.TeacherLayers t => [("teacher_layers", List(t.Layers.Select(l => Number(l))))],
        StudentRecipe.From f => [("from", Quote(f.Reference)), ("lora", f.Lora is { } lora ? Lora(lora) : null)],
        _ => throw new InvalidOperationException("An unknown kind of student."),
    };

    static string Lora(LoraRecipe l) =>
        $"{{rank: {Number(l.Adapter.Rank)}, alpha: {Number(l.Adapter.Alpha)}, targets: {List(l.TargetNames)}, dropout: {Number(l.Adapter.Dropout)}, rslora: {Flag(l.Adapter.RankStabilized)}, base: {l.Base}}}";

    static string Family(LlamaFamily family) => family switch { LlamaFamily.Qwen2 => "qwen2", LlamaFamily.Qwen3 => "qwen3", _ => "llama" };

    /// <summary>The shortest text that reads back to the same number.</summary>
    [return: NotNullIfNotNull(nameof(value))]
    static string? Number(IFormattable? value) => value?.ToString(null, CultureInfo.InvariantCulture);

    static string Flag(bool value) => value ? "true" : "false";

    static string List(IEnumerable<string> items) => $"[{string.Join(", ", items)}]";

    static string? Quoted(IReadOnlyList<string>? texts) => texts is null or [] ? null : List(texts.Select(t => Quote(t)!));

    /// <summary>Single quotes, in which YAML knows no escapes; double ones for what has no place on a line.</summary>
    internal static string? Quote(string? text)
    {
        if (text is null || !text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029' or '\ufeff'))
        {
            return text is null ? null : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
        }

        return $"\"{string.Concat(text.Select(c => c is '"' or '\\' ? $"\\{c}" : char.IsControl(c) || c is '\u2028' or '\u2029' or '\ufeff' ? $"\\u{(int)c:x4}" : c.ToString()))}\"";
    }
}
