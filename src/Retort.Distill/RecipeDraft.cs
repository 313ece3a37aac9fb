using System.Globalization;
using System.Text;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>A first recipe for a teacher, a student and a file of prompts: commented, complete, its sizes fitted to the text.</summary>
public static class RecipeDraft
{
    internal const int LeastDocuments = 4;

    const int L = MatMul.L, LongestRow = 1024, Passes = 10;

    const long LeastTokens = 50_000, MostTokens = 20_000_000;

    /// <param name="path">The file to write; paths in it are relative to its folder.</param>
    /// <param name="shape">A student from nothing; null reads <paramref name="student"/> as a model.</param>
    /// <param name="prompts">A .jsonl or .txt file, or a folder of either.</param>
    /// <exception cref="UserError">The file exists already, a model or the text is at fault, or it cannot be written.</exception>
    public static void Write(string path, string teacher, LlamaConfig? shape, string student, string prompts, bool replace)
    {
        CheckNew(path, replace);
        OpenModel model = ModelReference.Open(teacher);
        Tokenizer tokenizer = Tokenizer.Open(model.TokenizerPath ?? throw new UserError("the teacher has no tokenizer beside it", teacher, "Put its tokenizer.json or tok*.bin beside it."));
        if (shape is null)
        {
            CheckStudent(student, tokenizer);
        }

        (IReadOnlyList<string> files, bool text) = Files(prompts);
        Document[] documents = [.. files.SelectMany(f => text ? Corpus.ReadText(f) : Corpus.ReadPrompts(f)).DistinctBy(d => d.Prompt + "\0" + d.Answer)];
        if (documents.Length < LeastDocuments)
        {
            throw new UserError($"there are {documents.Length} different documents", prompts, $"Give at least {LeastDocuments}: some are held out to test on. A few hundred is where distilling begins to make sense.");
        }

        int[] lengths = [.. documents.Select(d => tokenizer.Encode(d.Prompt + d.Answer).Length)];
        long counted = documents.Sum(d => (long)tokenizer.Encode(d.Answer, addSpecial: false).Length);
        int most = Math.Max(L, Math.Min(LongestRow, model.Weights.Config.Context) / L * L), context = Math.Clamp((lengths.Max() + L - 1) / L * L, Math.Min(64, most), most);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string Relative(string p) => Path.GetRelativePath(folder, Path.GetFullPath(p)).Replace('\\', '/');
        string written = Text(
            Path.GetFileName(path), Relative(teacher), shape, Relative(student), [.. files.Select(Relative)], text, documents.Length, context, Budget(counted));
        AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(written));
    }

    /// <exception cref="UserError">The file exists already.</exception>
    internal static void CheckNew(string path, bool replace)
    {
        if (Path.Exists(path) && !replace)
        {
            throw new UserError("there is a file of that name", path, "Choose another with -o FILE, or replace it with --force.");
        }
    }

    /// <summary>Tokens to train on, for so many in the text.</summary>
    internal static long Budget(long counted) => Math.Clamp(counted * Passes / 10_000 * 10_000, LeastTokens, MostTokens);

    static void CheckStudent(string student, Tokenizer teacher)
    {
        OpenModel model = ModelReference.Open(student);
        if (model.TokenizerPath is null)
        {
            throw new UserError("the student has no tokenizer beside it", student, "Put its tokenizer.json into the folder: the vocabularies must be compared token by token.");
        }

        if (Tokenizer.FirstDifference(teacher, Tokenizer.Open(model.TokenizerPath)) is { } d)
        {
            throw new UserError($"teacher and student have different vocabularies: {d.Tell("the teacher", "the student")}", student, "Take a student of the teacher's own vocabulary, or give a shape.");
        }
    }

    internal static (IReadOnlyList<string> Files, bool Text) Files(string prompts)
    {
        if (!Directory.Exists(prompts))
        {
            return ([prompts], prompts.EndsWith(".txt", StringComparison.OrdinalIgnoreCase));
        }

        string[] lines = [.. Directory.GetFiles(prompts, "*.jsonl").Order(StringComparer.Ordinal)], texts = [.. Directory.GetFiles(prompts, "*.txt").Order(StringComparer.Ordinal)];
        return lines.Length > 0 ? (lines, false)
            : texts.Length > 0 ? (texts, true)
            : throw new UserError("the folder holds neither .jsonl nor .txt files", prompts, "Name a file of JSON lines with \"prompt\" and \"answer\", or a folder of such files.");
    }

    static string Text(string name, string teacher, LlamaConfig? shape, string student, IReadOnlyList<string> files, bool text, int documents, int context, long tokens)
    {
        int heldOut = Math.Clamp(documents / 10, 2, 400), validation = Math.Clamp(documents / 20, 1, 200);
        string list = string.Join(", ", files.Select(Quote));
        return string.Create(CultureInfo.InvariantCulture, $$"""
            # A recipe for retort distill, written by retort init. Run it with: retort distill {{name}}
            # Paths are relative to this file. Every key can be changed for one run: --set train.tokens=200000

            # The model to learn from.
            teacher: {{Quote(teacher)}}

            {{(shape is null ? $"""
            # The model to go on training. Its vocabulary must be the teacher's, token by token.
            student:
              from: {Quote(student)}
              # lora: {"{rank: 16, alpha: 32, targets: all-linear, dropout: 0, base: bf16}"} trains an adapter on its frozen weights instead.
            """ : $$"""
            # The model to make. It begins from nothing and takes the teacher's vocabulary.
            # Instead of shape, teacher_layers: [0, 2, 4] copies layers of the teacher, and from: FOLDER goes on with a model.
            student:
              shape: {hidden: {{shape.Hidden}}, layers: {{shape.Layers}}, heads: {{shape.Heads}}, key_value_heads: {{shape.KeyValueHeads}}, feed_forward: {{shape.FeedForward}}}
            """)}}

            # Whose terms bind: ids of retort terms list, for weights it does not know by their content. own-model says that you made them yourself.
            # terms: {teacher: own-model, student: own-model}

            # {{(text ? "Plain text, cut into documents at blank lines." : """JSON lines: {"prompt": "…", "answer": "…"}, and "gold" for the right answer where there is one.""")}}
            data:
              {{(text ? "text" : "prompts")}}: [{{list}}]
              {{$"documents: {documents}",-22}} # at most, to train on
              {{$"held_out: {heldOut}",-22}} # never trained on: the verdict rests on them
              {{$"validation: {validation}",-22}} # never trained on: they choose the learning rate
              mask_prompts: true     # no loss on the prompts themselves

            # Any weighted sum of forward_kl, reverse_kl, jensen_shannon (with beta) and cross_entropy.
            loss: {forward_kl: 1, temperature: 1}

            # live: the teacher scores every batch. top_k: its k likeliest tokens are stored once and used again for every seed.
            signal: {kind: live}

            train:
              {{$"tokens: {tokens}",-22}} # seen by each student
              {{$"context: {context}",-22}} # tokens a row, a multiple of {{L}}
              rows: 8                # rows a step; accumulate: 2 doubles the step without more memory
              rate: [0.001, 0.003]   # the best on the validation documents is taken
              seeds: [1, 2, 3, 4, 5]
              threads: 0             # 0 takes every core

            # The same student trained without the teacher: only beside it can a run show that the teacher helped. twin: false trains none.
            # equal_compute trains a second twin, longer by as much arithmetic as the teacher cost.
            twin: {equal_compute: true}

            evaluate: {metric: text, price_per_core_hour: 0.04, currency: USD}

            export: {type: bf16}   # or f32, f16

            """);
    }

    /// <summary>A YAML text in single quotes.</summary>
    internal static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
