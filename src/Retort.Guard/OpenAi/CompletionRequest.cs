using System.Text.Json;
using Retort.Model.Grammars;
using Retort.Model.Llama;

namespace Retort.Guard.OpenAi;

/// <summary>A prompt of POST /v1/completions: a text, or its tokens.</summary>
sealed record RawPrompt(string? Text, int[]? Tokens);

/// <summary>POST /v1/completions.</summary>
/// <param name="Form">Null where the request says nothing of it.</param>
sealed record CompletionRequest(AnswerOptions Options, RawPrompt[] Prompts, int? Probabilities, AnswerForm? Form)
{
    const int MostPrompts = 256;

    /// <summary>Tokens of an answer for which no number is given: OpenAI's own default here.</summary>
    const int DefaultTokens = 16;

    /// <exception cref="RequestException">A field is missing, of the wrong kind, out of range or unknown.</exception>
    public static CompletionRequest Parse(ReadOnlyMemory<byte> body, GenerationDefaults defaults)
    {
        RequestFields fields = RequestFields.Parse(body);
        AnswerOptions options = AnswerOptions.Read(fields, DefaultTokens, defaults);
        fields.Only("suffix", v => v.ValueKind == JsonValueKind.String && v.GetString()!.Length == 0);
        fields.Only("echo", v => v.ValueKind == JsonValueKind.False);
        fields.Only("best_of", v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out int best) && best == options.Count);
        string[] choices = fields.Texts("guided_choice", 4096);
        CompletionRequest request = new(
            options,
            Read(fields.Get("prompt") ?? throw RequestFields.Fault("prompt", "is required")),
            fields.Whole("logprobs", 0, 20),
            choices.Length > 0 ? new AnswerForm.Labels(choices) : null);
        fields.End();
        return request;
    }

    static RawPrompt[] Read(JsonElement prompt)
    {
        if (prompt.ValueKind == JsonValueKind.String)
        {
            return [new(prompt.GetString(), null)];
        }

        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() is 0)
        {
            throw Fault();
        }

        JsonElement[] items = [.. prompt.EnumerateArray()];
        return items[0].ValueKind == JsonValueKind.Number ? [new(null, Tokens(prompt))]
            : items.Length > MostPrompts ? throw RequestFields.Fault("prompt", $"may be at most {MostPrompts} texts")
            : [.. items.Select(i => i.ValueKind switch
            {
                JsonValueKind.String => new RawPrompt(i.GetString(), null),
                JsonValueKind.Array => new RawPrompt(null, Tokens(i)),
                _ => throw Fault(),
            })];
    }

    static int[] Tokens(JsonElement list) => list.EnumerateArray().All(t => t.ValueKind == JsonValueKind.Number && t.TryGetInt32(out _)) ? [.. list.EnumerateArray().Select(t => t.GetInt32())] : throw Fault();

    static RequestException Fault() => RequestFields.Fault("prompt", "must be a text, a list of texts, or tokens");
}
