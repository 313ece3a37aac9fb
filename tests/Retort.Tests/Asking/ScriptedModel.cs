using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Retort.Asking;

namespace Retort.Tests.Asking;

/// <summary>A model that does what a test says: gets a prompt and how often it was asked before, and answers or throws.</summary>
sealed class ScriptedModel(Func<string, int, Task<Reply>> answer) : IChatClient
{
    readonly Dictionary<string, int> _asked = new(StringComparer.Ordinal);

    /// <summary>Prompts in the order in which they were asked.</summary>
    public List<string> Asked { get; } = [];

    public static Reply Reply(string text, string model = "small", int prompt = 10, int completion = 5, string finish = "stop", string? refusal = null) =>
        new(model, "fp", "id-" + text, [new(text, finish, refusal, null)], prompt, completion, null, LimitFacts.None);

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        string prompt = messages.Last().Text;
        int before;
        lock (Asked)
        {
            Asked.Add(prompt);
            before = _asked.GetValueOrDefault(prompt);
            _asked[prompt] = before + 1;
        }

        return new ChatResponse { RawRepresentation = await answer(prompt, before).WaitAsync(cancellationToken) };
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (ChatResponseUpdate update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
