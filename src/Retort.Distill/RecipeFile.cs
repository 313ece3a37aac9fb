using Retort.Asking;
using Retort.Evidence.Terms;
using Retort.Kernels;
using Retort.Model.Llama;
using YamlDotNet.RepresentationModel;

namespace Retort.Distill;

/// <summary>Reads a recipe: YAML, validated whole, every fault named with its line; <c>--set</c> changes are applied first.</summary>
public static class RecipeFile
{
    /// <summary>Bytes.</summary>
    const int Longest = 1 << 20;

    /// <param name="path">The file.</param>
    /// <param name="changes">"key.path=value" each.</param>
    /// <param name="samples">Names <c>data.sample</c> may have.</param>
    /// <exception cref="UserError">It cannot be read, or has faults.</exception>
    public static Recipe Read(string path, IReadOnlyList<string> changes, IReadOnlyCollection<string> samples)
    {
        if (!Path.Exists(path))
        {
            throw new UserError("there is no such recipe", path, "Check the path, or write one with: retort init");
        }

        YamlNode root = YamlText.Parse(TextFile.Read(path, Longest), path, lines: true) ?? new YamlMappingNode();
        HashSet<YamlNode> typed = new(ReferenceEqualityComparer.Instance);
        foreach (string change in changes)
        {
            YamlChange.Apply(root, change, typed, "teacher", "teacher_tokenizer", "student.from");
        }

        List<string> faults = [];
        Recipe recipe = Build(root, Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFileNameWithoutExtension(path), samples, new(faults, typed));
        if (faults.Count > 0)
        {
            throw new UserError(string.Join("; ", faults), path, faults.Count == 1 ? "Mend it and run again." : $"Mend these {faults.Count} faults and run again.");
        }

        return recipe;
    }

    static Recipe Build(YamlNode node, string folder, string fileName, IReadOnlyCollection<string> samples, YamlFaults faults)
    {
        YamlFields root = new(node, "", faults);
        string Absolute(string path) => path.Contains("://", StringComparison.Ordinal) ? path : Path.GetFullPath(Path.Combine(folder, path));
        string? teacher = root.Text("teacher") is { } t ? Absolute(t) : null, tokenizer = root.Text("teacher_tokenizer") is { } k ? Absolute(k) : null;
        string name = root.Text("name") ?? fileName;
        root.Require("student");
        root.Require("data");
        YamlFields d = root.Map("data"), e = root.Map("evaluate"), x = root.Map("export");
        AskRecipe? ask = teacher is not null && Endpoint.Is(teacher) ? AskRecipe.Of(root, d, name, Absolute) : null;
        bool weights = teacher is not null && ask is null;
        StudentRecipe student = Student(root.Map("student"), weights, weights || (ask is not null && tokenizer is not null), Absolute);
        DataRecipe data = Data(d, weights, samples, Absolute);
        LossWeights loss = Loss(root.Map("loss"), weights || ask?.Parameters.TopLogProbabilities > 0);
        SignalRecipe signal = Signal(root.Map("signal"), loss, ask?.Parameters.TopLogProbabilities);
        TrainRecipe train = Train(root.Map("train"), loss, signal);
        TaskRecipe? task = TaskRecipe.Read(root.Map("task"), Absolute);
        EvaluateRecipe evaluate = new(
            e.Whole("gold_items", task is null ? 100 : Math.Min(data.HeldOut, 100_000), 0, 100_000), e.Whole("max_tokens", 200, 1, 1 << 20), e.Whole("samples", 4, 0, 100), e.Choice("metric", task is null ? "text" : "gold", "text", "gold"),
            e.Number("price_per_core_hour", 0.04, 0, 1e6), e.Text("currency") ?? "USD");
        ExportRecipe export = new(x.Choice("type", "bf16", "f32", "f16", "bf16"), x.Text("name") ?? name, x.Text("notices") is { } n ? Absolute(n) : null, [.. (x.Texts("licences") ?? []).Select(Absolute)]);
        Recipe recipe = new(name, ask?.Teacher.ToString() ?? teacher, ask, tokenizer, ask?.Terms ?? DeclaredTerms.Read(root.Map("terms"), Absolute), ask is null ? new() : AdmitRecipe.Read(root.Map("admit"), Absolute, task is not null), student, data, loss, signal, train, Twin(root, teacher is not null, ask is not null, Absolute), evaluate, export) { Task = task };
        if (task is not null && data.TeacherSamples is not null)
        {
            d.Fault("teacher_samples", "are texts without prompts, and a task answers prompts: take prompts");
        }

        e.Close();
        x.Close();
        root.Close();
        return recipe;
    }

    static StudentRecipe Student(YamlFields s, bool teacher, bool tokenizer, Func<string, string> absolute)
    {
        YamlFields shape = s.Map("shape");
        LoraRecipe? lora = LoraRecipe.Read(s.Map("lora"));
        string? from = s.Text("from");
        IReadOnlyList<long>? layers = s.Has("teacher_layers") ? s.Wholes("teacher_layers", [], 0, 1023) : null;
        if ((shape.Present ? 1 : 0) + (from is null ? 0 : 1) + (layers is null ? 0 : 1) != 1)
        {
            s.Fault("shape", "or from or teacher_layers is needed, exactly one of them");
        }

        int? trained = s.Has("train_tokenizer") ? s.Whole("train_tokenizer", 1024, 257, 1 << 20) : null;
        if (!tokenizer && trained is null && from is null)
        {
            s.Fault("train_tokenizer", "is needed where there is no teacher on disk to take the tokenizer from, and no teacher_tokenizer");
        }

        if (lora is not null && from is null)
        {
            s.Fault("lora", "needs from: an adapter is trained on a model that exists");
        }

        if (!teacher && layers is not null)
        {
            s.Fault("teacher_layers", "needs a teacher on disk");
        }

        StudentRecipe made = from is not null ? new StudentRecipe.From(absolute(from), lora)
            : layers is not null ? new StudentRecipe.TeacherLayers([.. layers.Select(l => (int)l)])
            : Shape(shape, trained);
        shape.Close();
        s.Close();
        return made;
    }

    static StudentRecipe.Shape Shape(YamlFields s, int? trained)
    {
        int hidden = s.Whole("hidden", 64, 2, 1 << 17), heads = s.Whole("heads", 4, 1, 4096);
        StudentRecipe.Shape shape = new(
            hidden, s.Whole("layers", 4, 1, 1024), heads, s.Whole("key_value_heads", heads, 1, 4096), s.Whole("head_size", Math.Max(2, hidden / Math.Max(1, heads)), 2, 4096),
            s.Whole("feed_forward", hidden * 8 / 3, 1, 1 << 20), s.Choice("family", "llama", "llama", "qwen2", "qwen3") switch { "qwen2" => LlamaFamily.Qwen2, "qwen3" => LlamaFamily.Qwen3, _ => LlamaFamily.Llama },
            s.Flag("tied_head", true), trained);
        if (shape.HeadSize % 2 != 0)
        {
            s.Fault("head_size", $"must be even, not {shape.HeadSize} (hidden / heads unless given)");
        }

        if (shape.KeyValueHeads == 0 || shape.Heads % Math.Max(1, shape.KeyValueHeads) != 0)
        {
            s.Fault("key_value_heads", $"must divide heads = {shape.Heads}");
        }

        return shape;
    }

    static DataRecipe Data(YamlFields d, bool teacher, IReadOnlyCollection<string> samples, Func<string, string> absolute)
    {
        string? sample = d.Text("sample");
        IReadOnlyList<string>? text = d.Texts("text"), prompts = d.Texts("prompts");
        int? drawn = d.Has("teacher_samples") ? d.Whole("teacher_samples", 1000, 1, 1 << 28) : null;
        if ((sample is null ? 0 : 1) + (text is null ? 0 : 1) + (prompts is null ? 0 : 1) + (drawn is null ? 0 : 1) != 1)
        {
            d.Fault("sample", "or text or prompts or teacher_samples is needed, exactly one of them");
        }

        if (sample is not null && !samples.Contains(sample))
        {
            d.Fault("sample", $"must be one of {string.Join(", ", samples)}, not '{sample}'");
        }

        if (drawn is not null && !teacher)
        {
            d.Fault("teacher_samples", "needs a teacher on disk");
        }

        DataRecipe made = new(
            sample, text is null ? null : [.. text.Select(absolute)], prompts is null ? null : [.. prompts.Select(absolute)], drawn, d.Number("sample_temperature", 1, 0.01, 10),
            d.Whole("documents", 2000, 1, 1 << 28), d.Whole("held_out", 200, 2, 1 << 24), d.Whole("validation", 100, 1, 1 << 24), (ulong)d.Whole("seed", 1L, 0, long.MaxValue), d.Flag("mask_prompts", true));
        d.Close();
        return made;
    }

    static LossWeights Loss(YamlFields l, bool teacher)
    {
        double forward = l.Number("forward_kl", teacher && !l.Present ? 1 : 0, 0, 1e6), reverse = l.Number("reverse_kl", 0, 0, 1e6), jensen = l.Number("jensen_shannon", 0, 0, 1e6);
        double cross = l.Number("cross_entropy", teacher ? 0 : 1, 0, 1e6);
        LossWeights weights = new((float)cross, (float)forward, (float)reverse, (float)jensen, (float)l.Number("beta", 0.5, 0.001, 0.999), (float)l.Number("temperature", 1, 0.01, 100));
        if (weights.NeedsTeacher && !teacher)
        {
            l.Fault("forward_kl", "and the other divergences need a teacher on disk, or one that is asked for ask.top_logprobs");
        }

        if (cross == 0 && !weights.NeedsTeacher)
        {
            l.Fault("cross_entropy", "or a divergence must have a weight above 0");
        }

        l.Close();
        return weights;
    }

    /// <param name="asked">Likeliest tokens an endpoint is asked for; null where the teacher is none, or is asked for text alone.</param>
    static SignalRecipe Signal(YamlFields s, LossWeights loss, int? asked)
    {
        SignalRecipe made = new(
            s.Choice("kind", !loss.NeedsTeacher ? "text" : asked is null ? "live" : "top_k", "live", "top_k", "text"), s.Whole("k", asked is > 0 ? asked.Value : 20, 1, 1024),
            s.Choice("tail", "bucket", "bucket", "renormalize", "sample") switch { "renormalize" => TailHandling.Renormalize, "sample" => TailHandling.Sample, _ => TailHandling.Bucket }, s.Choice("faulty", "refuse", "refuse", "text"));
        if (made.Kind == "top_k" && (loss.ReverseKl != 0 || loss.JensenShannon != 0))
        {
            s.Fault("kind", "top_k holds part of the distribution: only forward_kl and cross_entropy can use it; take live for the others");
        }

        if (asked is not null && made.Kind == "live")
        {
            s.Fault("kind", "live needs a teacher on disk: an endpoint gives top_k, once");
        }

        if (asked is not null && made.Kind == "top_k" && loss.Temperature != 1)
        {
            s.Fault("kind", $"top_k of an endpoint is of temperature 1, and loss.temperature is {loss.Temperature}: what was not listed cannot be tempered");
        }

        if (asked is not null && made.Kind == "top_k" && made.K > asked)
        {
            s.Fault("k", $"is more than the ask.top_logprobs of {asked} that are asked for");
        }

        if (asked is not null && made.Tail == TailHandling.Sample)
        {
            s.Fault("tail", "sample needs a teacher on disk: an endpoint gives the likeliest tokens, no draws");
        }

        if (made.Kind == "text" && loss.NeedsTeacher)
        {
            s.Fault("kind", "text carries no distribution, but the loss has a divergence");
        }

        s.Close();
        return made;
    }

    static TrainRecipe Train(YamlFields t, LossWeights loss, SignalRecipe signal)
    {
        int context = t.Whole("context", 256, 32, 1 << 20);
        if (context % MatMul.L != 0)
        {
            t.Fault("context", $"must be a multiple of {MatMul.L}, not {context}");
        }

        IReadOnlyList<long> seeds = t.Wholes("seeds", [1, 2, 3, 4, 5], 0, 1_000_000_000_000_000);
        TrainRecipe made = new(
            t.Whole("tokens", 1_000_000L, 1, 1L << 50), t.Whole("rows", 16, 1, 1 << 16), t.Whole("accumulate", 1, 1, 1 << 16), context, t.Numbers("rate", [3e-3], 1e-9, 10), t.Number("search_share", 0.3, 0.01, 1),
            seeds,
            new(t.Choice("schedule", "cosine", "cosine", "warmup_stable_decay") == "cosine" ? ScheduleKind.Cosine : ScheduleKind.WarmupStableDecay, t.Number("warmup", 0.05, 0, 1), t.Number("decay", 0.2, 0, 1), t.Number("floor", 0.05, 0, 1)),
            new OptimizerOptions { WeightDecay = (float)t.Number("weight_decay", 0.01, 0, 10), ClipNorm = (float)t.Number("clip", 1, 1e-6, 1e9), Beta1 = (float)t.Number("beta1", 0.9, 0, 0.99999), Beta2 = (float)t.Number("beta2", 0.95, 0, 0.999999) },
            OnPolicy(t.Map("on_policy"), loss, signal),
            t.Flag("checkpointing", false), t.Number("checkpoint_seconds", 30, 0, 1e9), t.Whole("threads", 0, 0, 1024));
        if (seeds.Distinct().Count() != seeds.Count || seeds.Count == 0)
        {
            t.Fault("seeds", "must be different numbers, at least one");
        }

        t.Close();
        return made;
    }

    static OnPolicyRecipe? OnPolicy(YamlFields o, LossWeights loss, SignalRecipe signal)
    {
        OnPolicyRecipe made = new(o.Number("share", 0.5, 0, 1), o.Whole("max_tokens", 128, 1, 1 << 20), o.Number("temperature", 1, 0.01, 10));
        o.Close();
        if (!o.Present || made.Share == 0)
        {
            return null;
        }

        if (!loss.NeedsTeacher)
        {
            o.Fault("share", "needs a divergence in the loss: the student's own words are no labels");
        }
        else if (signal.Kind != "live")
        {
            o.Fault("share", "needs signal.kind live: a stored signal cannot score what the student writes");
        }

        return made;
    }

    /// <summary><c>true</c> and <c>false</c>, or a mapping of what a trained twin is to be.</summary>
    static TwinRecipe? Twin(YamlFields root, bool teacher, bool asked, Func<string, string> absolute)
    {
        if (!root.IsMapping("twin"))
        {
            return root.Flag("twin", true) && teacher ? new(EqualCompute: true) : null;
        }

        YamlFields t = root.Map("twin");
        TwinRecipe made = new(t.Flag("equal_compute", true), t.Texts("prompts")?.Select(absolute).ToArray(), t.Texts("text")?.Select(absolute).ToArray());
        if (!asked && (made.Prompts ?? made.Text) is not null)
        {
            t.Fault(made.Prompts is null ? "text" : "prompts", "is for a teacher behind an endpoint: beside one on disk the twin learns from the same text as the student");
        }
        else if (made is { Prompts: not null, Text: not null })
        {
            t.Fault("text", "or prompts: one of them");
        }

        t.Close();
        return teacher ? made : null;
    }
}
