using System.Text.Json;

namespace Retort.Asking;

/// <summary>
/// without.json of a run folder: that the run began with the answers of another without those of some teachers, and what is missed and saved by it.
/// </summary>
/// <param name="Run">The other run's folder.</param>
/// <param name="Teachers">Whose answers were left there.</param>
/// <param name="Copied">What of its questions was copied.</param>
public sealed record ReusedAnswers(string Run, IReadOnlyList<string> Teachers, CopyFacts Copied)
{
    public const string FileName = "without.json";

    static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>Begins a run's store with the answers of the run that <c>ask.reuse</c> names; nothing where it names none, or the store is there.</summary>
    /// <param name="keep">Whether a question that is no left-out teacher's is wanted all the same; null wants all.</param>
    /// <exception cref="UserError">The other run cannot be read, or the store not be written.</exception>
    public static void Begin(AskRecipe recipe, string run, Func<StoredQuestion, bool>? keep = null)
    {
        string store = Path.Combine(run, CollectJob.StoreFile);
        if (recipe.Reuse is not { } other || File.Exists(store))
        {
            return;
        }

        string from = Path.Combine(other, CollectJob.StoreFile);
        if (recipe.LeftOut.Count == 0)
        {
            Transcripts.Copy(from, store);
            return;
        }

        Endpoint[] left = [.. recipe.LeftOut.Select(t => t.Model)];
        Dictionary<string, string> grown = Grown(Path.Combine(other, CollectJob.GrownFile));
        HashSet<string> theirs = new(StringComparer.Ordinal);
        bool Keep(StoredQuestion question)
        {
            if (left.Contains(question.Asked))
            {
                theirs.Add(Convert.ToHexStringLower(question.Key));
                return false;
            }

            // A prompt that such a teacher wrote is its words too; it was asked for before it was asked.
            return keep?.Invoke(question) != false && (grown.Count == 0 || !Said(question.Body).Any(t => grown.TryGetValue(t, out string? request) && theirs.Contains(request)));
        }

        Transcripts.Copy(
            from, store, left, Keep, facts => AtomicFile.WriteAllBytes(Path.Combine(run, FileName), JsonSerializer.SerializeToUtf8Bytes(new ReusedAnswers(Path.GetFullPath(other), [.. left.Select(t => t.ToString())], facts), s_json)));
    }

    /// <summary>What <see cref="Begin"/> wrote; null where it wrote nothing.</summary>
    /// <exception cref="UserError">It cannot be read.</exception>
    public static ReusedAnswers? Read(string run)
    {
        string path = Path.Combine(run, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<ReusedAnswers>(TextFile.Read(path, 1 << 20), s_json) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new UserError("this does not say what a run began with", path, "Put back a copy of the file, or begin the run in a new folder.");
        }
    }

    /// <summary>Prompts that were grown, each with the hash of the question it answers.</summary>
    static Dictionary<string, string> Grown(string file)
    {
        Dictionary<string, string> grown = new(StringComparer.Ordinal);
        foreach (string line in File.Exists(file) ? File.ReadLines(file) : [])
        {
            try
            {
                GrownPrompt prompt = JsonSerializer.Deserialize<GrownPrompt>(line, s_json) ?? throw new JsonException();
                grown.TryAdd(prompt.Prompt, prompt.Request);
            }
            catch (JsonException)
            {
                throw new UserError("a line is no prompt that was grown", file, "Put back a copy of the file, or delete it: retort collect writes it again.");
            }
        }

        return grown;
    }

    static IEnumerable<string> Said(byte[] body) => JsonElement.Parse(body).GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("content").GetString() ?? "");
}
