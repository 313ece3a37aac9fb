using System.Globalization;
using System.Text;
using System.Text.Json;
using Retort.Model;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Cli;

/// <summary>A folder with a random teacher of a few thousand weights, a tokenizer trained on made-up sentences, and those as prompts and text.</summary>
sealed class TinyWorld : IDisposable
{
    const int Sentences = 60;

    public TinyWorld()
    {
        Folder = Directory.CreateTempSubdirectory("retort-door-").FullName;
        RandomStream random = new(11);
        string Pick(params string[] words) => words[random.NextInt(words.Length)];
        (string Prompt, string Answer)[] all =
        [
            .. Enumerable.Range(0, Sentences).Select(i => (
                $"Who has the {Pick("red", "blue", "old")} {Pick("kite", "boat", "lamp")} number {i}? ",
                $"{Pick("Ann", "Bo", "Cy")} has it {Pick("today", "at home", "by the lake")}.")),
        ];
        Tokenizer tokenizer = BytePairTrainer.Train(all.Select(d => d.Prompt + d.Answer), 300, ["<|end|>"]);
        LlamaWeights teacher = new(new LlamaConfig { Hidden = 24, Layers = 2, Heads = 4, KeyValueHeads = 2, HeadSize = 6, FeedForward = 32, Vocabulary = tokenizer.VocabularySize, Context = 64, EndTokens = [0] });
        teacher.Initialize(3);
        ModelFolder.Write(Teacher, teacher, NumberType.F32);
        tokenizer.Save(Teacher);
        File.WriteAllLines(Prompts, all.Select(d => JsonSerializer.Serialize(new { prompt = d.Prompt, answer = d.Answer })));
        File.WriteAllText(Text, string.Join("\n\n", all.Select(d => d.Prompt + d.Answer)));
    }

    public string Folder { get; }

    public string Teacher => this["teacher"];

    public string Prompts => this["prompts.jsonl"];

    public string Text => this["text.txt"];

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>A recipe that two seeds of a 16-wide student get through in moments.</summary>
    public string Recipe(string extra = "", int tokens = 600, string rate = "0.003", double checkpointSeconds = 30)
    {
        string path = this["tiny.yaml"];
        File.WriteAllText(
            path,
            string.Create(CultureInfo.InvariantCulture, $$"""
            teacher: teacher
            terms: {teacher: own-model, student: own-model}
            student:
              shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}
            data: {prompts: prompts.jsonl, held_out: 8, validation: 4}
            train: {tokens: {{tokens}}, rows: 2, context: 64, rate: {{rate}}, seeds: [1, 2], threads: 1, checkpoint_seconds: {{checkpointSeconds}}}
            evaluate: {gold_items: 0, samples: 0}
            {{extra}}
            """),
            Encoding.UTF8);
        return path;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
