using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Retort.Distill;

/// <summary>
/// dataset.jsonl of a run folder: every document the run trains and tests on, one a line, in the order it is used. A run made again from it reads the
/// same text whatever became of the files and answers it was gathered from.
/// </summary>
public static class DatasetFile
{
    const string Train = "train", Validation = "validation", HeldOut = "held_out";

    static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        AllowDuplicateProperties = false,
    };

    /// <param name="Id">The stored answer it was made of.</param>
    sealed record Row(string Split, string Prompt, string Answer, string Kind, string? Gold = null, bool Laid = false, string? Id = null, string? Trace = null, string? Slice = null, bool Untaught = false);

    sealed record Head(string Source, IReadOnlyList<string> SpecialTokens, long Sampled = 0);

    public static void Write(string path, Corpus corpus) => AtomicFile.Write(path, stream =>
    {
        void Line<T>(T value)
        {
            JsonSerializer.Serialize(stream, value, s_json);
            stream.WriteByte((byte)'\n');
        }

        Line(new Head(corpus.Source, corpus.SpecialTokens, corpus.Sampled));
        foreach ((string split, IReadOnlyList<Document> documents) in new[] { (Train, corpus.Train), (Validation, corpus.Validation), (HeldOut, corpus.HeldOut) })
        {
            foreach (Document d in documents)
            {
                Line(new Row(split, d.Prompt, d.Answer, d.Kind, d.Gold, d.Laid, d.Id, d.Trace.Length == 0 ? null : d.Trace, d.Slice, d.Untaught));
            }
        }
    });

    /// <summary>The documents as they were written; scores are those that gold answers give.</summary>
    /// <exception cref="UserError">It cannot be read, or a line is none of its own.</exception>
    public static Corpus Read(string path)
    {
        Dictionary<string, List<Document>> splits = new(StringComparer.Ordinal) { [Train] = [], [Validation] = [], [HeldOut] = [] };
        Head? head = null;
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            try
            {
                if (head is null)
                {
                    head = JsonSerializer.Deserialize<Head>(line, s_json)!;
                    continue;
                }

                Row row = JsonSerializer.Deserialize<Row>(line, s_json)!;
                splits[row.Split].Add(new(row.Prompt, row.Answer, row.Kind, row.Gold is null ? null : GoldScore(row.Gold), row.Gold) { Laid = row.Laid, Id = row.Id, Trace = row.Trace ?? "", Slice = row.Slice, Untaught = row.Untaught });
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new UserError("the line is none of a run's dataset", $"{path}, line {number}", "Put back a copy of the file, or begin the run in a new folder.");
            }
        }

        return head is null
            ? throw new UserError("the dataset is empty", path, "Put back a copy of the file, or begin the run in a new folder.")
            : new(splits[Train], splits[Validation], splits[HeldOut], head.Source, head.SpecialTokens) { Sampled = head.Sampled };
    }

    /// <summary>1 for the right answer, white space at its ends left out, else 0.</summary>
    public static Func<string, double> GoldScore(string gold) => answer => answer.Trim() == gold.Trim() ? 1 : 0;
}
