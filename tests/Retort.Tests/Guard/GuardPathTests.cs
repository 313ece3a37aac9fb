using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Retort.Guard.Limits;
using Retort.Tests.Guard.Answers;

namespace Retort.Tests.Guard;

/// <summary>The path from end to end, before an upstream.</summary>
public class GuardPathTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheUpstreamGetsTheBytesAndItsOwnKeyAndNothingElseOfTheClients()
    {
        await using PathWorld world = await PathWorld.Start();
        const string Body = """{ "model":"m","messages":[{"role":"user","content":"\u00e9 \/"}], "max_tokens":50, "temperature":0.70 }""";
        using HttpResponseMessage response = await world.Send(Body, headers: [("x-forwarded-for", "10.1.1.1"), ("x-user-id", "root"), ("cookie", "a=b"), ("OpenAI-Organization", "o"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(FakeUpstream.Whole, await response.Content.ReadAsStringAsync(Stop));
        Assert.Equal((Body, "/v1/chat/completions"), (world.Upstream.Body, world.Upstream.Path));
        Assert.Equal(["Authorization", "Content-Length", "Content-Type", "Host"], world.Upstream.Headers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal($"Bearer {PathWorld.UpstreamKey}", world.Upstream.Headers["Authorization"]);
        Assert.Equal(32, Assert.Single(response.Headers.GetValues("x-request-id")).Length);
        Assert.False(response.Headers.Contains("server"));
    }

    [Theory]
    [InlineData("/v1/embeddings", """{"model":"m","input":["a","b"]}""", """{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1]}],"model":"m","usage":{"prompt_tokens":2,"total_tokens":2}}""")]
    [InlineData("/v1/completions", """{"model":"m","prompt":"a","max_tokens":3}""", """{"id":"c","object":"text_completion","choices":[{"index":0,"text":"b","logprobs":null,"finish_reason":"length"}]}""")]
    [InlineData("/v1/responses", """{"model":"m","input":"a","max_output_tokens":30}""", """{"id":"r","object":"response","output":[{"type":"message","content":[{"type":"output_text","text":"b"}]}],"usage":{"input_tokens":2,"output_tokens":2}}""")]
    public async Task EveryRouteGoesTheSameWay(string path, string body, string answer)
    {
        await using PathWorld world = await PathWorld.Start();
        world.Upstream.Answer = http => FakeUpstream.Json(http, answer);
        Assert.Equal((200, answer), await world.Ask(body, path));
        Assert.Equal((body, path), (world.Upstream.Body, world.Upstream.Path));
        Assert.Equal(401, (await world.Ask(body, path, "rt_none")).Status);
        Assert.Equal(400, (await world.Refused(body[..^1] + ",\"top_k\":1}", path)).Status);
        await world.Quiet();
        Assert.InRange(world.Left(Quantity.MinuteTokens), 9_900, 9_999);
        Assert.Equal(1, world.Upstream.Requests);
    }

    [Theory]
    [InlineData("POST", "/v1/batches", 404)]
    [InlineData("POST", "/v1/files", 404)]
    [InlineData("POST", "/v1/images/generations", 404)]
    [InlineData("GET", "/v1/chat/completions", 405)]
    [InlineData("POST", "/v1/chat/completions/", 404)]
    [InlineData("POST", "/v1/Chat/Completions", 404)]
    [InlineData("GET", "/v1/responses/r1", 405)]
    public async Task NothingIsPassedThrough(string method, string path, int status)
    {
        await using PathWorld world = await PathWorld.Start();
        using HttpClient http = new();
        using HttpResponseMessage response = await http.SendAsync(new(new HttpMethod(method), world.Url + path), Stop);
        Assert.Equal(path == "/v1/responses/r1" ? 404 : status, (int)response.StatusCode);
        Assert.Equal(0, world.Upstream.Requests);
    }

    [Fact]
    public async Task AKeyIsAskedForAndARevokedOneStopsAtOnce()
    {
        await using PathWorld world = await PathWorld.Start();
        Assert.Equal((401, "malformed_api_key"), await world.Refused(PathWorld.Question, key: "x"));
        Assert.Equal(200, (await world.Ask(PathWorld.Question)).Status);
        world.Policy!.Store.Revoke(world.Key.Substring(3, 12));
        Assert.Equal((401, "revoked_api_key"), await world.Refused(PathWorld.Question));
        Assert.Equal(1, world.Upstream.Requests);
    }

    [Fact]
    public async Task LogprobsNeedAScopeAndAreRounded()
    {
        string narrow = "";
        await using PathWorld world = await PathWorld.Start(prepare: store => narrow = store.MakeKey("acme", Retort.Guard.Accounts.KeyScopes.Chat, null).Text);
        const string Body = """{"messages":[{"role":"user","content":"a"}],"max_tokens":5,"logprobs":true}""";
        world.Upstream.Answer = http => FakeUpstream.Json(http, """{"choices":[{"index":0,"message":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.123456}]}}],"usage":{"prompt_tokens":1,"completion_tokens":4}}""");
        Assert.Equal((403, "scope_not_granted"), await world.Refused(Body, key: narrow));
        Assert.Contains("\"logprob\":-0.123}", (await world.Ask(Body)).Text, StringComparison.Ordinal);
        await world.Quiet();
        Assert.Equal(996, world.Left(Quantity.DayLogprobs));
    }

    [Fact]
    public async Task WhatWasUsedIsSettledAndHeadersSayWhatIsLeft()
    {
        await using PathWorld world = await PathWorld.Start();
        using HttpResponseMessage response = await world.Send(PathWorld.Question);
        Assert.Equal("100", Assert.Single(response.Headers.GetValues("x-ratelimit-limit-requests")));
        Assert.Equal("99", Assert.Single(response.Headers.GetValues("x-ratelimit-remaining-requests")));

        // Until it is settled the request holds its bytes and its 50 tokens.
        Assert.Equal(10_000 - PathWorld.Question.Length - 50, int.Parse(Assert.Single(response.Headers.GetValues("x-ratelimit-remaining-tokens"))));
        await world.Quiet();
        Assert.Equal((99, 9_990, 3), (world.Left(Quantity.Requests), world.Left(Quantity.MinuteTokens), world.Left(Quantity.Streams)));
    }

    [Fact]
    public async Task ALimitRefusesBeforeTheUpstreamIsAsked()
    {
        await using PathWorld world = await PathWorld.Start();
        Assert.Equal((429, "tokens_per_minute_too_large"), await world.Refused(PathWorld.Question.Replace("50", "50000", StringComparison.Ordinal)));
        Assert.Equal((429, "logprob_tokens_per_day_too_large"), await world.Refused("""{"messages":[],"max_tokens":2000,"logprobs":true}"""));
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(200, (await world.Ask(PathWorld.Question)).Status);
        }

        using HttpResponseMessage over = await world.Send(PathWorld.Question);
        Assert.Equal(429, (int)over.StatusCode);
        Assert.True(over.Headers.Contains("retry-after") && over.Headers.Contains("retry-after-ms"));
        Assert.Equal(100, world.Upstream.Requests);
    }

    /// <summary>Without a number from the client an answer could be longer than what was set aside.</summary>
    [Fact]
    public async Task ARequestWithoutANumberOfTokensGetsThePolicys()
    {
        await using PathWorld world = await PathWorld.Start(PathWorld.Tiers + "hardening: {default_tokens: 77}\n");
        Assert.Equal(200, (await world.Ask("""{"messages":[]}""")).Status);
        Assert.Equal("""{"max_completion_tokens":77,"messages":[]}""", world.Upstream.Body);
        await using PathWorld open = await PathWorld.Start(null);
        Assert.Equal(200, (await open.Ask("""{"messages":[]}""")).Status);
        Assert.Equal("""{"messages":[]}""", open.Upstream.Body);
    }

    [Fact]
    public async Task AStreamIsPassedOnPartByPartWithoutTheUsageNobodyAskedFor()
    {
        await using PathWorld world = await PathWorld.Start();
        string asked = "";
        world.Upstream.Answer = http =>
        {
            asked = http.Request.Path;
            return FakeUpstream.Events(http, FakeUpstream.Chunk("a"), FakeUpstream.Chunk("b").Replace("\"created\"", "\"hidden\":1,\"created\"", StringComparison.Ordinal), FakeUpstream.Usage(7, 2), "[DONE]");
        };
        Assert.Equal($"data: {FakeUpstream.Chunk("a")}\n\ndata: {FakeUpstream.Chunk("b")}\n\ndata: [DONE]\n\n", (await world.Ask(PathWorld.StreamQuestion)).Text);
        Assert.Contains("\"stream_options\":{\"include_usage\":true}", world.Upstream.Body, StringComparison.Ordinal);
        await world.Quiet();
        Assert.Equal(9_991, world.Left(Quantity.MinuteTokens));
        Assert.Contains(FakeUpstream.Usage(7, 2), (await world.Ask(PathWorld.StreamQuestion[..^1] + ",\"stream_options\":{\"include_usage\":true}}")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AResponseStreamKeepsItsNamesAndLosesReasoning()
    {
        await using PathWorld world = await PathWorld.Start();
        world.Upstream.Answer = async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("event: response.reasoning_text.delta\ndata: {\"type\":\"response.reasoning_text.delta\",\"delta\":\"secret\"}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n");
        };
        string text = (await world.Ask("""{"model":"m","input":"a","stream":true,"max_output_tokens":20}""", "/v1/responses")).Text;
        Assert.Equal("event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n", text);
        await world.Quiet();
        Assert.Equal(9_993, world.Left(Quantity.MinuteTokens));
    }

    [Theory]
    [InlineData("ends", "upstream_broke_off")]
    [InlineData("aborts", "upstream_broke_off")]
    [InlineData("says", "upstream_failed")]
    [InlineData("tells", "upstream_broke_off")]
    [InlineData("babbles", "upstream_unreadable")]
    public async Task AStreamThatBreaksOffEndsInAnErrorAndNeverInDone(string how, string code)
    {
        await using PathWorld world = await PathWorld.Start();
        TaskCompletionSource came = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Upstream.Answer = async http =>
        {
            await FakeUpstream.Events(http, FakeUpstream.Chunk("abcd"));
            if (how == "aborts")
            {
                await came.Task;
                http.Abort();
            }
            else if (how is "says" or "tells")
            {
                await FakeUpstream.Events(http, $"{{\"error\":{{\"message\":\"overloaded{(how == "tells" ? PathWorld.UpstreamKey : "")}\"}}}}", "[DONE]");
            }
            else if (how == "babbles")
            {
                await FakeUpstream.Events(http, "{\"choices\":", "[DONE]");
            }
        };
        using HttpResponseMessage response = await world.Send(PathWorld.StreamQuestion);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(Stop));
        Assert.Equal($"data: {FakeUpstream.Chunk("abcd")}", await reader.ReadLineAsync(Stop));
        came.SetResult();
        string text = await reader.ReadToEndAsync(Stop);
        Assert.StartsWith("\nevent: error\ndata: {\"error\":{\"message\":", text, StringComparison.Ordinal);
        Assert.Contains($"\"code\":\"{code}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-", text, StringComparison.Ordinal);

        // What was handed out is paid for: the question by its bytes, four bytes of an answer.
        await world.Quiet();
        Assert.Equal(10_000 - PathWorld.StreamQuestion.Length - 4, world.Left(Quantity.MinuteTokens));
    }

    [Theory]
    [InlineData(401, 502, "upstream_refused")]
    [InlineData(403, 502, "upstream_refused")]
    [InlineData(404, 404, "model_not_found")]
    [InlineData(400, 400, "model_not_found")]
    [InlineData(429, 429, "upstream_busy")]
    [InlineData(500, 502, "upstream_failed")]
    [InlineData(503, 503, "upstream_unavailable")]
    [InlineData(302, 502, "upstream_failed")]
    public async Task AnUpstreamsRefusalBecomesAValueAndCostsNoTokens(int status, int mapped, string code)
    {
        await using PathWorld world = await PathWorld.Start();
        world.Upstream.Answer = http =>
        {
            http.Response.Headers["x-secret"] = "1";
            http.Response.Headers.Location = "http://127.0.0.1:1/";
            return FakeUpstream.Json(http, """{"error":{"message":"There is no such thing.","code":"model_not_found"}}""", status);
        };
        using HttpResponseMessage response = await world.Send(PathWorld.Question);
        JsonElement error = JsonElement.Parse(await response.Content.ReadAsStringAsync(Stop)).GetProperty("error");
        Assert.Equal((mapped, code), ((int)response.StatusCode, error.GetProperty("code").GetString()));
        Assert.Equal(status is not (401 or 403), error.GetProperty("message").GetString() == "There is no such thing.");
        Assert.False(response.Headers.Contains("x-secret"));
        await world.Quiet();
        Assert.Equal((10_000, 99), (world.Left(Quantity.MinuteTokens), world.Left(Quantity.Requests)));
    }

    [Fact]
    public async Task AnUpstreamThatIsNotThereIsSaidWithoutItsAddress()
    {
        await using PathWorld world = await PathWorld.Start();
        string url = world.Upstream.Url;
        await world.Upstream.DisposeAsync();
        (int status, string text) = await world.Ask(PathWorld.Question);
        Assert.Equal(502, status);
        Assert.Contains("upstream_unreachable", text, StringComparison.Ordinal);
        Assert.DoesNotContain(new Uri(url).Port.ToString(), text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AClientThatLeavesIsToldUpstreamAndPaysForWhatItGot(bool isStream)
    {
        await using PathWorld world = await PathWorld.Start();
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously), begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Upstream.Answer = async http =>
        {
            http.RequestAborted.Register(() => cancelled.TrySetResult());
            if (isStream)
            {
                await FakeUpstream.Events(http, FakeUpstream.Chunk("12345"));
            }

            begun.TrySetResult();
            await cancelled.Task;
        };
        using CancellationTokenSource leave = new();
        string body = isStream ? PathWorld.StreamQuestion : PathWorld.Question;
        Task<HttpResponseMessage> sent = world.Send(body, stop: leave.Token);
        if (isStream)
        {
            using HttpResponseMessage response = await sent;
            using StreamReader reader = new(await response.Content.ReadAsStreamAsync(leave.Token));
            Assert.StartsWith("data: ", await reader.ReadLineAsync(leave.Token), StringComparison.Ordinal);
        }
        else
        {
            await begun.Task;
            await leave.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent);
        }

        await cancelled.Task.WaitAsync(Stop);
        await world.Quiet();
        Assert.Equal(10_000 - body.Length - (isStream ? 5 : 0), world.Left(Quantity.MinuteTokens));
        Assert.Equal("client_left", (await world.Decisions())[^1].GetProperty("code").GetString());
    }

    [Fact]
    public async Task ASilentUpstreamIsHeardAsAHeartbeatAndIsBrokenOffInTheEnd()
    {
        await using PathWorld world = await PathWorld.Start(PathWorld.Tiers + "upstream: {timeout_s: 60, heartbeat_s: 10}\n");
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Upstream.Answer = async http =>
        {
            http.RequestAborted.Register(() => cancelled.TrySetResult());
            await FakeUpstream.Events(http, FakeUpstream.Chunk("a"));
            await cancelled.Task;
        };
        using HttpResponseMessage response = await world.Send(PathWorld.StreamQuestion);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(Stop));
        Assert.StartsWith("data: ", await reader.ReadLineAsync(Stop), StringComparison.Ordinal);
        Assert.Equal("", await reader.ReadLineAsync(Stop));
        world.Clock.Pass(11);
        world.Server.Watch.Look(world.Policy!.Limits);
        Assert.Equal(":", await reader.ReadLineAsync(Stop));
        world.Clock.Pass(61);
        world.Server.Watch.Look(world.Policy.Limits);
        string rest = await reader.ReadToEndAsync(Stop);
        Assert.Contains("event: error", rest, StringComparison.Ordinal);
        Assert.Contains("upstream_timeout", rest, StringComparison.Ordinal);
        await cancelled.Task.WaitAsync(Stop);
    }

    [Fact]
    public async Task ALongAnswersReservationLivesOn()
    {
        await using PathWorld world = await PathWorld.Start(PathWorld.Tiers + "upstream: {timeout_s: 86400}\n");
        TaskCompletionSource end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Upstream.Answer = async http =>
        {
            await FakeUpstream.Events(http, FakeUpstream.Chunk("a"));
            await end.Task;
            await FakeUpstream.Events(http, FakeUpstream.Usage(5, 5), "[DONE]");
        };
        using HttpResponseMessage response = await world.Send(PathWorld.StreamQuestion);
        for (int steps = 0; steps < 1200; steps++)
        {
            world.Clock.Pass(3);
            world.Policy!.Limits.Renew();
            world.Server.Watch.Look(world.Policy.Limits);
        }

        Assert.Equal(2, world.Left(Quantity.Streams));
        end.SetResult();
        Assert.EndsWith("data: [DONE]\n\n", await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        await world.Quiet();
    }

    [Fact]
    public async Task ABodyThatIsTooLongIsNotRead()
    {
        await using PathWorld world = await PathWorld.Start(PathWorld.Tiers + "hardening: {max_bytes: 2000}\n");
        Assert.Equal((413, "request_too_large"), await world.Refused($$"""{"messages":[{"role":"user","content":"{{new string('a', 3000)}}"}]}"""));
        Assert.Equal(0, world.Upstream.Requests);
    }

    [Fact]
    public async Task ModelsComeFromTheUpstream()
    {
        await using PathWorld world = await PathWorld.Start();
        world.Upstream.Answer = http => FakeUpstream.Json(http, """{"object":"list","data":[{"id":"m"}]}""");
        using HttpResponseMessage models = await world.Get("/v1/models");
        Assert.Equal("""{"object":"list","data":[{"id":"m"}]}""", await models.Content.ReadAsStringAsync(Stop));
        using HttpResponseMessage none = await world.Get("/v1/models", "rt_x");
        Assert.Equal(401, (int)none.StatusCode);
    }

    /// <summary>Nothing of a question, an answer or a key lies in any file or log.</summary>
    [Fact]
    public async Task NothingThatWasSaidIsKept()
    {
        await using PathWorld world = await PathWorld.Start();
        world.Upstream.Answer = http => FakeUpstream.Json(http, FakeUpstream.Whole.Replace("Hi.", "ANSWERED-WORD", StringComparison.Ordinal));
        Assert.Contains("ANSWERED-WORD", (await world.Ask(PathWorld.Question.Replace("What", "ASKED-WORD", StringComparison.Ordinal))).Text, StringComparison.Ordinal);
        await world.Ask("""{"messages":[],"ASKED-WORD":1}""");
        IReadOnlyList<JsonElement> decisions = await world.Decisions();
        Assert.Equal(3, decisions.Count);
        foreach ((string path, byte[] bytes) in world.Files())
        {
            foreach (string word in (string[])["ASKED-WORD", "ANSWERED-WORD", world.Key, world.Key[15..40], PathWorld.UpstreamKey])
            {
                Assert.False(bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(word)) >= 0, $"{word} in {path}");
            }
        }

        Assert.Empty(world.Said);
    }
}
