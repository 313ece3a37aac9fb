using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using Retort.Cli;
using Retort.Guard;
using Retort.Model.Inference;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>A student that learns from probabilities served over HTTP, and what is found when they do not hold.</summary>
public sealed class AskedSignalTests : IDisposable
{
    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    static async Task<DoorRun> Run(params string[] arguments) => await Task.Run(() => DoorRun.Of(arguments), Stop);

    string Recipe(string teacher, string more) => _scratch.Write($"r{more.Length}.yaml", $$"""
        teacher: {{teacher}}
        terms: {teacher: own-model}
        student:
          shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}
        data: {prompts: p.jsonl, held_out: 8, validation: 4}
        loss: {forward_kl: 1}
        train: {tokens: 6000, rows: 2, context: 512, rate: 0.01, seeds: [1, 2], threads: 1}
        twin: false
        evaluate: {gold_items: 0, samples: 0}
        {{more}}
        """);

    [Fact]
    public async Task ServedProbabilitiesTeachAsThoseAtHandDo()
    {
        string model = Path.Combine(Repository.Root, "models", "tales-teacher"), run = _scratch["run"], local = _scratch["local"];
        await using GuardHost teacher = await GuardHost.Start(InferenceModel.Open(model), new ServeOptions("tales", "http://127.0.0.1:0", Threads: 2, CacheTokens: 8192, Answers: 8, Queue: 64, MostTokens: 512), TimeProvider.System);
        _scratch.Write("p.jsonl", string.Concat(BundledSamples.All["tales"].Documents(7, 300, false).Where(d => d.Prompt.Length > 0 && d.Kind is "facts" or "answer").Select(d => JsonSerializer.Serialize(new { prompt = d.Prompt }) + "\n")));
        string asking = Recipe($"{teacher.Addresses[0]}/v1#tales", $"teacher_tokenizer: {Path.Combine(model, "tokenizer.json")}\nadmit: {{near_duplicate: off}}\nask: {{max_tokens: 60, seed: 5, top_logprobs: 20}}\nsignal: {{kind: top_k, k: 20}}");
        DoorRun asked = await Run("distill", asking, "--out", run, "--json");
        Assert.True(asked.Code == ExitCode.Done, asked.Error);
        JsonElement met = asked.Json.GetProperty("signal").GetProperty("alignment");
        Assert.Equal(0, met.GetProperty("as_text").GetInt32());

        DoorRun beside = await Run("distill", Recipe(model, "signal: {kind: top_k, k: 20}"), "--out", local, "--dataset", Path.Combine(run, "dataset.jsonl"), "--json");
        Assert.True(beside.Code == ExitCode.Done, beside.Error);
        double Kl(string folder) => DoorRun.Of("evaluate", Path.Combine(folder, "student"), "--teacher", model, "--prompts", Path.Combine(run, "held-out.jsonl"), "--threads", "1", "--json").Json.GetProperty("forward_kl").GetDouble();
        Assert.InRange(Kl(run) / Kl(local), 0.95, 1.05);

        DoorRun holds = await Run("verify", "signals", run, "--teacher", model, "--threads", "1", "--json");
        Assert.True(holds.Code == ExitCode.Done, holds.Output + holds.Error);
        JsonElement parity = holds.Json.GetProperty("parity");
        Assert.True(parity.GetProperty("tokens").GetInt64() > 100 && parity.GetProperty("largest").GetDouble() < 1e-3, parity.GetRawText());

        // Another model did not say this.
        Directory.CreateDirectory(_scratch["other"]);
        foreach (string file in Directory.GetFiles(model))
        {
            File.Copy(file, Path.Combine(_scratch["other"], Path.GetFileName(file)));
        }

        using (FileStream weights = File.Open(Path.Combine(_scratch["other"], "model.safetensors"), FileMode.Open))
        {
            weights.Seek(-400_000, SeekOrigin.End);
            weights.Write(new byte[400_000]);
        }

        DoorRun other = await Run("verify", "signals", run, "--teacher", _scratch["other"], "--threads", "1");
        Assert.Equal(ExitCode.Negative, other.Code);
        Assert.Contains("differs by more than", other.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignalsThatDoNotHoldAreNotTrainedOn()
    {
        await using GuardWorld world = await GuardWorld.Start(template: false);
        string run = _scratch["run"];
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 30).Select(i => JsonSerializer.Serialize(new { prompt = $"Once number {i}" }) + "\n")));
        string recipe = Recipe($"{world.Url}/v1#{GuardWorld.Name}", $"teacher_tokenizer: {Path.Combine(world.Model, "tokenizer.json")}\nask: {{max_tokens: 30, stop: [e], seed: 5, top_logprobs: 3}}");
        Assert.Equal(ExitCode.Done, (await Run("collect", recipe, "--out", run)).Code);
        using (SqliteConnection store = new(new SqliteConnectionStringBuilder { DataSource = Path.Combine(run, "transcripts.db"), Pooling = false }.ToString()))
        {
            // Each answer gets the probabilities of the one before it.
            await store.OpenAsync(Stop);
            byte[][] all = [.. store.Query<byte[]>("SELECT logprobs FROM choice ORDER BY request")];
            for (int i = 0; i < all.Length; i++)
            {
                store.Execute("UPDATE choice SET logprobs = @other WHERE request = (SELECT request FROM choice ORDER BY request LIMIT 1 OFFSET @i)", new { other = all[(i + all.Length - 1) % all.Length], i });
            }
        }

        DoorRun found = await Run("verify", "signals", run);
        Assert.Equal(ExitCode.Negative, found.Code);
        Assert.Contains("the tokens' bytes do not join to the answer's text", found.Output, StringComparison.Ordinal);
        DoorRun changed = await Run("distill", recipe, "--out", run);
        Assert.Equal(ExitCode.BadInput, changed.Code);
        recipe = Recipe($"{world.Url}/v1#{GuardWorld.Name}", $"teacher_tokenizer: {Path.Combine(world.Model, "tokenizer.json")}\nask: {{max_tokens: 30, stop: [e], seed: 5, top_logprobs: 3, reuse: {run}}}");
        run = _scratch["again"];
        DoorRun refused = await Run("distill", recipe, "--out", run);
        Assert.Equal(ExitCode.BadInput, refused.Code);
        Assert.Contains("do not hold", refused.Error, StringComparison.Ordinal);
        DoorRun text = await Run("distill", recipe, "--out", run, "--set", "signal.faulty=text", "--set", "train.tokens=200", "--json");
        Assert.True(text.Code == ExitCode.Done, text.Error);
        Assert.True(text.Json.GetProperty("signal").GetProperty("alignment").GetProperty("as_text").GetInt32() > 0);
    }
}
