using System.Text;
using System.Text.Json;
using Retort.Model;

namespace Retort.Distill;

/// <summary>The documents of a run, split once: to train, to choose the learning rate, and to test.</summary>
/// <param name="Source">Where they came from, for the report.</param>
/// <param name="SpecialTokens">Spellings a trained tokenizer keeps whole; the last one ends a document.</param>
public sealed record Corpus(IReadOnlyList<Document> Train, IReadOnlyList<Document> Validation, IReadOnlyList<Document> HeldOut, string Source, IReadOnlyList<string> SpecialTokens)
{
    /// <summary>Tokens the teacher wrote for it; 0 where the text is not the teacher's.</summary>
    public long Sampled { get; init; }

    /// <summary>The mark that ends a document of plain files.</summary>
    public const string End = "<|end|>";

    /// <summary>Characters of one document when a text file is split at its blank lines.</summary>
    const int DocumentCharacters = 1500;

    /// <exception cref="UserError">A file is missing, unreadable or holds too few documents.</exception>
    public static Corpus Read(DataRecipe recipe, IReadOnlyDictionary<string, SampleSource> samples)
    {
        if (recipe.Sample is { } name)
        {
            SampleSource source = samples[name];

            // Validation comes from the test split's kind of stream under another seed: it shares no document with either.
            Document[] test = [.. source.Documents(recipe.Seed, recipe.HeldOut, true)];
            HashSet<string> tested = [.. test.Select(d => d.Prompt + d.Answer)];
            Document[] validation = [.. source.Documents(recipe.Seed + 0x56414C, recipe.Validation * 2, true).Where(d => !tested.Contains(d.Prompt + d.Answer)).Take(recipe.Validation)];
            return new([.. source.Documents(recipe.Seed, recipe.Documents, false)], validation, test, $"sample {name}, seed {recipe.Seed}", source.SpecialTokens);
        }

        IReadOnlyList<string> files = recipe.Text ?? recipe.Prompts ?? [];
        Document[] all = [.. files.SelectMany(f => recipe.Text is not null ? ReadText(f) : ReadPrompts(f))];
        return Split(all, recipe, string.Join(", ", files.Select(Path.GetFileName)));
    }

    /// <summary>The held-out documents that have a prompt, as JSON lines of "prompt" and "answer"; empty where none has.</summary>
    internal byte[] HeldOutPrompts()
    {
        StringBuilder lines = new();
        foreach (Document document in HeldOut.Where(d => d.Prompt.Length > 0 && !d.Laid))
        {
            string answer = document.Answer.EndsWith(End, StringComparison.Ordinal) ? document.Answer[..^End.Length] : document.Answer;
            lines.Append(JsonSerializer.Serialize(new { prompt = document.Prompt, answer })).Append('\n');
        }

        return Encoding.UTF8.GetBytes(lines.ToString());
    }

    /// <summary>Splits documents by a seeded shuffle after equal ones are taken out.</summary>
    public static Corpus Split(IReadOnlyList<Document> documents, DataRecipe recipe, string source)
    {
        Document[] all = [.. documents.DistinctBy(d => d.Prompt + "\0" + d.Answer)];
        Shuffle(all, recipe.Seed);
        int kept = recipe.HeldOut + recipe.Validation;
        if (all.Length <= kept)
        {
            throw new UserError($"there are {all.Length} different documents, and {kept} are held out", source, "Give more text, or lower data.held_out and data.validation.");
        }

        return new([.. all.Skip(kept).Take(recipe.Documents)], [.. all.Skip(recipe.HeldOut).Take(recipe.Validation)], [.. all.Take(recipe.HeldOut)], source, [End]);
    }

    /// <summary>Splits by prompt, so that of several answers to one none is tested on while another is trained on; counts are of prompts. Prompts whose
    /// answers are not to be learned from are held out or left out.</summary>
    public static Corpus SplitByPrompt(IReadOnlyList<Document> documents, DataRecipe recipe, string source)
    {
        Document[][] all = [.. documents.GroupBy(d => d.Prompt, StringComparer.Ordinal).Select(g => g.ToArray())];
        Shuffle(all, recipe.Seed);
        Document[][] heldOut = [.. all.Take(recipe.HeldOut)], taught = [.. all.Skip(recipe.HeldOut).Select(g => g.Where(d => !d.Untaught).ToArray()).Where(g => g.Length > 0)];
        if (taught.Length <= recipe.Validation)
        {
            throw new UserError($"there are {heldOut.Length + taught.Length} different prompts with an answer that is trained on, and {recipe.HeldOut + recipe.Validation} are held out", source, "Give more prompts, or lower data.held_out and data.validation.");
        }

        // Of several answers to one prompt those to learn from speak for the teacher.
        Document[] Of(IEnumerable<Document[]> groups) => [.. groups.SelectMany(g => g.Any(d => !d.Untaught) ? g.Where(d => !d.Untaught) : g.Take(1))];
        return new(Of(taught.Skip(recipe.Validation).Take(recipe.Documents)), Of(taught.Take(recipe.Validation)), Of(heldOut), source, [End]);
    }

    static void Shuffle<T>(T[] all, ulong seed)
    {
        RandomStream random = new(seed, 0xC0);
        for (int i = all.Length - 1; i > 0; i--)
        {
            int j = random.NextInt(i + 1);
            (all[i], all[j]) = (all[j], all[i]);
        }
    }

    /// <summary>Documents of a text file, cut at blank lines.</summary>
    internal static IEnumerable<Document> ReadText(string path)
    {
        string text = TextFile.Read(path);
        List<string> paragraphs = [];
        int length = 0;
        foreach (string paragraph in text.Split(["\n\n", "\r\n\r\n"], StringSplitOptions.RemoveEmptyEntries).Where(p => !string.IsNullOrWhiteSpace(p)))
        {
            paragraphs.Add(paragraph);
            length += paragraph.Length;
            if (length >= DocumentCharacters)
            {
                yield return new("", string.Join("\n\n", paragraphs) + End);
                paragraphs.Clear();
                length = 0;
            }
        }

        if (paragraphs.Count > 0)
        {
            yield return new("", string.Join("\n\n", paragraphs) + End);
        }
    }

    /// <summary>Documents of a file of JSON lines.</summary>
    internal static IEnumerable<Document> ReadPrompts(string path)
    {
        int number = 0;
        foreach (string line in TextFile.Read(path).Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            string prompt, answer;
            string? gold, slice;
            try
            {
                using JsonDocument json = JsonDocument.Parse(line);
                prompt = json.RootElement.GetProperty("prompt").GetString() ?? "";
                answer = json.RootElement.GetProperty("answer").GetString() ?? "";
                gold = json.RootElement.TryGetProperty("gold", out JsonElement g) ? g.GetString() : null;
                slice = json.RootElement.TryGetProperty("slice", out JsonElement s) ? s.GetString() : null;
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new UserError("a line must be a JSON object with the texts \"prompt\" and \"answer\"", $"{path}, line {number}", "Mend the line; \"gold\" may hold the right answer.");
            }

            yield return new(prompt, answer + End, "prompt", gold is null ? null : DatasetFile.GoldScore(gold), gold) { Slice = slice };
        }
    }
}
