using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Retort.Guard.Answers;
using Retort.Guard.Hardening;
using Retort.Guard.Telemetry;

namespace Retort.Guard;

/// <summary>The guarded path as a server, from when it is started until it is disposed.</summary>
public sealed class GuardedServer : IAsyncDisposable
{
    static readonly TimeSpan s_grace = TimeSpan.FromSeconds(30), s_write = TimeSpan.FromSeconds(30);

    readonly WebApplication _app;
    readonly GuardTimers _timers;
    readonly IModel _model;
    readonly TelemetryExport? _export;

    GuardedServer(WebApplication app, IModel model, PassageWatch watch, GuardTimers timers, TelemetryExport? export) => (_app, _model, Watch, _timers, _export) = (app, model, watch, timers, export);

    /// <summary>Of the requests under way.</summary>
    internal PassageWatch Watch { get; }

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<string> Addresses => [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];

    /// <param name="policy">Null where there are no accounts.</param>
    internal static async Task<GuardedServer> Start(IModel model, OpenPolicy? policy, string urls, Action<string> log, TimeProvider time)
    {
        HardeningPolicy hardening = policy?.Policy.Hardening ?? HardeningPolicy.Default;
        PassageWatch watch = new(policy?.Policy.Upstream ?? UpstreamPolicy.Default, s_write, time);
        GuardTelemetry telemetry = new(policy?.Store.Pepper.Origins.ToArray(), model.IsLocal, time);
        GuardPipeline pipeline = new(model, policy, hardening, watch, telemetry, time);
        GuardDesk desk = new(model, policy, watch);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => Limit(k, hardening));
        builder.Services.Configure<SocketTransportOptions>(s => s.UnsafePreferInlineScheduling = true);
        builder.Services.Configure<HostOptions>(h => h.ShutdownTimeout = s_grace);
        WebApplication app = builder.Build();
        foreach (string url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            app.Urls.Add(url);
        }

        app.Run(http => HttpMethods.IsPost(http.Request.Method) && GuardRoute.Of(http.Request.Path.Value!) is { } route && model.Has(route.Kind) ? pipeline.Handle(http, route) : desk.Handle(http));
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or FormatException or InvalidOperationException or UnauthorizedAccessException)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw new UserError($"cannot listen: {e.Message.TrimEnd('.')}", urls, "Give addresses as http://127.0.0.1:8080, and a port that is free.");
        }

        return new(app, model, watch, GuardTimers.Start(policy, watch, log, time), policy?.Policy.Otlp is { } collector ? new(collector) : null);
    }

    /// <summary>Takes on nothing new, and lets what is under way end within the grace.</summary>
    public async Task Stop()
    {
        await _model.Close(s_grace).ConfigureAwait(false);
        await _app.StopAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync().ConfigureAwait(false);
        await _timers.DisposeAsync().ConfigureAwait(false);
        _export?.Dispose();
    }

    /// <summary>Every bound that a stranger meets, said here and not left to defaults.</summary>
    static void Limit(KestrelServerOptions kestrel, HardeningPolicy hardening)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        KestrelServerLimits limits = kestrel.Limits;
        limits.MaxConcurrentConnections = 20_000;
        limits.MaxConcurrentUpgradedConnections = 0;
        limits.MaxRequestBodySize = hardening.MostBytes;
        limits.MaxRequestHeaderCount = 64;
        limits.MaxRequestHeadersTotalSize = 16 << 10;
        limits.MaxRequestLineSize = 4 << 10;
        limits.MaxRequestBufferSize = 256 << 10;
        limits.MaxResponseBufferSize = 64 << 10;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(120);
        limits.MinRequestBodyDataRate = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(5));
        limits.MinResponseDataRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(10));
        limits.Http2.MaxStreamsPerConnection = 100;
    }
}
