using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI;
using ChatClient = OpenAI.Chat.ChatClient;

namespace Retort.Asking;

/// <summary>
/// A model behind OpenAI's interface, through OpenAI's own library: one request an answer, never repeated here, so that every attempt can be written down
/// before it is sent. Answers arrive as <see cref="Reply"/> in <see cref="ChatResponse.RawRepresentation"/>; what goes wrong is a <see cref="RemoteFault"/>.
/// </summary>
public sealed class RemoteModel : IChatClient
{
    /// <summary>Characters of an error kept.</summary>
    const int Longest = 300;

    readonly ChatClient _client;
    readonly HttpClient _http;
    readonly Endpoint _endpoint;
    readonly TimeProvider _time;
    readonly string? _key;

    /// <param name="key">What the endpoint knows us by; null where it asks for none.</param>
    /// <param name="timeout">How long one answer may take.</param>
    /// <param name="connections">Requests under way at a time.</param>
    public RemoteModel(Endpoint endpoint, string? key, TimeSpan timeout, int connections, TimeProvider time)
    {
        (_endpoint, _key, _time) = (endpoint, key, time);
        SocketsHttpHandler handler = new()
        {
            MaxConnectionsPerServer = connections,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.All,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        };
        _http = new(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _client = new(endpoint.Model, new ApiKeyCredential(key ?? "none"), new OpenAIClientOptions
        {
            Endpoint = new Uri(endpoint.Address),
            RetryPolicy = new ClientRetryPolicy(0),
            NetworkTimeout = timeout,
            Transport = new HttpClientPipelineTransport(_http),
            UserAgentApplicationId = "retort",
        });
    }

    /// <exception cref="RemoteFault">No answer came.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Question question = options?.AdditionalProperties?.GetValueOrDefault(nameof(Question)) as Question ?? Of(messages, options);
        using BinaryContent content = BinaryContent.Create(BinaryData.FromBytes(question.Body()));
        using PipelineResponse response = await Send(content, cancellationToken).ConfigureAwait(false);
        byte[] body = response.Content.ToArray();
        LimitFacts limits = LimitFacts.Read(name => response.Headers.TryGetValue(name, out string? value) ? value : null, _time.GetUtcNow());
        Reply reply = response.Status == 200 && Reply.Parse(body, limits) is { } whole ? whole : throw Fault(response, body, limits);
        return new ChatResponse([.. reply.Choices.Select(c => new ChatMessage(ChatRole.Assistant, c.Text))])
        {
            ModelId = reply.Model,
            ResponseId = reply.Id,
            FinishReason = reply.Choices[0].Finish is { } finish ? new(finish) : null,
            Usage = new() { InputTokenCount = reply.PromptTokens, OutputTokenCount = reply.CompletionTokens },
            RawRepresentation = reply,
        };
    }

    async Task<PipelineResponse> Send(BinaryContent content, CancellationToken stop)
    {
        RemoteFault? fault;
        try
        {
            return (await _client.CompleteChatAsync(content, new RequestOptions { ErrorOptions = ClientErrorBehaviors.NoThrow, CancellationToken = stop }).ConfigureAwait(false)).GetRawResponse();
        }
        catch (Exception e) when ((fault = RemoteFault.Of(e, stop)) is not null)
        {
            // Said below, in our words: what a library throws may hold an address with more than its host.
        }

        throw new RemoteFault(fault.Kind, fault.Status, Clean(fault.Message), fault.Limits);
    }

    /// <summary>The whole answer at once: what is collected is stored, not watched.</summary>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatResponse response = await GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
        foreach (ChatResponseUpdate update in response.ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    /// <summary>A request of the same endpoint for something other than an answer, such as a file or a batch.</summary>
    /// <param name="path">What goes behind the endpoint's address, with its slash.</param>
    /// <param name="type">The body's media type.</param>
    /// <returns>The body of a response with status 200.</returns>
    /// <exception cref="RemoteFault">None came.</exception>
    internal async Task<byte[]> Request(string method, string path, byte[]? body, string? type, CancellationToken stop)
    {
        RemoteFault? fault;
        try
        {
            using PipelineMessage message = _client.Pipeline.CreateMessage();
            message.Apply(new RequestOptions { ErrorOptions = ClientErrorBehaviors.NoThrow, CancellationToken = stop });
            (message.Request.Method, message.Request.Uri) = (method, new Uri(_endpoint.Address + path));
            if (body is not null)
            {
                message.Request.Content = BinaryContent.Create(BinaryData.FromBytes(body));
                message.Request.Headers.Set("Content-Type", type!);
            }

            await _client.Pipeline.SendAsync(message).ConfigureAwait(false);
            PipelineResponse response = message.Response!;
            byte[] content = response.Content.ToArray();
            fault = response.Status == 200 ? null : Fault(response, content, LimitFacts.None);
            if (fault is null)
            {
                return content;
            }
        }
        catch (Exception e) when ((fault = RemoteFault.Of(e, stop)) is not null)
        {
            // Said below, as above.
        }

        throw new RemoteFault(fault.Kind, fault.Status, Clean(fault.Message), fault.Limits);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("openai", new Uri(_endpoint.Address), _endpoint.Model)
        : serviceKey is null && serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() => _http.Dispose();

    Question Of(IEnumerable<ChatMessage> messages, ChatOptions? options) => new(
        _endpoint, [.. messages.Select(m => new Turn(m.Role.Value, m.Text))],
        new(options?.MaxOutputTokens, options?.Temperature, options?.TopP, 1, options?.Seed, options?.StopSequences?.ToArray(), options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema } ? schema.GetRawText() : null));

    RemoteFault Fault(PipelineResponse response, byte[] body, LimitFacts limits)
    {
        string type = response.Headers.TryGetValue("content-type", out string? value) && MediaTypeHeaderValue.TryParse(value, out MediaTypeHeaderValue? media) ? media.MediaType ?? "" : "";
        FaultKind kind = response.Status == 200 ? FaultKind.Broken : type == "text/html" && response.Status is < 500 or 503 ? FaultKind.Challenged : RemoteFault.KindOf(response.Status);
        return new(kind, response.Status, response.Status == 200 ? "the answer is not whole" : $"{response.Status} {Said(body)}", limits);
    }

    /// <summary>An error's own message where it is OpenAI's JSON, else how it begins.</summary>
    string Said(byte[] body)
    {
        string text = Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 1 << 16)));
        try
        {
            JsonElement root = JsonElement.Parse(body);
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out JsonElement error))
            {
                text = error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message", out JsonElement message) ? message.ToString() : error.ToString();
            }
        }
        catch (JsonException)
        {
            // Not JSON: its beginning says enough.
        }

        return Clean(text);
    }

    string Clean(string text) => Clean(text, _key);

    /// <summary>On one line, short, and without the key, should an endpoint repeat it.</summary>
    internal static string Clean(string text, string? key)
    {
        string safe = key is { Length: > 0 } ? text.Replace(key, "[key]", StringComparison.Ordinal) : text;
        return new([.. safe.Select(c => char.IsControl(c) ? ' ' : c).Take(Longest)]);
    }
}
