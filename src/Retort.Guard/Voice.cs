using Retort.Model.Chat;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Model.Tokenizers;

namespace Retort.Guard;

/// <summary>A model that answers: its engine, how a conversation is laid out for it, and its vocabulary.</summary>
/// <param name="Name">What clients see as the model that answered.</param>
sealed record Voice(string Name, AnswerService Service, ChatLayout Layout, TokenIndex Index) : IDisposable
{
    /// <exception cref="Retort.Model.UserError">The model has no tokenizer, or its template cannot be understood.</exception>
    public static Voice Of(InferenceModel model, string name, EngineOptions options, int queue, TimeProvider time)
    {
        Tokenizer tokenizer = model.OpenTokenizer();
        ChatLayout layout = ChatLayout.Of(model, tokenizer, time);
        return new(name, new(model, tokenizer, options, queue), layout, new(tokenizer));
    }

    public void Dispose() => Service.Dispose();
}
