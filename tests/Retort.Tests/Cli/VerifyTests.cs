using System.Text.Json;
using Retort.Cli;
using Retort.Evidence.Ledger;
using Retort.Tests.Evidence.Ledger;

namespace Retort.Tests.Cli;

/// <summary>A small finished run, verified as a user does it.</summary>
public sealed class VerifyTests : IClassFixture<VerifyTests.FinishedRun>, IDisposable
{
    readonly FinishedRun _finished;
    readonly string _run;

    public VerifyTests(FinishedRun finished)
    {
        _finished = finished;
        _run = Directory.CreateTempSubdirectory("retort-verify-").FullName;
        Logs.Copy(finished.Run, _run);
    }

    public void Dispose() => Directory.Delete(_run, recursive: true);

    /// <summary>Made once for all of them; each test has a copy.</summary>
    public sealed class FinishedRun : IDisposable
    {
        internal TinyWorld World { get; } = new();

        public string Run => World["run"];

        public FinishedRun()
        {
            DoorRun run = DoorRun.Of("distill", World.Recipe(), "--out", Run);
            Assert.True(run.Code == ExitCode.Done, run.Error);
        }

        public void Dispose() => World.Dispose();
    }

    static string[] Files(DoorRun run) => [.. run.Json.GetProperty("findings").EnumerateArray().Select(f => f.GetProperty("file").GetString()!)];

    [Fact]
    public void AFinishedRunHolds()
    {
        DoorRun run = DoorRun.Of("verify", _run);
        Assert.Equal((ExitCode.Done, ""), (run.Code, run.Error));
        Assert.Contains("are as they were recorded", run.Output, StringComparison.Ordinal);
        Assert.Contains("taken from the folder on trust", run.Output, StringComparison.Ordinal);
        Assert.Contains("its owner can write it anew", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("not in the ledger", run.Output, StringComparison.Ordinal);
        JsonElement shown = DoorRun.Of("ledger", "show", _run, "--entries", "--json").Json;
        string[] steps = [.. shown.GetProperty("steps").EnumerateArray().Select(s => s.GetString()!)];
        Assert.All(["train student 1", "train twin 2", "report", "export", "folder"], step => Assert.Contains(step, steps));
        Assert.Equal(shown.GetProperty("size").GetInt32(), shown.GetProperty("entries").GetArrayLength());
    }

    /// <summary>One bit of one byte at a time, three places in every file and some hundred at random: each is found and its file named.</summary>
    [Fact]
    public void AnyChangedByteOfAnyFileIsFoundAndItsFileNamed()
    {
        string[] files = Logs.Files(_run);
        Assert.All(["recipe.yaml", "manifest.json", "metrics.jsonl", "report.json", "report.html", "held-out.jsonl", "student/model.safetensors", "student/README.md", "checkpoints/student-1.state", "ledger/checkpoint", "ledger.pub", "ledger.secret"], file => Assert.Contains(file, files));
        Random random = new(12);
        foreach (string file in files.SelectMany(f => Enumerable.Repeat(f, 3)).Concat(Enumerable.Range(0, 150).Select(_ => files[random.Next(files.Length)])))
        {
            string path = Path.Combine(_run, file);
            byte[] good = File.ReadAllBytes(path), bad = [.. good];
            int at = random.Next(good.Length);
            bad[at] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, bad);
            DoorRun run = DoorRun.Of("verify", _run, "--json");
            Assert.True(run.Code == ExitCode.Negative, $"{file} at {at}: {run.Output}{run.Error}");
            Assert.Contains(file, Files(run));
            File.WriteAllBytes(path, good);
        }

        Assert.Equal(ExitCode.Done, DoorRun.Of("verify", _run).Code);
    }

    [Fact]
    public void AnyFileThatIsGoneIsNamed()
    {
        foreach (string file in Logs.Files(_run).Where(f => f != "ledger/lock"))
        {
            string path = Path.Combine(_run, file), aside = _run + ".aside";
            File.Move(path, aside);
            DoorRun run = DoorRun.Of("verify", _run, "--json");
            Assert.True(run.Code == ExitCode.Negative, file);
            Assert.Contains(file, Files(run));
            File.Move(aside, path);
        }
    }

    [Fact]
    public void AFileThatWasAddedIsSaidAndNoFault()
    {
        File.WriteAllText(Path.Combine(_run, "notes.txt"), "a");
        DoorRun run = DoorRun.Of("verify", _run);
        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("1 file is not in the ledger: notes.txt", run.Output, StringComparison.Ordinal);
    }

    /// <summary>A run that is gone on with has more entries; the folder of before, put back, has lost them.</summary>
    [Fact]
    public void ARemovedTailIsFoundByALaterCheckpoint()
    {
        string later = Path.Combine(_finished.World.Folder, "later");
        Logs.Copy(_run, later);
        using LedgerKey key = LedgerHome.Of(Environment.GetEnvironmentVariable).Key(Checkpoint.Read(Path.Combine(_run, "ledger", "checkpoint")).Origin);
        using (TileLog log = TileLog.Open(Path.Combine(later, "ledger"), key))
        {
            log.Append("one more"u8);
            log.Publish(key);
        }

        Assert.Equal(ExitCode.Done, DoorRun.Of("verify", _run, "--key", Path.Combine(later, "ledger.pub"), "--checkpoint", Path.Combine(_run, "ledger", "checkpoint")).Code);
        DoorRun run = DoorRun.Of("verify", _run, "--key", Path.Combine(later, "ledger.pub"), "--checkpoint", Path.Combine(later, "ledger", "checkpoint"));
        Assert.Equal(ExitCode.Negative, run.Code);
        Assert.Contains("were removed: the checkpoint that was given has", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void TheStudentIsTrainedAgainToTheSameBits()
    {
        DoorRun run = DoorRun.Of("verify", _run, "--retrain");
        Assert.True(run.Code == ExitCode.Done, run.Output + run.Error);
        Assert.Contains("trained again with seed 1 at rate 0.003: the weights in student/ are the same", run.Output, StringComparison.Ordinal);
    }

    /// <summary>The weights were changed and everything recorded anew: the ledger holds, training again tells.</summary>
    [Fact]
    public void WeightsThatTrainingDoesNotGiveAreNamed()
    {
        string path = Path.Combine(_run, "student", "model.safetensors");
        byte[] weights = File.ReadAllBytes(path);
        weights[^7] ^= 1;
        File.WriteAllBytes(path, weights);
        DoorRun run = DoorRun.Of("verify", _run, "--retrain");
        Assert.Equal(ExitCode.Negative, run.Code);
        Assert.Contains($"student/model.safetensors differs in 1 bytes, first at {weights.Length - 7:n0}", run.Output, StringComparison.Ordinal);
        Assert.Contains("student/model.safetensors: It is not what the step 'export' wrote", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutTheTeacherNothingIsTrainedAgain()
    {
        string recipe = Path.Combine(_run, "recipe.yaml"), gone = Path.Combine(_run, "gone");
        File.WriteAllText(recipe, File.ReadAllText(recipe).Replace(_finished.World.Teacher, gone, StringComparison.Ordinal));
        DoorRun.Of("verify", _run, "--retrain").Refused(gone, "the teacher's weights are no longer there");
        File.Delete(Path.Combine(_run, "student", "model.safetensors"));
        DoorRun.Of("verify", _run, "--retrain").Refused(Path.Combine(_run, "student"), "no weights to compare with");
        DoorRun.Of("verify", _finished.World.Teacher).Refused(_finished.World.Teacher, "there is no ledger here");
    }

    /// <summary>The search's rate, not the recipe's first, and a stored signal.</summary>
    [Fact]
    public void ASearchedRateIsTheOneThatIsTrainedAgain()
    {
        string run = Path.Combine(_finished.World.Folder, "searched");
        DoorRun made = DoorRun.Of("distill", _finished.World.Recipe(rate: "[0.000001, 0.01]", tokens: 3000), "--out", run, "--no-twin", "--set", "signal={kind: top_k, k: 8}", "--set", "train.seeds=[3]");
        Assert.True(made.Code == ExitCode.Done, made.Error);
        DoorRun again = DoorRun.Of("verify", run, "--retrain");
        Assert.True(again.Code == ExitCode.Done, again.Output + again.Error);
        Assert.Contains("seed 3 at rate 0.01:", again.Output, StringComparison.Ordinal);
    }
}
