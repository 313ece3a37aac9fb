using System.Net;
using System.Text;
using System.Text.Json;

namespace Retort.Tests.Guard;

/// <summary>What happens at the server's edges: too many at once, clients that leave, a stop, and requests nobody should send.</summary>
public class GuardHostTests
{
    static readonly HttpClient s_http = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatDoesNotFitTheQueueIsToldToComeBack()
    {
        await using GuardWorld world = await GuardWorld.Start(answers: 1, queue: 1, context: 65536);
        using HttpResponseMessage first = await Stream(world, 60000), second = await Begin(world, 10, stream: true);
        using HttpResponseMessage third = await Begin(world, 10, stream: false);
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.Equal("1", Assert.Single(third.Headers.GetValues("Retry-After")));
        Assert.Equal("rate_limit_exceeded", (await Error(third)).GetProperty("code").GetString());
    }

    [Fact]
    public async Task AClientThatLeavesFreesItsPlace()
    {
        await using GuardWorld world = await GuardWorld.Start(answers: 1, queue: 0, context: 65536);
        for (int i = 0; i < 5; i++)
        {
            using HttpResponseMessage stream = await Stream(world, 60000);
        }

        // The place is free within a token's time; whoever asks until then is told so.
        HttpResponseMessage last = await Begin(world, 5, stream: false);
        for (int i = 0; i < 200_000 && last.StatusCode == HttpStatusCode.TooManyRequests; i++)
        {
            last.Dispose();
            last = await Begin(world, 5, stream: false);
        }

        Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        last.Dispose();
    }

    [Fact]
    public async Task AStopLetsAnswersUnderWayEndAndTakesNoMore()
    {
        await using GuardWorld world = await GuardWorld.Start();
        using HttpResponseMessage stream = await Stream(world, 400);
        Task stopping = world.Host.Stop();
        string rest = await stream.Content.ReadAsStringAsync(Stop);
        Assert.EndsWith("data: [DONE]\n\n", rest, StringComparison.Ordinal);
        await stopping;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => Begin(world, 5, stream: false));
    }

    [Fact]
    public async Task WhatOutlastsTheGraceIsCutOffInWords()
    {
        await using GuardWorld world = await GuardWorld.Start(context: 65536, grace: TimeSpan.Zero);
        using HttpResponseMessage stream = await Stream(world, 60000);
        Task stopping = world.Host.Stop();
        Assert.Contains("\"code\":\"shutting_down\"", await stream.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        await stopping;
    }

    [Theory]
    [InlineData("{", "no JSON")]
    [InlineData("[]", "no JSON object")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"messages":[]}""", "no JSON")]
    [InlineData("""{}""", "messages is required")]
    [InlineData("""{"messages":[]}""", "empty")]
    [InlineData("""{"messages":[{"content":"a"}]}""", "no role")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}""", "no text")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"max_tokens":-1}""", "max_tokens must be")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tools":[{}]}""", "tools is not supported")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"logit_bias":{"5":1}}""", "logit_bias is not supported")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"top_logprobs":2}""", "needs logprobs")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"novel":2}""", "novel")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"xml"}}""", "response_format.type")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"n":100}""", "n must be")]
    public async Task AWrongRequestIsToldWhatIsWrong(string body, string words)
    {
        await using GuardWorld world = await GuardWorld.Start();
        using HttpResponseMessage response = await Post(world, "/v1/chat/completions", body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        JsonElement error = await Error(response);
        Assert.Contains(words, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
    }

    [Fact]
    public async Task ABrokenRequestNeverBreaksTheServer()
    {
        const string Whole = """{"model":"small","messages":[{"role":"system","content":"x"},{"role":"user","content":[{"type":"text","text":"hello"}]}],"temperature":0.5,"top_p":0.9,"max_tokens":3,"n":1,"seed":5,"stop":["a"],"logprobs":true,"top_logprobs":2,"stream":false,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"a":{"type":"string","maxLength":2}},"required":["a"]}}}}""";
        await using GuardWorld world = await GuardWorld.Start();
        Random random = new(1);
        Dictionary<int, int> seen = [];
        for (int i = 0; i < 600; i++)
        {
            using HttpResponseMessage response = await Post(world, i % 2 == 0 ? "/v1/chat/completions" : "/v1/completions", JsonMutation.Of(Whole, random));
            seen[(int)response.StatusCode] = seen.GetValueOrDefault((int)response.StatusCode) + 1;
            string text = await response.Content.ReadAsStringAsync(Stop);
            Assert.True((int)response.StatusCode is 200 or 400 or 404 || text.Contains("no token of the vocabulary", StringComparison.Ordinal), $"{response.StatusCode}: {text}");
        }

        Assert.True(seen[200] > 20 && seen[400] > 200, string.Join(", ", seen));
    }

    [Fact]
    public async Task AModelWithoutATemplateGetsTheMessagesAsTheyAre()
    {
        await using GuardWorld world = await GuardWorld.Start(template: false);
        using HttpResponseMessage chat = await Post(world, "/v1/chat/completions", """{"messages":[{"role":"user","content":"Once upon"}],"max_tokens":20,"temperature":0}""");
        using HttpResponseMessage plain = await Post(world, "/v1/completions", """{"prompt":"Once upon","max_tokens":20,"temperature":0}""");
        Assert.Equal(
            JsonElement.Parse(await plain.Content.ReadAsStringAsync(Stop)).GetProperty("choices")[0].GetProperty("text").GetString(),
            JsonElement.Parse(await chat.Content.ReadAsStringAsync(Stop)).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
    }

    /// <summary>Where a request names no temperature, the model's makers have the word; where it names one, the request has.</summary>
    [Fact]
    public async Task TheModelsDefaultsHoldUntilARequestNamesItsOwn()
    {
        const string Body = """{"prompt":"Once upon","max_tokens":40,"seed":3""";
        await using GuardWorld greedy = await GuardWorld.Start(generation: """{"do_sample": false}"""), plain = await GuardWorld.Start();
        async Task<string> Text(GuardWorld world, string end)
        {
            using HttpResponseMessage response = await Post(world, "/v1/completions", Body + end);
            return JsonElement.Parse(await response.Content.ReadAsStringAsync(Stop)).GetProperty("choices")[0].GetProperty("text").GetString()!;
        }

        Assert.Equal(await Text(plain, ""","temperature":0}"""), await Text(greedy, "}"));
        Assert.Equal(await Text(plain, "}"), await Text(greedy, ""","temperature":1}"""));
        Assert.NotEqual(await Text(plain, "}"), await Text(greedy, "}"));
    }

    static Task<HttpResponseMessage> Begin(GuardWorld world, int tokens, bool stream)
    {
        HttpRequestMessage request = new(HttpMethod.Post, world.Url + "/v1/chat/completions")
        {
            Content = new StringContent(JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = "Once" } }, max_tokens = tokens, stream, logit_bias = new { } }), Encoding.UTF8, "application/json"),
        };
        return stream ? SendLater(request) : s_http.SendAsync(request, HttpCompletionOption.ResponseContentRead, Stop);
    }

    /// <summary>An answer that waits has no head yet; the request is on its way.</summary>
    static async Task<HttpResponseMessage> SendLater(HttpRequestMessage request)
    {
        Task<HttpResponseMessage> sent = s_http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        HttpResponseMessage health;
        do
        {
            health = await s_http.GetAsync(new Uri(new Uri(request.RequestUri!.GetLeftPart(UriPartial.Authority)), "/health"), Stop);
        }
        while (JsonElement.Parse(await health.Content.ReadAsStringAsync(Stop)).GetProperty("waiting").GetInt32() == 0);
        _ = sent;
        return health;
    }

    /// <summary>A stream whose answer has begun.</summary>
    static async Task<HttpResponseMessage> Stream(GuardWorld world, int tokens)
    {
        while (true)
        {
            using HttpRequestMessage request = new(HttpMethod.Post, world.Url + "/v1/chat/completions")
            {
                Content = new StringContent(JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = "Once" } }, max_tokens = tokens, stream = true }), Encoding.UTF8, "application/json"),
            };
            HttpResponseMessage response = await s_http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
            if (response.StatusCode != HttpStatusCode.TooManyRequests)
            {
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                return response;
            }

            response.Dispose();
        }
    }

    static Task<HttpResponseMessage> Post(GuardWorld world, string path, string body) => s_http.PostAsync(world.Url + path, new StringContent(body, Encoding.UTF8, "application/json"), Stop);

    static async Task<JsonElement> Error(HttpResponseMessage response) => JsonElement.Parse(await response.Content.ReadAsStringAsync(Stop)).GetProperty("error");
}
