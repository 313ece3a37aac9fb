using Retort.Model.Chat;
using Retort.Model.Files;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Guard;

/// <summary>A model that answers: its engine, how a conversation is laid out for it, and its vocabulary.</summary>
/// <param name="Name">What clients see as the model that answered.</param>
/// <param name="Defaults">How its makers want texts drawn where a client does not say.</param>
/// <param name="Form">What its answers keep to where a client does not say: a model made for one task brings it.</param>
sealed record Voice(string Name, AnswerService Service, ChatLayout Layout, TokenIndex Index, GenerationDefaults Defaults, AnswerForm Form) : IDisposable
{
    /// <exception cref="UserError">The model has no tokenizer, or its template or its defaults cannot be understood.</exception>
    public static Voice Of(InferenceModel model, string name, EngineOptions options, int queue, TimeProvider time)
    {
        Tokenizer tokenizer = model.OpenTokenizer();
        ChatLayout layout = ChatLayout.Of(model, tokenizer, time);
        return new(name, new(model, tokenizer, options, queue), layout, new(tokenizer), GenerationConfigFile.Read(model.Path), AnswerFormFile.Read(model.Path));
    }

    public void Dispose() => Service.Dispose();
}
