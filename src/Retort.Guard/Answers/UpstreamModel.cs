using System.Net.Http.Headers;
using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Answers;

/// <summary>A service that speaks OpenAI's interface. It gets the request's body and its own key, and nothing else of the client's.</summary>
sealed class UpstreamModel : IModel, IDisposable
{
    readonly HttpMessageInvoker _http;
    readonly AuthenticationHeaderValue? _key;
    readonly Uri _url;
    readonly Uri[] _routes;

    /// <param name="url">Up to and with /v1.</param>
    /// <param name="key">Null where it asks for none.</param>
    public UpstreamModel(Uri url, string? key)
    {
        _url = url;
        _key = key is null ? null : new("Bearer", key);
        Errors = new(url, key);
        _routes = [.. Enum.GetValues<RouteKind>().Select(r => At(Path(r)))];
        _http = new(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            ConnectTimeout = TimeSpan.FromSeconds(10),
            MaxResponseHeadersLength = 32,
        });
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
        using HttpRequestMessage message = Message(HttpMethod.Get, At(id is null ? "/models" : "/models/" + Uri.EscapeDataString(id)));
        try
        {
            using HttpResponseMessage response = await Send(message, gone).ConfigureAwait(false);
            byte[] json = await UpstreamErrors.Read(response, gone).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? (json, null) : (default, Errors.Of(response, json));
        }
        catch (Exception e) when (UpstreamErrors.Is(e))
        {
            return (default, Errors.Unreachable);
        }
    }

    public Task Close(TimeSpan grace) => Task.CompletedTask;

    /// <summary>A question to a route, still without a body.</summary>
    public HttpRequestMessage Message(RouteKind route) => Message(HttpMethod.Post, _routes[(int)route]);

    HttpRequestMessage Message(HttpMethod method, Uri at)
    {
        HttpRequestMessage message = new(method, at) { Version = System.Net.HttpVersion.Version11 };
        message.Headers.Authorization = _key;
        return message;
    }

    Uri At(string path) => new(_url.AbsoluteUri.TrimEnd('/') + path);

    static string Path(RouteKind route) => route switch { RouteKind.Chat => "/chat/completions", RouteKind.Completions => "/completions", RouteKind.Embeddings => "/embeddings", _ => "/responses" };

    public Task<HttpResponseMessage> Send(HttpRequestMessage message, CancellationToken stop) => _http.SendAsync(message, stop);

    public void Dispose() => _http.Dispose();
}
