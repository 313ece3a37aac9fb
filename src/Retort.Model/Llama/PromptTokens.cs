using Retort.Model.Tokenizers;

namespace Retort.Model.Llama;

/// <summary>A prompt as a model reads it.</summary>
static class PromptTokens
{
    /// <summary>Its tokens, with what the tokenizer puts before a text; of a prompt of no tokens the begin token.</summary>
    /// <param name="where">What errors call the model.</param>
    /// <exception cref="UserError">It is empty where there is no begin token.</exception>
    public static int[] Of(string prompt, Tokenizer tokenizer, LlamaConfig config, string where)
    {
        int[] ids = tokenizer.Encode(prompt);
        return ids.Length > 0 ? ids
            : (config.BeginToken ?? tokenizer.BeginToken) is { } begin ? [begin]
            : throw new UserError("the prompt is empty and the model has no begin token", where, "Give a prompt of at least one token.");
    }
}
