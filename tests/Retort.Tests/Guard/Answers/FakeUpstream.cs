using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Retort.Tests.Guard.Answers;

/// <summary>A service of OpenAI's interface that answers what a test says.</summary>
sealed class FakeUpstream : IAsyncDisposable
{
    readonly WebApplication _app;

    FakeUpstream(WebApplication app) => _app = app;

    public const string Whole = """{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}""";

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/v1";

    /// <summary>How it answers; the request's body is in <see cref="Body"/>.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = http => Json(http, Whole);

    public string Body { get; private set; } = "";

    public string Path { get; private set; } = "";

    public Dictionary<string, string> Headers { get; private set; } = [];

    public int Requests { get; private set; }

    public static async Task<FakeUpstream> Start()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        FakeUpstream made = new(app);
        app.Run(async http =>
        {
            using StreamReader reader = new(http.Request.Body, Encoding.UTF8);
            made.Body = await reader.ReadToEndAsync(http.RequestAborted);
            made.Path = http.Request.Path.Value!;
            made.Headers = http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            made.Requests++;
            await made.Answer(http);
        });
        await app.StartAsync();
        return made;
    }

    public static Task Json(HttpContext http, string json, int status = 200)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(json);
    }

    /// <summary>Events, the data of each as given.</summary>
    public static async Task Events(HttpContext http, params string[] events)
    {
        if (!http.Response.HasStarted)
        {
            http.Response.ContentType = "text/event-stream";
        }

        foreach (string data in events)
        {
            await http.Response.WriteAsync($"data: {data}\n\n");
            await http.Response.Body.FlushAsync();
        }
    }

    public static string Chunk(string text) => $$"""{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"{{text}}"},"logprobs":null,"finish_reason":null}]}""";

    public static string Usage(int prompt, int answer) => $$$"""{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{answer}}}}}""";

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
