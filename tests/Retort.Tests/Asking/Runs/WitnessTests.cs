using System.Security.Cryptography.X509Certificates;
using Retort.Asking.Runs;
using Retort.Cli;
using Retort.Evidence.Ledger;
using Retort.Tests.Cli;
using Retort.Tests.Evidence.Ledger;

namespace Retort.Tests.Asking.Runs;

public sealed class WitnessTests : IDisposable
{
    readonly RunWorld _world = new RunWorld().Recorded();
    readonly LedgerHome _second;
    readonly string _key;

    public WitnessTests()
    {
        _key = _world["second.key"];
        using LedgerKey key = LedgerKey.Make("second");
        key.Write(_key);
        key.Public.Write(_world["second.pub"]);
        _second = new(_world["second-home"], _world["none"], "retort");
    }

    public void Dispose() => _world.Dispose();

    (WitnessResult Result, bool IsFirst) Sign() => WitnessJob.Sign(_world.Run, _second, _key, "second");

    [Fact]
    public void AWitnessSignsWhatGoesOnFromWhatItSigned()
    {
        Assert.Contains(_world.Audit(witnesses: _world["second.pub"]).Findings, f => f is { File: "ledger/checkpoint", What: "A witness has not signed it" });
        Assert.True(Sign() is (WitnessResult.Signed { Checkpoint.Size: 9 }, true));
        Assert.True(Sign() is (WitnessResult.Signed { Checkpoint.Note.Signatures.Count: 2 }, false));
        RunAuditReport report = _world.Audit(witnesses: _world["second.pub"]);
        Assert.Empty(report.Findings);
        Assert.Contains(report.Binds, b => b.StartsWith("Witness second, whose key was given, has signed all 9 entries", StringComparison.Ordinal));

        // The log goes on: its new checkpoint is not signed, the old signature is still there.
        _world.Ask(300);
        _world.Record();
        Assert.Empty(_world.Findings());
        Assert.Contains(_world.Audit().Binds, b => b.StartsWith("Witness second has signed the first 9 entries", StringComparison.Ordinal));
        Assert.True(Sign() is (WitnessResult.Signed { Checkpoint.Size: 310 }, false));
        Assert.Empty(_world.Audit(witnesses: _world["second.pub"]).Findings);
        Assert.Contains("Witness second has signed the first 310 entries", DoorRun.Of("ledger", "show", _world.Run).Output, StringComparison.Ordinal);
    }

    /// <summary>The owner has key and secret, and writes the log of the same name anew: nothing but the witness notices.</summary>
    [Fact]
    public void AWitnessRefusesALogThatWasWrittenAnew()
    {
        Sign();
        Anew();
        Assert.Empty(_world.Findings());
        Assert.True(Sign() is (WitnessResult.Refused { Why: var fewer }, false) && fewer.Contains("has 3 entries, and second has signed 9", StringComparison.Ordinal));
        _world.Write("more", "a");
        for (int i = 0; i < 10; i++)
        {
            _world.Step($"step {i}", "more", "a");
        }

        _world.Record();
        Assert.True(Sign() is (WitnessResult.Refused { Why: var other }, false) && other.Contains("written anew", StringComparison.Ordinal));
        Assert.Single(_world.Checkpoint().Note.Signatures);

        void Anew()
        {
            Directory.Delete(_world.Files.Ledger, recursive: true);
            Directory.Delete(_world.Files["witnesses"], recursive: true);
            Directory.Delete(Path.Combine(_world.Home.Folder, "ledgers"), recursive: true);
            File.Delete(_world.Files.Store);
            File.Delete(_world.Files.Export);
            File.Delete(_world.Files["manifest.json"]);
            _world.Step("signals", "signals/train.sig", "abc");
            _world.Record();
        }
    }

    [Fact]
    public void TheOwnersKeyIsNoWitness() =>
        Assert.Contains("the log's own key", Assert.Throws<UserError>(() => WitnessJob.Sign(_world.Run, _second, _world.Home.KeyPath, "me")).What, StringComparison.Ordinal);

    [Fact]
    public void TheVerbSignsUnderTheNameOfTheFile()
    {
        DoorRun run = DoorRun.Of("ledger", "witness", _world.Run, "--key", _key, "--json");
        Assert.True(run.Code == ExitCode.Done, run.Error);
        Assert.Contains("\n— second ", run.Json.GetProperty("checkpoint").GetString(), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, DoorRun.Of("ledger", "verify", _world.Run, "--key", _world.Files.PublicKey, "--witness", _world["second.pub"]).Code);
        DoorRun.Of("ledger", "witness", _world.Run, "--key", _key, "--name", "a b").Refused("--name", "no name for a witness");
        DoorRun.Of("ledger", "witness", _world.Run).Refused("ledger witness", "one of --key");
    }

    [Fact]
    public void AnyByteOfWhatWitnessesSignedIsFound()
    {
        Sign();
        Random random = new(6);
        foreach (string path in Directory.GetFiles(_world.Files["witnesses"]).Append(_world.Files["ledger/checkpoint"]))
        {
            byte[] good = File.ReadAllBytes(path);
            string file = Path.GetRelativePath(_world.Run, path).Replace('\\', '/');
            for (int i = 0; i < 60; i++)
            {
                byte[] bad = [.. good];
                bad[random.Next(good.Length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, bad);
                Assert.Contains(_world.Audit().Findings, f => f.File == file);
            }

            File.WriteAllBytes(path, good);
        }
    }

    [Fact]
    public void AnAuthorityOfOpensslStampsALedger()
    {
        OpenSsl.Require();
        TimeAuthority.Make(_world["authority"]);
        Assert.Equal(ExitCode.Done, DoorRun.Of("ledger", "witness", _world.Run, "--request-time", _world["authority/request.tsq"]).Code);
        OpenSsl.Run(_world["authority"], "ts", "-reply", "-config", "tsa.conf", "-queryfile", "request.tsq", "-out", "response.tsr");

        // The log may have gone on when the answer comes.
        _world.Ask(1);
        _world.Record();
        DoorRun kept = DoorRun.Of("ledger", "witness", _world.Run, "--time", _world["authority/response.tsr"], "--authority", _world["authority/root.pem"]);
        Assert.Equal((ExitCode.Done, ""), (kept.Code, kept.Error));
        Assert.Contains("the first 9 entries were there at 2", kept.Output, StringComparison.Ordinal);
        RunAuditReport report = _world.Audit();
        Assert.Empty(report.Findings);
        Assert.Contains(report.Binds, b => b.StartsWith("The first 9 entries were there at 2", StringComparison.Ordinal) && b.Contains("CN=Root", StringComparison.Ordinal));

        // Outside of the program, on the text that the checkpoint's signature is over.
        Checkpoint stamped = Witnesses.Checkpoints(_world.Files).Single(c => c.Size == 9);
        File.WriteAllBytes(_world["authority/text"], stamped.SignedBytes());
        Assert.Contains("Verification: OK", OpenSsl.Run(_world["authority"], "ts", "-verify", "-data", "text", "-in", "response.tsr", "-CAfile", "root.pem"), StringComparison.Ordinal);

        TimeAuthority.Make(_world["other"]);
        DoorRun other = DoorRun.Of("ledger", "witness", _world.Run, "--time", _world["authority/response.tsr"], "--authority", _world["other/root.pem"]);
        Assert.Equal((ExitCode.Negative, "REFUSED: its signer does not lead to the authority that was given\n"), (other.Code, other.Output));
        DoorRun.Of("ledger", "witness", _world.Run, "--time", _world["authority/response.tsr"], "--authority", _world.Files.PublicKey).Refused(_world.Files.PublicKey, "no certificate");

        // A stamp, a checkpoint or a certificate that is not the one that was kept.
        foreach (string path in Directory.GetFiles(_world.Files["witnesses"]))
        {
            byte[] good = File.ReadAllBytes(path), bad = [.. good];
            bad[good.Length / 2] ^= 4;
            File.WriteAllBytes(path, bad);
            Assert.Contains(_world.Audit().Findings, f => f.File == "witnesses/" + Path.GetFileName(path));
            File.WriteAllBytes(path, good);
        }
    }

    /// <summary>A stamp of another log, put among the witnesses under the right name, is found to stamp nothing here.</summary>
    [Fact]
    public void AStampOfSomethingElseBindsNobody()
    {
        using X509Certificate2 root = X509CertificateLoader.LoadCertificateFromFile(Repository.PathOf("tests/golden/ledger/root.pem"));
        Witnesses.Keep(_world.Files, _world.Checkpoint(), File.ReadAllBytes(Repository.PathOf("tests/golden/ledger/response.tsr")), root);
        Assert.Contains("stamps no checkpoint here", Assert.Single(_world.Audit().Findings).What, StringComparison.Ordinal);
        DoorRun run = DoorRun.Of("ledger", "witness", _world.Run, "--time", Repository.PathOf("tests/golden/ledger/response.tsr"), "--authority", Repository.PathOf("tests/golden/ledger/root.pem"));
        Assert.Equal((ExitCode.Negative, "REFUSED: it is for no checkpoint of this run\n"), (run.Code, run.Output));
    }
}
