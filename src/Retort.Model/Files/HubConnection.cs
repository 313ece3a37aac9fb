using System.Net;
using System.Net.Http.Headers;

namespace Retort.Model.Files;

/// <summary>The answer at the end of a chain of redirects.</summary>
/// <param name="Sha256">The content's hash where the hub gives one, as it does for large files: X-Linked-Etag on the way, or else the ETag.</param>
sealed record HubAnswer(HttpResponseMessage Response, string? Sha256) : IDisposable
{
    public HttpStatusCode Status => Response.StatusCode;

    public void Dispose() => Response.Dispose();
}

/// <summary>
/// Sends requests and follows redirects itself, because the hub gives a file's hash on the redirect and its token must not follow:
/// the token goes to the hub's own scheme, host and port alone, and never again once a redirect has left them.
/// </summary>
sealed class HubConnection : IDisposable
{
    const int MostRedirects = 8;

    readonly PullOptions _options;
    readonly HttpClient _http;

    public HubConnection(PullOptions options)
    {
        _options = options;
        _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }, disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <param name="from">The first byte wanted; 0 asks for the whole.</param>
    /// <exception cref="HttpRequestException">The connection was refused or lost.</exception>
    /// <exception cref="OperationCanceledException">Stopped, or silence for longer than the patience.</exception>
    /// <exception cref="UserError">A redirect leads nowhere, round in circles, or from https to http.</exception>
    public async Task<HubAnswer> GetAsync(Uri uri, long from, CancellationToken stop)
    {
        bool trusted = true;
        string? linked = null;
        using CancellationTokenSource quiet = new(_options.Patience, _options.Time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(stop, quiet.Token);
        for (int redirects = 0; redirects <= MostRedirects; redirects++)
        {
            trusted &= SameHost(uri, _options.Hub) && (uri.Scheme == Uri.UriSchemeHttps || uri.IsLoopback);
            HttpResponseMessage response = await SendAsync(uri, from, trusted, both.Token);
            linked ??= Sha256(response, "X-Linked-ETag");
            if (response.StatusCode is not (HttpStatusCode.Moved or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
            {
                return new(response, linked ?? Sha256(response, "ETag"));
            }

            Uri? location = response.Headers.Location;
            response.Dispose();
            uri = Next(uri, location);
        }

        throw new UserError($"The server redirects more than {MostRedirects} times", Download.Show(uri), "Check the address.");
    }

    public void Dispose() => _http.Dispose();

    Task<HttpResponseMessage> SendAsync(Uri uri, long from, bool trusted, CancellationToken stop)
    {
        HttpRequestMessage request = new(HttpMethod.Get, uri);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("retort", null));
        if (from > 0)
        {
            request.Headers.Range = new RangeHeaderValue(from, null);
        }

        if (_options.Token is { } token && trusted)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
    }

    static Uri Next(Uri from, Uri? location)
    {
        if (location is null || !Uri.TryCreate(from, location, out Uri? next) || (next.Scheme != Uri.UriSchemeHttps && next.Scheme != Uri.UriSchemeHttp))
        {
            throw new UserError("The server redirects to no web address", Download.Show(from), "Check the address.");
        }

        return from.Scheme == Uri.UriSchemeHttps && next.Scheme == Uri.UriSchemeHttp
            ? throw new UserError("The server redirects from https to http", Download.Show(from), "What comes unencrypted could be altered; use another hub or mirror.")
            : next;
    }

    static bool SameHost(Uri a, Uri b) => a.GetLeftPart(UriPartial.Authority) == b.GetLeftPart(UriPartial.Authority);

    static string? Sha256(HttpResponseMessage response, string header)
    {
        if (!response.Headers.TryGetValues(header, out IEnumerable<string>? values))
        {
            return null;
        }

        string value = values.First().Trim();
        value = (value.StartsWith("W/", StringComparison.Ordinal) ? value[2..] : value).Trim('"');
        return Download.IsSha256(value) ? value : null;
    }
}
