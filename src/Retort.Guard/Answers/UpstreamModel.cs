using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Answers;

/// <summary>A service that speaks OpenAI's interface. It gets the request's body and its own key, and nothing else of the client's.</summary>
sealed class UpstreamModel : IModel, IDisposable
{
    /// <summary>Less than services keep an idle connection for.</summary>
    static readonly TimeSpan s_idle = TimeSpan.FromSeconds(50), s_moment = TimeSpan.FromMilliseconds(100);

    readonly ConcurrentStack<UpstreamConnection> _idle = new();
    readonly Uri _url;
    readonly string _common;
    readonly byte[][] _heads;

    /// <param name="url">Up to and with /v1.</param>
    /// <param name="key">Null where it asks for none.</param>
    /// <exception cref="UserError">The key cannot be sent.</exception>
    public UpstreamModel(Uri url, string? key)
    {
        if (key is not null && !key.All(c => c is > ' ' and <= '~'))
        {
            throw new UserError("the upstream's key holds a space or another character that no key has", "upstream.key", "Set the variable to the key alone.");
        }

        _url = url;
        Errors = new(url, key);
        _common = $"Host: {(url.IsDefaultPort ? url.IdnHost : string.Create(CultureInfo.InvariantCulture, $"{url.IdnHost}:{url.Port}"))}\r\n{(key is null ? "" : $"Authorization: Bearer {key}\r\n")}";
        _heads = [.. Enum.GetValues<RouteKind>().Select(r => Encoding.ASCII.GetBytes($"POST {At(Path(r))} HTTP/1.1\r\n{_common}Content-Type: application/json\r\nContent-Length: "))];
    }

    public bool IsLocal => false;

    public UpstreamErrors Errors { get; }

    /// <summary>Reads the address of a service.</summary>
    /// <exception cref="UserError">It is none.</exception>
    public static Uri Url(string text) =>
        Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0 ? url
        : throw new UserError("this is no address of a service", "--upstream", "Give it up to /v1, such as https://api.openai.com/v1, without a key.");

    public bool Has(RouteKind route) => true;

    public PendingAnswer Prepare(RouteKind route, ReadOnlyMemory<byte> body, RequestFacts facts, int? defaultTokens, out ApiError? refusal)
    {
        refusal = null;
        return new UpstreamAnswer(this, route, body, facts, defaultTokens);
    }

    public async ValueTask<(ReadOnlyMemory<byte> Json, ApiError? Refusal)> Models(string? id, CancellationToken gone)
    {
        byte[] request = Encoding.ASCII.GetBytes($"GET {At(id is null ? "/models" : "/models/" + Uri.EscapeDataString(id))} HTTP/1.1\r\n{_common}\r\n");
        try
        {
            // A connection of its own: what is read seldom needs none that waits.
            using UpstreamConnection connection = await UpstreamConnection.Open(_url, gone).ConfigureAwait(false);
            using CancellationTokenRegistration leave = gone.UnsafeRegister(static c => ((UpstreamConnection)c!).Abort(), connection);
            await connection.Send(request).ConfigureAwait(false);
            UpstreamHead head = await connection.Head().ConfigureAwait(false);
            byte[] json = await UpstreamErrors.Read(connection).ConfigureAwait(false);
            return head.Status is >= 200 and < 300 ? (json, null) : (default, Errors.Of(head, json));
        }
        catch (Exception e) when (UpstreamErrors.Is(e))
        {
            return (default, Errors.Unreachable);
        }
    }

    public Task Close(TimeSpan grace) => Task.CompletedTask;

    /// <summary>Writes a whole question.</summary>
    public void Write(RouteKind route, ReadOnlySpan<byte> body, PooledBytes to)
    {
        System.Buffers.BuffersExtensions.Write(to, _heads[(int)route]);
        Span<byte> digits = to.GetSpan(32);
        System.Buffers.Text.Utf8Formatter.TryFormat(body.Length, digits, out int written);
        to.Advance(written);
        System.Buffers.BuffersExtensions.Write(to, "\r\n\r\n"u8);
        System.Buffers.BuffersExtensions.Write(to, body);
    }

    /// <summary>A connection that waits, or a new one.</summary>
    public ValueTask<UpstreamConnection> Take(CancellationToken stop)
    {
        while (_idle.TryPop(out UpstreamConnection? connection))
        {
            // One that waited for a moment is hardly ever ended; where it was, the question is sent again.
            TimeSpan waited = TimeProvider.System.GetElapsedTime(connection.IdleSince);
            if (waited < s_moment || (waited < s_idle && !connection.IsStale))
            {
                return new(connection);
            }

            connection.Dispose();
        }

        return UpstreamConnection.Open(_url, stop);
    }

    /// <summary>Keeps a connection for another request, where one may follow.</summary>
    public void Return(UpstreamConnection connection)
    {
        if (!connection.IsReusable)
        {
            connection.Dispose();
            return;
        }

        connection.IdleSince = TimeProvider.System.GetTimestamp();
        _idle.Push(connection);
    }

    public void Dispose()
    {
        while (_idle.TryPop(out UpstreamConnection? connection))
        {
            connection.Dispose();
        }
    }

    string At(string path) => _url.AbsolutePath.TrimEnd('/') + path;

    static string Path(RouteKind route) => route switch { RouteKind.Chat => "/chat/completions", RouteKind.Completions => "/completions", RouteKind.Embeddings => "/embeddings", _ => "/responses" };
}
