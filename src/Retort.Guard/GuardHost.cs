using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Retort.Model.Inference;

namespace Retort.Guard;

/// <summary>A model behind OpenAI's interface, from when it is started until it is disposed.</summary>
public sealed class GuardHost : IAsyncDisposable
{
    static readonly TimeSpan s_grace = TimeSpan.FromSeconds(30);

    readonly WebApplication _app;
    readonly Voice _student;
    readonly Voice? _teacher;
    readonly TimeSpan _grace;
    readonly TimeProvider _time;

    GuardHost(WebApplication app, Voice student, Voice? teacher, TimeSpan grace, TimeProvider time) => (_app, _student, _teacher, _grace, _time) = (app, student, teacher, grace, time);

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<string> Addresses => [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];

    /// <summary>Serves one model.</summary>
    /// <exception cref="UserError">The model has no tokenizer, its template cannot be understood, or an address cannot be listened on.</exception>
    public static Task<GuardHost> Start(InferenceModel model, ServeOptions options, TimeProvider time) =>
        Start(Voice.Of(model, options.Name, new(options.Threads, options.CacheTokens, options.Answers), options.Queue, time), null, 0, options, time);

    /// <param name="student">Disposed with the host, as is the teacher.</param>
    /// <param name="threshold">The least confidence at which the student answers where there is a teacher.</param>
    internal static async Task<GuardHost> Start(Voice student, Voice? teacher, double threshold, ServeOptions options, TimeProvider time)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.AddServerHeader = false);
        builder.Services.Configure<HostOptions>(h => h.ShutdownTimeout = (options.Grace ?? s_grace) + TimeSpan.FromSeconds(5));
        WebApplication app = builder.Build();
        foreach (string url in options.Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            app.Urls.Add(url);
        }

        LocalAnswers answers = new(student, teacher, threshold, options, time);
        CompletionRoutes completions = new(answers);
        app.MapPost("/v1/chat/completions", completions.Chat);
        app.MapPost("/v1/completions", completions.Complete);
        app.MapGet("/v1/models", () => Results.Json(new { @object = "list", data = new[] { Entry() } }));
        app.MapGet("/v1/models/{**id}", (HttpContext http, string id) => id == options.Name
            ? http.Response.WriteAsJsonAsync(Entry())
            : Errors.Write(http, answers.NoModel(id)));
        app.MapGet("/health", () => Results.Json(new { status = "ok", running = Running(), waiting = Open() - Running() }));
        app.MapFallback(http => Errors.Write(http, new(404, $"There is no {http.Request.Method} {http.Request.Path} here.", "not_found_error", "unknown_url")));
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or FormatException or InvalidOperationException or UnauthorizedAccessException)
        {
            student.Dispose();
            teacher?.Dispose();
            await app.DisposeAsync().ConfigureAwait(false);
            throw new UserError($"cannot listen: {e.Message.TrimEnd('.')}", options.Urls, "Give addresses as http://127.0.0.1:8080, and a port that is free.");
        }

        return new(app, student, teacher, options.Grace ?? s_grace, time);

        int Running() => student.Service.Running + (teacher?.Service.Running ?? 0);

        int Open() => student.Service.Open + (teacher?.Service.Open ?? 0);

        object Entry() => new { id = options.Name, @object = "model", created = answers.Since, owned_by = "retort" };
    }

    /// <summary>Takes on nothing new, lets what is under way end within the grace, and cuts the rest off.</summary>
    public async Task Stop()
    {
        await _student.Service.Close(_grace, _time).ConfigureAwait(false);
        await (_teacher?.Service.Close(_grace, _time) ?? Task.CompletedTask).ConfigureAwait(false);
        await _app.StopAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _student.Dispose();
        _teacher?.Dispose();
        await _app.DisposeAsync().ConfigureAwait(false);
    }
}
