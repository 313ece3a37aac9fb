using System.Text;
using System.Text.Json.Nodes;
using Retort.Asking.Runs;
using Retort.Cli;
using Retort.Evidence.Ledger;
using Retort.Tests.Cli;

namespace Retort.Tests.Asking.Runs;

public sealed class RunProofTests : IDisposable
{
    readonly RunWorld _world = new RunWorld().Recorded();

    public void Dispose() => _world.Dispose();

    string Proof(params string[] what)
    {
        string file = _world["a.tlog-proof"];
        DoorRun run = DoorRun.Of(["ledger", "prove", _world.Run, .. what, "-o", file]);
        Assert.True(run.Code == ExitCode.Done, run.Error);
        File.Copy(_world.Files.PublicKey, _world["log.pub"], overwrite: true);
        return file;
    }

    DoorRun Verify(string proof, params string[] more) => DoorRun.Of(["ledger", "verify", proof, "--key", _world["log.pub"], .. more]);

    /// <summary>The run itself is gone: the proof and the key are enough.</summary>
    [Fact]
    public void AnOpenedAnswerIsCheckedWithTheProofAndTheKeyAlone()
    {
        string proof = Proof("--transcript", "3/0", "--open");
        Directory.Delete(_world.Run, recursive: true);
        DoorRun run = Verify(proof);
        Assert.Equal((ExitCode.Done, ""), (run.Code, run.Error));
        Assert.Contains($"answer: {RunWorld.Answer(2)}\n", run.Output, StringComparison.Ordinal);
        Assert.Contains(RunWorld.Question(2), run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void AClosedProofShowsNothing()
    {
        string proof = Proof("--entry", "3");
        Assert.Equal(ExitCode.Done, Verify(proof).Code);
        Assert.Empty(RunProof.Read(proof).Openings);
        Assert.DoesNotContain("left", Encoding.UTF8.GetString(LedgerProof.Read(proof).Extra!.Value.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void AnAnswerIsFoundByItsIdToo()
    {
        string id = JsonNode.Parse(File.ReadLines(_world.Files.Export).Skip(1).First())!["id"]!.GetValue<string>();
        Assert.Equal(2, RunProof.Read(Proof("--transcript", id)).Proof.Index);
        DoorRun.Of("ledger", "prove", _world.Run, "--transcript", "99/0").Refused(_world.Files.Ledger, "no answer 99/0");
    }

    [Fact]
    public void AStepIsOpenedToLengthsAndHashes()
    {
        string proof = Proof("--step", "signals", "--open");
        Assert.Equal("""{"bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}""", RunProof.Read(proof).Openings["wrote/signals/train.sig"].Content);
        Assert.Equal("abc", RunProof.Read(proof).Openings["read/recipe"].Content);
        _world.Write("signals/train.sig", "abd");
        DoorRun.Of("ledger", "prove", _world.Run, "--step", "signals", "--open").Refused(_world.Run, "is not what entry 6 commits to");
        Assert.Equal(ExitCode.Done, DoorRun.Of("ledger", "prove", _world.Run, "--step", "signals").Code);
    }

    [Theory]
    [InlineData("salt")]
    [InlineData("content")]
    [InlineData("entry")]
    [InlineData("index")]
    [InlineData("none such")]
    public void WhatWasChangedDoesNotHold(string what)
    {
        string path = Proof("--transcript", "3/0", "--open");
        LedgerProof proof = LedgerProof.Read(path);
        JsonNode extra = JsonNode.Parse(proof.Extra!.Value.Span)!;
        JsonNode answer = extra["openings"]!["answer"]!;
        switch (what)
        {
            case "salt":
                answer["salt"] = Convert.ToBase64String(new byte[32]);
                break;
            case "content":
                answer["content"] = "Number 2 is right.";
                break;
            case "entry":
                extra["entry"] = extra["entry"]!.GetValue<string>().Replace("3/0", "4/0", StringComparison.Ordinal);
                break;
            case "index":
                proof = proof with { Index = 2 };
                break;
            default:
                extra["openings"]!["more"] = answer.DeepClone();
                break;
        }

        (proof with { Extra = Encoding.UTF8.GetBytes(extra.ToJsonString()) }).Write(path);
        DoorRun run = Verify(path);
        Assert.Equal((ExitCode.Negative, ""), (run.Code, run.Error));
        Assert.EndsWith("DOES NOT HOLD\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherLogsKeyDoesNotVerifyIt()
    {
        string proof = Proof("--entry", "3");
        using LedgerKey other = LedgerKey.Make("test");
        other.Public.Write(_world["log.pub"]);
        Assert.Equal(ExitCode.Negative, Verify(proof).Code);
    }

    [Fact]
    public void ALogGoesOnFromAnEarlierCheckpoint()
    {
        File.Copy(_world.Files["ledger/checkpoint"], _world["kept"]);
        _world.Ask(40);
        _world.Record();
        File.Copy(_world.Files["ledger/checkpoint"], _world["later"]);
        string proof = Proof("--from", _world["kept"]);
        Assert.Equal(ExitCode.Done, Verify(proof, "--checkpoint", _world["kept"]).Code);
        Assert.Equal(ExitCode.Negative, Verify(proof, "--checkpoint", _world["later"]).Code);
        Verify(proof).Refused(proof, "the earlier checkpoint is needed");
        using (LedgerKey forger = _world.Home.Key(_world.Checkpoint().Origin))
        {
            File.WriteAllBytes(_world["forged"], Checkpoint.Sign(forger, 9, MerkleTree.Leaf("a"u8)).ToBytes());
        }

        Assert.Equal(ExitCode.Negative, Verify(proof, "--checkpoint", _world["forged"]).Code);
        DoorRun.Of("ledger", "prove", _world.Run, "--from", _world["forged"]).Refused(_world["forged"], "does not go on from this checkpoint");
        DoorRun.Of("ledger", "prove", _world.Run).Refused("ledger prove", "one of --entry");
    }

    /// <summary>A folder that is shown without the rest of the run.</summary>
    [Fact]
    public void TheLogAloneIsVerified()
    {
        File.Copy(_world.Files.PublicKey, _world["log.pub"]);
        Assert.Equal(ExitCode.Done, Verify(_world.Run).Code);
        Assert.Equal(ExitCode.Done, Verify(_world.Files.Ledger, "--checkpoint", _world.Files["ledger/checkpoint"]).Code);
        DoorRun run = Verify(_world.Files.Ledger, "--witness", _world["log.pub"], "--json");
        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("its owner can write it anew", run.Json.GetProperty("limits").GetString(), StringComparison.Ordinal);
        using LedgerKey witness = LedgerKey.Make("second");
        witness.Public.Write(_world["second.pub"]);
        Assert.Contains("A witness has not signed it", Verify(_world.Files.Ledger, "--witness", _world["second.pub"]).Output, StringComparison.Ordinal);
        string bundle = Directory.GetFiles(_world.Files["ledger/tile/entries"], "*", SearchOption.AllDirectories).Single();
        byte[] bytes = File.ReadAllBytes(bundle);
        bytes[300] ^= 1;
        File.WriteAllBytes(bundle, bytes);
        Assert.Contains("tile/entries/000.p/9, entry 1: Entry 1 is not what was logged", Verify(_world.Files.Ledger).Output, StringComparison.Ordinal);
    }
}
