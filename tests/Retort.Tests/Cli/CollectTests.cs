using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Retort.Asking.Bench;
using Retort.Cli;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>Asking as a user does it: from a recipe, against our own server and a faulty one.</summary>
public sealed class CollectTests : IDisposable
{
    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    string Recipe(string teacher, string more = "", string ask = "max_tokens: 8", string terms = "terms: {teacher: own-model}")
    {
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 12).Select(i => $"{{\"prompt\": \"Once number {i % 10}\"}}\n")));
        return _scratch.Write("r.yaml", $"teacher: {teacher}\ndata: {{prompts: p.jsonl}}\nask: {{{ask}}}\n{terms}\n{more}\n");
    }

    [Fact]
    public async Task OurServerIsAskedOnceWhateverElseTheRecipeSays()
    {
        await using GuardWorld world = await GuardWorld.Start();
        string teacher = $"{world.Url}/v1#{GuardWorld.Name}", run = _scratch["run"];
        DoorRun first = await Task.Run(() => DoorRun.Of("collect", Recipe(teacher, "money: {ceiling: 1, prompt: 1, completion: 2}"), "--out", run, "--json"), Stop);
        Assert.True(first.Code == ExitCode.Done, first.Error);
        Assert.Equal(("done", 10), (first.Json.GetProperty("end").GetString(), first.Json.GetProperty("facts").GetProperty("answered").GetInt32()));
        Assert.InRange(first.Json.GetProperty("store").GetProperty("spent").GetDecimal(), 10 * 8 * 2 / 1e6m, 0.01m);
        DoorRun again = await Task.Run(() => DoorRun.Of("collect", Recipe(teacher, "student: {shape: {hidden: 8}}\npace: {requests_per_minute: 100, in_flight: 2}"), "--out", run, "--json"), Stop);
        Assert.Equal((0, 10), (again.Json.GetProperty("facts").GetProperty("answered").GetInt32(), again.Json.GetProperty("facts").GetProperty("before").GetInt32()));
        DoorRun other = await Task.Run(() => DoorRun.Of("collect", Recipe(teacher, ask: "max_tokens: 9"), "--out", run), Stop);
        Assert.Contains("20 of 20 questions answered, 10 of them now", other.Output, StringComparison.Ordinal);
        JsonElement verified = DoorRun.Of("verify", run, "--json").Json;

        // The answers of the probe are recorded too.
        Assert.True(verified.GetProperty("holds").GetBoolean());
        Assert.InRange(verified.GetProperty("transcripts").GetInt32(), 21, 35);
    }

    /// <summary>From an endpoint to a student: ask, hand over, train on the answers. Each step's file is the next one's input.</summary>
    [Fact]
    public async Task AnswersBecomeAStudent()
    {
        using TinyWorld tiny = new();
        await using GuardWorld world = await GuardWorld.Start();
        string run = _scratch["run"];
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => $"{{\"prompt\": \"Once number {i}\"}}\n")));
        string recipe = _scratch.Write("r.yaml", $"teacher: {world.Url}/v1#{GuardWorld.Name}\ndata: {{prompts: p.jsonl}}\nask: {{max_tokens: 8, stop: [e]}}\nterms: {{teacher: own-model}}\n");
        Assert.Equal(ExitCode.Done, (await Task.Run(() => DoorRun.Of("collect", recipe, "--out", run), Stop)).Code);
        DoorRun chat = DoorRun.Of("export-data", run, "--json");
        Assert.True(chat.Code == ExitCode.Done, chat.Error);
        int rows = chat.Json.GetProperty("rows").GetInt32(), left = chat.Json.GetProperty("excluded").EnumerateObject().Sum(e => e.Value.GetInt32());
        Assert.Equal(40, rows + left);
        Assert.Equal(left, File.ReadLines(chat.Json.GetProperty("list").GetString()!).Count());
        JsonElement first = JsonElement.Parse(File.ReadLines(Path.Combine(run, "data.jsonl")).First());
        Assert.Equal(["user", "assistant"], first.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("role").GetString()));
        Assert.Matches("^[0-9a-f]{64}/0$", first.GetProperty("id").GetString());

        DoorRun verified = DoorRun.Of("verify", run);
        Assert.True(verified.Code == ExitCode.Done, verified.Output);
        Assert.Matches("and 4[0-9] answers are as they were recorded", verified.Output);
        string answers = _scratch["answers.jsonl"];
        Assert.Equal(ExitCode.Done, DoorRun.Of("export-data", run, "--form", "prompt", "--to", answers).Code);
        string train = Path.Combine(tiny.Folder, "text.yaml");
        File.WriteAllText(train, $$"""
            student: {from: teacher}
            terms: {student: own-model}
            data: {prompts: {{answers}}, held_out: 4, validation: 2}
            train: {tokens: 200, rows: 1, context: 64, rate: 0.001, seeds: [1], threads: 1}
            evaluate: {gold_items: 0, samples: 0}
            """);
        DoorRun trained = DoorRun.Of("distill", train, "--out", _scratch["student"]);
        Assert.True(trained.Code == ExitCode.Done, trained.Error);
        DoorRun.Of("export-data", _scratch["nowhere"]).Refused(_scratch["nowhere"], "no transcripts");
    }

    [Theory]
    [InlineData("exclude", 1)]
    [InlineData("report", 3)]
    [InlineData("off", 3)]
    public async Task PersonalDataIsNotSentUnlessSaidSo(string scan, int asked)
    {
        await using GuardWorld world = await GuardWorld.Start();
        string recipe = _scratch.Write("r.yaml", $"teacher: {world.Url}/v1#{GuardWorld.Name}\ndata: {{prompts: q.jsonl, scan: {scan}}}\nask: {{max_tokens: 4}}\nterms: {{teacher: own-model}}\n");
        _scratch.Write("q.jsonl", """
            {"prompt": "Once there was"}
            {"prompt": "Write to ann@example.com"}
            {"messages": [{"role": "user", "content": "card 4111 1111 1111 1111 and ann@example.com"}]}
            """);
        DoorRun run = await Task.Run(() => DoorRun.Of("collect", recipe, "--out", _scratch["run"], "--json"), Stop);
        Assert.Equal(asked, run.Json.GetProperty("facts").GetProperty("answered").GetInt32());
        string[] listed = File.ReadAllLines(Path.Combine(_scratch["run"], "sensitive.jsonl"));
        Assert.Equal(scan == "off" ? 0 : 2, listed.Length);
        Assert.DoesNotContain("ann@", string.Concat(listed), StringComparison.Ordinal);
        Assert.Equal(scan != "off", run.Error.Contains("2 with mail addresses, 1 with card numbers", StringComparison.Ordinal));
    }

    /// <summary>The store grows until there is no room: a sentence, and the next run goes on from what was answered.</summary>
    [Fact]
    public async Task AFullDiskLosesNothingThatWasAnswered()
    {
        await using GuardWorld world = await GuardWorld.Start();
        string run = _scratch["run"];
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 60).Select(i => $"{{\"prompt\": \"Once number {i}\"}}\n")));
        string recipe = _scratch.Write("r.yaml", $"teacher: {world.Url}/v1#{GuardWorld.Name}\ndata: {{prompts: p.jsonl}}\nask: {{max_tokens: 30, top_logprobs: 5}}\nterms: {{teacher: own-model}}\npace: {{in_flight: 2}}\n");
        DoorRun full = await Task.Run(() => ProcessRun.Limited(700 << 10, "collect", recipe, "--out", run), Stop);
        Assert.Equal(ExitCode.BadInput, full.Code);
        Assert.Contains(Path.Combine(run, "transcripts.db"), full.Error, StringComparison.Ordinal);
        Assert.Contains("go on with", full.Error, StringComparison.Ordinal);
        DoorRun rest = await Task.Run(() => DoorRun.Of("collect", recipe, "--out", run, "--json"), Stop);
        JsonElement facts = rest.Json.GetProperty("facts");
        int before = facts.GetProperty("before").GetInt32();
        Assert.InRange(before, 1, 59);
        Assert.Equal(60, before + facts.GetProperty("answered").GetInt32());
    }

    [Fact]
    public void WhatTermsForbidIsNotAsked()
    {
        DoorRun closed = DoorRun.Of("collect", Recipe("https://api.openai.com/v1#gpt-5", ask: "key: RETORT_TEST_NO_SUCH_KEY"), "--out", _scratch["run"]);
        Assert.Equal(ExitCode.Negative, closed.Code);
        Assert.Contains("section 3.3", closed.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_scratch["run"]));
        DoorRun unknown = DoorRun.Of("collect", Recipe("http://127.0.0.1:1/v1#small", terms: ""), "--out", _scratch["run"]);
        Assert.Equal(ExitCode.Negative, unknown.Code);
        Assert.Contains("terms: {teacher: ID}", unknown.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("teacher: models/x\ndata: {prompts: p}", "must be an endpoint")]
    [InlineData("teacher: https://a/v1#b", "data.prompts is missing")]
    [InlineData("teacher: https://a/v1#b\ndata: {prompts: p}\nask: {max_token: 4}", "did you mean max_tokens?")]
    [InlineData("teacher: https://a/v1#b\ndata: {prompts: p}\nmoney: {ceiling: 4}", "needs prices")]
    [InlineData("teacher: https://a/v1#b\ndata: {prompts: p}\nmoney: {ceiling: 4, prompt: 1, completion: 1}", "is needed under a ceiling")]
    [InlineData("teacher: https://a/v1#b\ndata: {prompts: p}\npace: {in_flight: 0}", "line 3")]
    public void AFaultOfARecipeIsNamed(string recipe, string what)
    {
        string path = _scratch.Write("r.yaml", recipe);
        DoorRun.Of("collect", path).Refused(path, what);
    }

    [Fact]
    public void AKeyThatIsNotTakenEndsInASentenceAndIsNowhere()
    {
        using KeyRefuser server = new();
        Environment.SetEnvironmentVariable("RETORT_TEST_KEY", "sk-very-secret");
        DoorRun run = DoorRun.Of("collect", Recipe($"http://127.0.0.1:{server.Port}/v1#small", ask: "max_tokens: 4, key: RETORT_TEST_KEY"), "--out", _scratch["run"]);
        Assert.Equal(ExitCode.BadInput, run.Code);
        Assert.Contains("the endpoint shut us out: 401 Incorrect key [key]", run.Error, StringComparison.Ordinal);
        Assert.Contains("Bearer sk-very-secret", server.Heard, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-very-secret", run.Error + run.Output, StringComparison.Ordinal);
        Assert.All(Directory.GetFiles(_scratch.Folder, "*", SearchOption.AllDirectories), f => Assert.Equal(-1, File.ReadAllBytes(f).AsSpan().IndexOf("sk-very-secret"u8)));
    }

    /// <summary>A thousand requests, a fifth of them spoiled, and four kills: each log is held against the other.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(0.03)]
    public void KillsAndFaultsLoseNothing(double? ceiling)
    {
        using Scratch folder = new();
        CollectBenchResult result = CollectBench.Run(
            arguments => new ProcessStartInfo(ProcessRun.Dotnet, [ProcessRun.Program, .. arguments]), folder.Folder,
            new(1000, 4, 0.2, null, false, 32, TimeSpan.FromMilliseconds(30), (decimal?)ceiling, 2), (_, _) => { }, TimeProvider.System, Stop);
        Assert.True(result.Holds, result.ToString());
        Assert.True(ceiling is not null || (result.Answered, result.Kills) == (1000, 4), result.ToString());
        Assert.True(result.ByFault.Count >= 8, string.Join(", ", result.ByFault.Keys));
    }

    /// <summary>Answers every request with 401, and repeats the key as some endpoints do.</summary>
    sealed class KeyRefuser : IDisposable
    {
        readonly System.Net.Sockets.TcpListener _listener = new(System.Net.IPAddress.Loopback, 0);
        string _heard = "";

        public KeyRefuser()
        {
            _listener.Start();
            _ = Serve();
        }

        public int Port => ((System.Net.IPEndPoint)_listener.LocalEndpoint).Port;

        public string Heard => _heard;

        async Task Serve()
        {
            try
            {
                while (true)
                {
                    using System.Net.Sockets.TcpClient client = await _listener.AcceptTcpClientAsync();
                    byte[] buffer = new byte[1 << 16];
                    _heard += System.Text.Encoding.ASCII.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer));
                    string body = JsonSerializer.Serialize(new { error = new { message = "Incorrect key sk-very-secret" } });
                    await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}")));
                }
            }
            catch (Exception e) when (e is System.Net.Sockets.SocketException or ObjectDisposedException or IOException)
            {
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
