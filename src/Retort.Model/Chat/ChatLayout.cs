using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Model.Files;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Model.Chat;

/// <summary>
/// Turns a conversation into the tokens a model reads: by its chat template, or, for a model without one, as its messages' texts one after the
/// other with a line end between, so that a model distilled on bare prompts gets them as it learned them.
/// </summary>
public sealed class ChatLayout
{
    readonly ChatTemplate? _template;
    readonly Tokenizer _tokenizer;
    readonly TimeProvider _time;
    readonly string _where;
    readonly string _begin;
    readonly string _end;

    ChatLayout(ChatTemplate? template, string where, LlamaConfig config, Tokenizer tokenizer, TimeProvider time)
    {
        (_template, _tokenizer, _time, _where) = (template, tokenizer, time, where);
        _begin = Spelled(config.BeginToken ?? tokenizer.BeginToken);
        _end = Spelled(tokenizer.EndToken ?? (config.EndTokens is [int end, ..] ? end : null));

        string Spelled(int? token) => token is { } id && id < tokenizer.VocabularySize ? tokenizer.TokenText(id) : "";
    }

    /// <summary>Whether the model brought a template.</summary>
    public bool HasTemplate => _template is not null;

    /// <exception cref="UserError">The model's template cannot be read or understood.</exception>
    public static ChatLayout Of(InferenceModel model, Tokenizer tokenizer, TimeProvider time) =>
        Of(model.Path, model.Weights.Config, tokenizer, time);

    /// <param name="model">A model's folder or file.</param>
    /// <exception cref="UserError">The model's template cannot be read or understood.</exception>
    public static ChatLayout Of(string model, LlamaConfig config, Tokenizer tokenizer, TimeProvider time) =>
        new(ChatTemplateFile.Read(model) is { } source ? ChatTemplate.Parse(source, model) : null, model, config, tokenizer, time);

    /// <summary>The tokens of a conversation up to where the model is to answer.</summary>
    /// <param name="messages">A list of objects with role and content, as OpenAI's API has them; parts of text are joined.</param>
    /// <param name="tools">What the model may call, or null.</param>
    /// <param name="others">Further variables for the template, such as enable_thinking; an object, or null.</param>
    /// <exception cref="UserError">The conversation is none, or the template refuses it.</exception>
    public int[] Prompt(JsonElement messages, JsonElement? tools = null, JsonElement? others = null) => _tokenizer.Encode(Text(messages, tools, others), addSpecial: !HasTemplate);

    /// <summary>The same as text; a template spells its special tokens out.</summary>
    /// <inheritdoc cref="Prompt"/>
    public string Text(JsonElement messages, JsonElement? tools = null, JsonElement? others = null)
    {
        JsonArray flat = Flatten(messages);
        if (_template is null)
        {
            return string.Join('\n', flat.Select(m => m!["content"]?.GetValue<string>() ?? ""));
        }

        JsonObject variables = new() { ["messages"] = flat, ["add_generation_prompt"] = true, ["bos_token"] = _begin, ["eos_token"] = _end };
        if (tools is { ValueKind: JsonValueKind.Array } list)
        {
            variables["tools"] = JsonNode.Parse(list.GetRawText());
        }

        if (others is { ValueKind: JsonValueKind.Object } more)
        {
            foreach (JsonProperty field in more.EnumerateObject())
            {
                variables[field.Name] = JsonNode.Parse(field.Value.GetRawText());
            }
        }

        return _template.Render(JsonSerializer.SerializeToElement(variables), _time);
    }

    /// <summary>Messages whose contents are texts.</summary>
    JsonArray Flatten(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw new UserError("messages is no list, or an empty one", _where, "Give at least one message with a role and a content.");
        }

        JsonArray flat = [];
        int i = 0;
        foreach (JsonElement message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("role", out JsonElement role) || role.ValueKind != JsonValueKind.String)
            {
                throw new UserError($"messages[{i}] has no role", _where, "A message is an object with a role and a content.");
            }

            JsonObject copy = JsonNode.Parse(message.GetRawText())!.AsObject();
            if (role.GetString() == "developer")
            {
                copy["role"] = "system";
            }

            if (message.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.Array)
            {
                copy["content"] = string.Concat(content.EnumerateArray().Select(p => Part(p, i)));
            }
            else if (content.ValueKind is not (JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Undefined))
            {
                throw new UserError($"messages[{i}].content is neither text nor a list of parts", _where, "Give the content as text.");
            }

            flat.Add(copy);
            i++;
        }

        return flat;
    }

    string Part(JsonElement part, int message) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.GetString() == "text" && part.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw new UserError($"messages[{message}].content holds a part that is no text", _where, "This model reads text only.");
}
