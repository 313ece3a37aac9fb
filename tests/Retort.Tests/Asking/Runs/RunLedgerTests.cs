using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;
using Retort.Tests.Cli;
using Retort.Tests.Evidence.Ledger;

namespace Retort.Tests.Asking.Runs;

public sealed class RunLedgerTests : IDisposable
{
    readonly RunWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void OnlyWhatTheLedgerLacksIsAppended()
    {
        Assert.Equal(5 + 2 + 1 + 1, _world.Recorded().Checkpoint().Size);
        Assert.Equal(0, _world.Record().Appended);
        Assert.Empty(_world.Findings());

        // One more answer, and the folder's other files with it.
        _world.Ask(1);
        Assert.Equal(2, _world.Record().Appended);
        Assert.Equal(0, _world.Record().Appended);
        Assert.Empty(_world.Findings());
    }

    [Fact]
    public void AStepThatIsDoneAgainHasAnotherEntryAndTheLastIsInForce()
    {
        _world.Recorded(0);
        _world.Step("train", "checkpoints/student-1.state", "other weights");
        Assert.Equal(["checkpoints/student-1.state", "manifest.json"], _world.Audit().Findings.Select(f => f.File));
        Assert.Equal(2, _world.Record().Appended);
        Assert.Empty(_world.Findings());
        RunLedgerView view = RunLedgerView.Read(_world.Run);
        Assert.Equal(2, view.Leaves.All.Count(l => l.Name == "train"));
        Assert.Equal(view.Log.Checkpoint.Size - 2, view.Step("train"));
        Assert.Throws<UserError>(() => view.Step("nothing"));
    }

    /// <summary>What may be shown gives nothing away: no content, no plain hash of one, no secret and no key.</summary>
    [Fact]
    public void TheLedgersFolderHoldsCommitmentsAlone()
    {
        _world.Recorded();
        byte[] answer = Encoding.UTF8.GetBytes(RunWorld.Answer(0)), file = File.ReadAllBytes(_world.Files["recipe.yaml"]), secret = File.ReadAllBytes(_world.Files.Secret);
        string pem = File.ReadAllText(_world.Home.KeyPath);
        byte[][] never =
        [
            answer, "left"u8.ToArray(), "Which way"u8.ToArray(), Encoding.UTF8.GetBytes(RunWorld.ApiKey), "small-weights"u8.ToArray(), "api.example.com"u8.ToArray(),
            SHA256.HashData(answer), Hex(answer), SHA256.HashData(file), Hex(file),
            secret[..^1], Convert.FromBase64String(Encoding.ASCII.GetString(secret)), Encoding.ASCII.GetBytes(pem.Split('\n')[1]), Convert.FromBase64String(string.Concat(pem.Split('\n')[1..^2]))[^48..],
        ];
        foreach (string path in Directory.GetFiles(_world.Files.Ledger, "*", SearchOption.AllDirectories).Append(_world.Files.PublicKey))
        {
            byte[] content = File.ReadAllBytes(path);
            Assert.All(never, bytes => Assert.Equal(-1, content.AsSpan().IndexOf(bytes)));
        }

        Assert.All(Directory.GetFiles(_world.Run, "*", SearchOption.AllDirectories), path => Assert.Equal(-1, File.ReadAllBytes(path).AsSpan().IndexOf(Encoding.UTF8.GetBytes(RunWorld.ApiKey))));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_world.Files.Secret));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_world.Home.KeyPath));
        }

        static byte[] Hex(byte[] content) => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(content)));
    }

    [Fact]
    public void TheSealedExportHasWhatAReaderNeeds()
    {
        _world.Recorded(2);
        string[] lines = File.ReadAllLines(_world.Files.Export);
        Assert.Equal(2, lines.Length);
        JsonElement row = JsonElement.Parse(lines[1]), facts = row.GetProperty("facts");
        Assert.Equal(RunWorld.Question(1), JsonElement.Parse(row.GetProperty("question").GetString()!).GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Equal((RunWorld.Answer(1), RunWorld.Terms, "2/0", 2), (row.GetProperty("answer").GetString(), row.GetProperty("terms").GetString(), row.GetProperty("name").GetString(), row.GetProperty("leaf").GetInt32()));
        Assert.Equal(
            ("https://api.example.com/v1#small", "small-2", "fp_1", "id-1", "stop", 7, 5, "0.000012", 1500, 1),
            (Text("asked"), Text("returned"), Text("fingerprint"), Text("response"), Text("finish"), Whole("prompt_tokens"), Whole("completion_tokens"), Text("price_usd"), Whole("latency_ms"), Whole("attempts")));
        Assert.Equal("[{\"token\":\"Number\",\"logprob\":-0.10}]", Text("log_probabilities"));
        Assert.Matches("^[0-9a-f]{64}$", Text("account"));
        Assert.Matches(@"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", Text("received"));
        Assert.Equal(CanonicalJson.Rewrite(Encoding.UTF8.GetBytes(lines[1]), "a"), Encoding.UTF8.GetBytes(lines[1]));

        string? Text(string name) => facts.GetProperty(name).GetString();
        int Whole(string name) => facts.GetProperty(name).GetInt32();
    }

    /// <summary>Killed after tiles were written and before the checkpoint was: the next one goes on from the last checkpoint.</summary>
    [Fact]
    public void WhatWasNotPublishedIsAppendedAgain()
    {
        _world.Recorded();
        string before = _world["before"], killed = _world["killed"];
        Logs.Copy(_world.Files.Ledger, before);
        _world.Ask(300);
        _world.Record();
        Logs.Copy(_world.Files.Ledger, killed);
        Logs.CopyFile(before, _world.Files.Ledger, "checkpoint");
        Logs.Copy(before, _world.Files.Ledger);
        using (LedgerKey key = _world.Home.Key(_world.Checkpoint().Origin))
        {
            // What the killed process had not come to: it keeps the checkpoint last.
            _world.Home.Keep(_world.Checkpoint(), key.Public);
        }

        Assert.Contains(_world.Audit().Notes, n => n.Contains("killed while it appended", StringComparison.Ordinal));
        Assert.Equal(300 + 1, _world.Record().Appended);
        Assert.Empty(_world.Findings());
        Assert.Equal(Checkpoint.Read(Path.Combine(killed, "checkpoint")).Size, _world.Checkpoint().Size);
    }

    /// <summary>An older ledger put back is not signed on, and verify names what was removed.</summary>
    [Fact]
    public void ARemovedTailIsNamedWhenALaterCheckpointIsKnown()
    {
        _world.Recorded();
        string before = _world["before"];
        Logs.Copy(_world.Run, before);
        _world.Ask(1);
        _world.Record();
        Checkpoint later = _world.Checkpoint();
        Directory.Delete(_world.Run, recursive: true);
        Logs.Copy(before, _world.Run);
        Assert.Empty(_world.Findings());
        RunFinding byKnown = Assert.Single(_world.Audit(later).Findings), byHome = Assert.Single(_world.Audit(home: true).Findings);
        Assert.Equal(("ledger/checkpoint", "Entries from 9 on were removed: the checkpoint that was given has 11"), (byKnown.File, byKnown.What));
        Assert.Contains("the last checkpoint signed on this machine has 11", byHome.What, StringComparison.Ordinal);
        Assert.Contains("does not go on from the known checkpoint", Assert.Throws<UserError>(_world.Record).What, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAnswerThatWasChangedIsNotRecordedAnew()
    {
        _world.Recorded();
        using (SqliteConnection db = new($"Data Source={_world.Files.Store};Pooling=False"))
        {
            db.Execute("UPDATE choice SET text = 'Number 3 is right.' WHERE request = 4");
        }

        Assert.Contains("answer 4/0", Assert.Throws<UserError>(_world.Record).What, StringComparison.Ordinal);
        Assert.Equal(["transcripts.db: It is not what was recorded by entry 8", "transcripts.db, answer 4/0: It is not what entry 4 commits to"], _world.Findings());
    }

    [Fact]
    public void AStepOfVeryManyFilesHasSeveralEntries()
    {
        for (int i = 0; i < 1500; i++)
        {
            _world.Write($"checkpoints/a file with a long name and a number, which is {i:0000}.state", "x");
        }

        _world.Record();
        RunLedgerView view = RunLedgerView.Read(_world.Run);
        Assert.InRange(view.Leaves.Steps[RunLedger.FolderStep].Count, 3, 10);
        Assert.Equal(0, _world.Record().Appended);
        Assert.Equal(1500, _world.Audit().Files);
        _world.Write("checkpoints/a file with a long name and a number, which is 1234.state", "y");
        Assert.Equal("checkpoints/a file with a long name and a number, which is 1234.state", Assert.Single(_world.Audit().Findings).File);
    }

    [Fact]
    public void WithoutItsSecretALedgerIsNotGoneOnWith()
    {
        _world.Recorded();
        File.Delete(_world.Files.Secret);
        Assert.Contains("secret is gone", Assert.Throws<UserError>(_world.Record).What, StringComparison.Ordinal);
        Assert.Equal("ledger.secret", Assert.Single(_world.Audit().Findings).File);
        CommitmentSecret.Make().Write(_world.Files.Secret);
        Assert.Equal("ledger.secret: It is not the secret that the log began with", Assert.Single(_world.Findings()));
    }

    [Fact]
    public void AnotherKeyIsNamed()
    {
        _world.Recorded();
        using LedgerKey other = LedgerKey.Make("test");
        other.Public.Write(_world["other.pub"]);
        File.Copy(_world.Files.PublicKey, _world["own.pub"]);
        Assert.Empty(_world.Audit(key: _world["own.pub"]).Findings);
        Assert.DoesNotContain(_world.Audit(key: _world["own.pub"]).Notes, n => n.Contains("on trust", StringComparison.Ordinal));
        Assert.Contains(_world.Audit().Notes, n => n.Contains("on trust", StringComparison.Ordinal));
        Assert.Equal(["ledger.pub", "ledger/checkpoint"], _world.Audit(key: _world["other.pub"]).Findings.Select(f => f.File));
    }

    /// <summary>A process that makes a key once, and one that is told which to use.</summary>
    [Fact]
    public void TheKeyIsTheOneTheEnvironmentNames()
    {
        LedgerHome own = LedgerHome.Of(name => name == LedgerHome.FolderVariable ? _world["user"] : null);
        Assert.Equal((true, false), (own.MakeKey(), own.MakeKey()));
        Assert.Equal([own.KeyPath], Directory.GetFiles(_world["user"]));
        LedgerHome named = LedgerHome.Of(name => name switch { LedgerHome.FolderVariable => _world["user"], LedgerHome.KeyVariable => own.KeyPath, _ => "example.com/logs" });
        using (LedgerKey key = named.Key("a"), same = own.Key("a"))
        {
            Assert.Equal(same.Public.Fingerprint, key.Public.Fingerprint);
        }

        Assert.StartsWith("example.com/logs/", RunLedger.Record(_world.Run, named, TimeProvider.System).Checkpoint.Origin, StringComparison.Ordinal);
        LedgerHome absent = LedgerHome.Of(name => name == LedgerHome.NameVariable ? null : _world["absent"]);
        Assert.Equal(_world["absent"], Assert.Throws<UserError>(() => absent.MakeKey()).Where);
        Assert.False(File.Exists(_world["absent"]));
        Assert.Equal(LedgerHome.NameVariable, Assert.Throws<UserError>(() => LedgerHome.Of(name => "a b")).Where);
    }

    /// <summary>A statement is in the log before anything that comes after it, and signed apart from it.</summary>
    [Fact]
    public void AStatementIsSignedAndLogged()
    {
        _world.Recorded(1);
        byte[] payload = "{\"plan\":\"five exams\"}"u8.ToArray();
        long index = RunLedger.State(_world.Run, _world.Home, "plan", "application/json", payload, TimeProvider.System);
        Assert.Equal(index + 1, _world.Checkpoint().Size);
        Assert.Empty(_world.Findings());
        Assert.Equal(1, _world.Record().Appended);
        Assert.Empty(_world.Findings());
        RunLedgerView view = RunLedgerView.Read(_world.Run);
        string file = _world.Files["statements/plan.json"], opened = RunProof.Of(view.Files, view.Log, index, open: true).Openings["envelope"].Content;
        DsseEnvelope envelope = DsseEnvelope.Parse(Encoding.UTF8.GetBytes(opened), "a");
        Assert.True(envelope.IsSignedBy(view.Key));
        Assert.Equal(payload, envelope.Payload.ToArray());

        // Another statement in its place, signed by the log's own key: the entry is not of it.
        using (LedgerKey key = _world.Home.Key(_world.Checkpoint().Origin))
        {
            DsseEnvelope.Sign("application/json", "{\"plan\":\"one exam\"}"u8.ToArray(), key).Write(file);
        }

        Assert.Contains($"statements/plan.json: It is not the statement of entry {index}", _world.Findings());
        File.Delete(file);
        Assert.Contains(_world.Audit().Findings, f => f.File == "statements/plan.json");
        Assert.Throws<ArgumentException>(() => RunLedger.State(_world.Run, _world.Home, "../plan", "a", payload, TimeProvider.System));
    }

    [Fact]
    public void TheBenchMeasuresALogThatHolds()
    {
        JsonElement result = DoorRun.Of("bench", "ledger", "--entries", "600", "--batch", "250", "--json").Json;
        Assert.Equal(600, result.GetProperty("entries").GetInt32());
        Assert.All(["committed", "appended", "published", "proved", "verified", "audited"], name => Assert.True(result.GetProperty(name).GetDouble() > 0));
    }

    /// <summary>The first run of a user says in one line which key it made; the next says nothing of it.</summary>
    [Fact]
    public void AKeyIsMadeOnceAndSaid()
    {
        using TinyWorld tiny = new();
        string[] line = ["distill", tiny.Recipe(), "--no-twin", "--set", "train.seeds=[1]", "--out"];
        DoorRun first = ProcessRun.Of([(LedgerHome.FolderVariable, _world["user"])], [.. line, tiny["a"]]), second = ProcessRun.Of([(LedgerHome.FolderVariable, _world["user"])], [.. line, tiny["b"]]);
        Assert.Equal((0, 0), (first.Code, second.Code));
        Assert.Single(first.Error.Split('\n'), l => l.Contains($"made the key that signs your ledgers, {Path.Combine(_world["user"], "ledger.key")}", StringComparison.Ordinal));
        Assert.DoesNotContain("made the key", second.Error, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(_world["user"], "ledgers")).Length);
        DoorRun absent = ProcessRun.Of([(LedgerHome.KeyVariable, _world["absent.key"])], [.. line, tiny["c"]]);
        absent.Refused(_world["absent.key"], "there is no such file");
        Assert.False(Directory.Exists(tiny["c"]));
    }
}
