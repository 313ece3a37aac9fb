using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Retort.Samples.Tales;

namespace Retort.Tests.Samples.Tales;

/// <summary>recipes/tales-facts.jsonl is what the generator makes, and nothing else. RETORT_WRITE=1 writes it.</summary>
public sealed class TalesFactsTests
{
    const int Prompts = 1200;

    static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Stories of the world that teacher and student never read, each asked for its facts; two of five have the right answer.</summary>
    static byte[] Lines()
    {
        StringBuilder lines = new();
        foreach ((int i, TaleDocument document) in TaleCorpus.Documents(29, Prompts, TaleSplit.HeldOut, new(0, 0, 0, 0, 1, 0)).Index())
        {
            string prompt = JsonSerializer.Serialize(TaleChat.ToPrompt(document.Prompt), s_plain);
            lines.Append(i % 5 < 2 ? $"{{\"prompt\": {prompt}, \"gold\": {document.Answer}}}\n" : $"{{\"prompt\": {prompt}}}\n");
        }

        return Encoding.UTF8.GetBytes(lines.ToString());
    }

    [Fact]
    public void ThePromptsAreTheGenerators()
    {
        string file = Repository.PathOf("recipes/tales-facts.jsonl");
        byte[] made = Lines();
        if (Environment.GetEnvironmentVariable("RETORT_WRITE") == "1")
        {
            File.WriteAllBytes(file, made);
        }

        Assert.True(File.ReadAllBytes(file).AsSpan().SequenceEqual(made), "recipes/tales-facts.jsonl is not what the generator makes; RETORT_WRITE=1 writes it again");
    }
}
