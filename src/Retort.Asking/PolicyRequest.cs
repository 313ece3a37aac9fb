using System.Net;
using System.Security.Cryptography;
using Retort.Evidence.Terms;

namespace Retort.Asking;

/// <summary>
/// Reads what an endpoint's own list of models says of training on one model's answers, at <c>GET /models</c> behind its address and, where the model's
/// record says nothing there, once more at <c>/models?detailed=true</c>, where NanoGPT has the longer record
/// (https://docs.nano-gpt.com/api-reference/endpoint/models). Bounded in time and size; a redirect is not followed, for the key would go along.
/// </summary>
public static class PolicyRequest
{
    /// <summary>Bytes of one answer.</summary>
    public const int Longest = 16 << 20;

    /// <summary>How long both answers may take together.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    /// <param name="key">What the endpoint knows us by; null where it asks for none. It is in nothing that is returned.</param>
    /// <returns>A reading always: what could not be read is said in it.</returns>
    public static async Task<PolicyReading> Read(Endpoint endpoint, string? key, TimeProvider time, CancellationToken stop)
    {
        using SocketsHttpHandler handler = new() { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.All };
        using HttpClient http = new(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = Longest };
        using CancellationTokenSource patience = new(s_patience, time), end = CancellationTokenSource.CreateLinkedTokenSource(stop, patience.Token);
        PolicyReading first = await One("/models").ConfigureAwait(false);
        return first is { Says: null, Unread: null } && await One("/models?detailed=true").ConfigureAwait(false) is { Says: not null } longer ? longer : first;

        async Task<PolicyReading> One(string path)
        {
            string address = endpoint.Address + path;
            (byte[]? body, string why) = await Get(http, address, key, stop, end.Token).ConfigureAwait(false);
            DateTimeOffset at = time.GetUtcNow();
            if (body is null)
            {
                return new(address, at, null, null, why);
            }

            string hash = Convert.ToHexStringLower(SHA256.HashData(body));
            try
            {
                string? Clean(string? text) => text is null ? null : RemoteModel.Clean(text, key);
                return new(address, at, hash, EndpointPolicy.Parse(body, address, endpoint.Model) is { } p ? p with { Label = Clean(p.Label), Basis = Clean(p.Basis), Link = Clean(p.Link), Note = Clean(p.Note) } : null);
            }
            catch (UserError e)
            {
                return new(address, at, hash, null, RemoteModel.Clean(e.What, key));
            }
        }
    }

    /// <summary>The same, written down; the reading that counts is what the store then holds.</summary>
    /// <exception cref="UserError">The store cannot be written.</exception>
    internal static async Task<PolicyReading> Read(Endpoint endpoint, string? key, Transcripts store, TimeProvider time, CancellationToken stop)
    {
        await store.Policy(endpoint, await Read(endpoint, key, time, stop).ConfigureAwait(false)).ConfigureAwait(false);
        return store.Policy(endpoint)!;
    }

    static async Task<(byte[]? Body, string Why)> Get(HttpClient http, string address, string? key, CancellationToken stop, CancellationToken end)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, address);
        request.Headers.TryAddWithoutValidation("User-Agent", "retort");
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        }

        RemoteFault? fault;
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, end).ConfigureAwait(false);
            return response.StatusCode == HttpStatusCode.OK ? (await response.Content.ReadAsByteArrayAsync(end).ConfigureAwait(false), "")
                : (null, (int)response.StatusCode is >= 300 and < 400 ? $"the answer is a redirect ({(int)response.StatusCode})" : $"the answer is {(int)response.StatusCode}");
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return (null, $"the answer is longer than {Longest >> 20} MiB");
        }
        catch (Exception e) when ((fault = RemoteFault.Of(e, stop)) is not null)
        {
            return (null, RemoteModel.Clean(fault.Message, key));
        }
    }
}
