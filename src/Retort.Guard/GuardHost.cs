using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Retort.Model;
using Retort.Model.Chat;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Model.Tokenizers;

namespace Retort.Guard;

/// <summary>A model behind OpenAI's interface, from when it is started until it is disposed.</summary>
public sealed class GuardHost : IAsyncDisposable
{
    static readonly TimeSpan s_grace = TimeSpan.FromSeconds(30);

    readonly WebApplication _app;
    readonly AnswerService _service;
    readonly TimeSpan _grace;
    readonly TimeProvider _time;

    GuardHost(WebApplication app, AnswerService service, TimeSpan grace, TimeProvider time) => (_app, _service, _grace, _time) = (app, service, grace, time);

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<string> Addresses => [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];

    /// <exception cref="UserError">The model has no tokenizer, its template cannot be understood, or an address cannot be listened on.</exception>
    public static async Task<GuardHost> Start(InferenceModel model, ServeOptions options, TimeProvider time)
    {
        Tokenizer tokenizer = model.OpenTokenizer();
        ChatLayout layout = ChatLayout.Of(model, tokenizer, time);
        AnswerService service = new(model, tokenizer, new(options.Threads, options.CacheTokens, options.Answers), options.Queue);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.AddServerHeader = false);
        builder.Services.Configure<HostOptions>(h => h.ShutdownTimeout = (options.Grace ?? s_grace) + TimeSpan.FromSeconds(5));
        WebApplication app = builder.Build();
        foreach (string url in options.Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            app.Urls.Add(url);
        }

        CompletionRoutes completions = new(service, layout, new TokenIndex(tokenizer), options, time);
        long started = time.GetUtcNow().ToUnixTimeSeconds();
        app.MapPost("/v1/chat/completions", completions.Chat);
        app.MapPost("/v1/completions", completions.Complete);
        app.MapGet("/v1/models", () => Results.Json(new { @object = "list", data = new[] { Entry() } }));
        app.MapGet("/v1/models/{**id}", (HttpContext http, string id) => id == options.Name
            ? http.Response.WriteAsJsonAsync(Entry())
            : Errors.Write(http, new(404, $"The model {id} does not exist here; this server answers as {options.Name}.", "not_found_error", "model_not_found", "model")));
        app.MapGet("/health", () => Results.Json(new { status = "ok", running = service.Running, waiting = service.Open - service.Running }));
        app.MapFallback(http => Errors.Write(http, new(404, $"There is no {http.Request.Method} {http.Request.Path} here.", "not_found_error", "unknown_url")));
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or FormatException or InvalidOperationException or UnauthorizedAccessException)
        {
            service.Dispose();
            await app.DisposeAsync().ConfigureAwait(false);
            throw new UserError($"cannot listen: {e.Message.TrimEnd('.')}", options.Urls, "Give addresses as http://127.0.0.1:8080, and a port that is free.");
        }

        return new(app, service, options.Grace ?? s_grace, time);

        object Entry() => new { id = options.Name, @object = "model", created = started, owned_by = "retort" };
    }

    /// <summary>Takes on nothing new, lets what is under way end within the grace, and cuts the rest off.</summary>
    public async Task Stop()
    {
        await _service.Close(_grace, _time).ConfigureAwait(false);
        await _app.StopAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _service.Dispose();
        await _app.DisposeAsync().ConfigureAwait(false);
    }
}
