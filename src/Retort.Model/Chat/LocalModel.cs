using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.AI;
using Retort.Model.Files;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Model.Chat;

/// <summary>A model of this process behind the interface by which .NET speaks to any model that chats.</summary>
public sealed class LocalModel : IChatClient
{
    readonly AnswerService _service;
    readonly ChatLayout _layout;
    readonly TokenIndex _index;
    readonly GenerationDefaults _defaults;
    readonly AnswerForm _form;
    readonly ChatClientMetadata _metadata;

    /// <param name="model">An opened model.</param>
    /// <param name="options">How much is computed side by side.</param>
    /// <param name="queue">Most answers that wait beyond those.</param>
    /// <exception cref="UserError">The model has no tokenizer, or its template cannot be understood.</exception>
    public LocalModel(InferenceModel model, EngineOptions options, int queue = 256, TimeProvider? time = null)
    {
        Tokenizer tokenizer = model.OpenTokenizer();
        _layout = ChatLayout.Of(model, tokenizer, time ?? TimeProvider.System);
        _service = new(model, tokenizer, options, queue);
        _index = new(tokenizer);
        _defaults = GenerationConfigFile.Read(model.Path);
        _form = AnswerFormFile.Read(model.Path);
        _metadata = new("retort", null, Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(model.Path)));
    }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
        {
            updates.Add(update);
        }

        return updates.ToChatResponse();
    }

    /// <exception cref="UserError">The conversation does not fit, an option is out of range, or too many answers wait.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Channel<AnswerPart> parts = Channel.CreateUnbounded<AnswerPart>();
        int[] prompt = _layout.Prompt(Messages(messages, options));
        GenerationDefaults asked = new(options?.Temperature, options?.TopK, options?.TopP, null, null);
        SamplingOptions sampling = asked.Over(_defaults.Over(new()
        {
            MaxTokens = options?.MaxOutputTokens ?? 1024,
            Stop = [.. options?.StopSequences ?? []],
        }));
        sampling.Validate("chat options");
        ulong seed = options?.Seed is { } given ? (ulong)given : BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
        Answer answer = _service.TryStart(new(prompt, sampling, seed, Constraint: Constraint(options), OnPart: p => parts.Writer.TryWrite(p)))
            ?? throw new UserError("too many answers wait already", _service.Model.Path, "Ask again later, or for fewer at once.");
        string id = Guid.NewGuid().ToString("N");
        using CancellationTokenRegistration gone = cancellationToken.Register(answer.Cancel);
        bool more = true;
        while (more)
        {
            AnswerPart part = await parts.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (part.Finish == "error")
            {
                throw answer.Fault!;
            }

            more = part.Finish is null;
            ChatResponseUpdate update = new(ChatRole.Assistant, part.Text) { ResponseId = id, MessageId = id, ModelId = _metadata.DefaultModelId };
            if (!more)
            {
                update.FinishReason = part.Finish == "length" ? ChatFinishReason.Length : ChatFinishReason.Stop;
                update.Contents.Add(new UsageContent(new() { InputTokenCount = prompt.Length, OutputTokenCount = answer.Written, TotalTokenCount = prompt.Length + answer.Written, CachedInputTokenCount = answer.ReusedTokens }));
            }

            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? _metadata
        : serviceType == typeof(AnswerService) ? _service
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() => _service.Dispose();

    /// <summary>What is asked for, or what the model was made for.</summary>
    TokenConstraint? Constraint(ChatOptions? options) => (options?.ResponseFormat switch
    {
        ChatResponseFormatJson { Schema: { } schema } => new AnswerForm.Schema(schema),
        ChatResponseFormatJson => new AnswerForm.AnyJson(),
        ChatResponseFormatText => new AnswerForm.Free(),
        _ => _form,
    }).Constraint(_index, _service.Ends, "the response format's schema");

    static JsonElement Messages(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        JsonArray all = [];
        if (options?.Instructions is { Length: > 0 } instructions)
        {
            all.Add(new JsonObject { ["role"] = "system", ["content"] = instructions });
        }

        foreach (ChatMessage message in messages)
        {
            all.Add(new JsonObject { ["role"] = message.Role.Value, ["content"] = message.Text });
        }

        return JsonSerializer.SerializeToElement(all);
    }
}
