using System.Text;
using Retort.Asking;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking.Runs;

/// <summary>A run folder with a store of answers and two steps, and the home of whoever owns its ledger.</summary>
sealed class RunWorld : IDisposable
{
    public const string ApiKey = "sk-very-secret", Terms = "small-weights 1234";

    readonly Scratch _scratch = new();
    int _asked;

    public RunWorld()
    {
        Directory.CreateDirectory(Run);
        Home = new(_scratch["home"], _scratch["home/ledger.key"], "test");
        Files = new(Run);
    }

    public string Run => _scratch["run"];

    public LedgerHome Home { get; }

    public RunFiles Files { get; }

    public string this[string name] => _scratch[name];

    public static string Question(int i) => $"Which way is number {i}?";

    public static string Answer(int i) => $"Number {i} is “left”.";

    /// <summary>Asks so many more questions.</summary>
    public void Ask(int count)
    {
        using Transcripts store = Transcripts.Open(Files.Store, TimeProvider.System);
        for (; count > 0; count--, _asked++)
        {
            Question question = new(new("https://api.example.com/v1", "small"), [new("user", Question(_asked))], new(MaxTokens: 9));
            long request = store.Request(question.Key(), question, question.Body(), store.Account(ApiKey), Terms).Result;
            long attempt = store.Begin(request, Usd.Of(1)).Result;
            Reply reply = new("small-2", "fp_1", $"id-{_asked}", [new(Answer(_asked), "stop", null, "[{\"token\":\"Number\",\"logprob\":-0.10}]"u8.ToArray())], 7, 5, null, LimitFacts.None);
            store.Answered(request, attempt, reply, Usd.Of(0.000012m), TimeSpan.FromMilliseconds(1500)).Wait();
        }
    }

    /// <summary>Does a step that writes a file.</summary>
    public void Step(string name, string file, string content)
    {
        Write(file, content);
        new Manifest(Run).Add(name, new Dictionary<string, string> { ["recipe"] = "abc" }, file);
    }

    public void Write(string file, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Files[file])!);
        File.WriteAllBytes(Files[file], Encoding.UTF8.GetBytes(content));
    }

    /// <summary>Asks, does two steps, and records.</summary>
    public RunWorld Recorded(int answers = 5)
    {
        Ask(answers);
        Step("signals", "signals/train.sig", "abc");
        Step("train", "checkpoints/student-1.state", "weights");
        Write("recipe.yaml", "name: a\n");
        Record();
        return this;
    }

    public RunLedgerFacts Record() => RunLedger.Record(Run, Home, TimeProvider.System);

    public RunAuditReport Audit(Checkpoint? known = null, string? key = null, bool home = false, params string[] witnesses) =>
        RunAudit.Run(Run, new(key, known, home ? log => Home.Last(log) : null, witnesses), TimeProvider.System);

    public Checkpoint Checkpoint() => Retort.Evidence.Ledger.Checkpoint.Read(Files["ledger/checkpoint"]);

    /// <summary>What the audit found, each as it is said.</summary>
    public string[] Findings() => [.. Audit().Findings.Select(f => f.ToString())];

    public void Dispose() => _scratch.Dispose();
}
