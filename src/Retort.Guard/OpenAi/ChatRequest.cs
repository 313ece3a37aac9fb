using System.Text.Json;
using Retort.Model.Grammars;
using Retort.Model.Llama;

namespace Retort.Guard.OpenAi;

/// <summary>POST /v1/chat/completions.</summary>
/// <param name="Messages">As sent.</param>
/// <param name="Template">chat_template_kwargs: further variables for the model's template.</param>
/// <param name="Probabilities">How many likely tokens beside each; null for none at all.</param>
/// <param name="Form">Null where the request says nothing of it.</param>
sealed record ChatRequest(AnswerOptions Options, JsonElement Messages, JsonElement? Template, int? Probabilities, AnswerForm? Form)
{
    /// <exception cref="RequestException">A field is missing, of the wrong kind, out of range or unknown.</exception>
    public static ChatRequest Parse(ReadOnlyMemory<byte> body, int mostTokens, GenerationDefaults defaults)
    {
        RequestFields fields = RequestFields.Parse(body);
        AnswerOptions options = AnswerOptions.Read(fields, mostTokens, defaults);
        fields.Only("tools", v => v.ValueKind == JsonValueKind.Array && v.GetArrayLength() == 0);
        fields.Only("functions", v => v.ValueKind == JsonValueKind.Array && v.GetArrayLength() == 0);
        fields.Only("store", v => v.ValueKind == JsonValueKind.False);
        fields.Only("modalities", v => v.ValueKind == JsonValueKind.Array && v.EnumerateArray().All(m => m.ValueKind == JsonValueKind.String && m.GetString() == "text"));
        fields.Passed("tool_choice", "function_call", "parallel_tool_calls");
        int? top = fields.Whole("top_logprobs", 0, 20);
        bool logprobs = fields.Flag("logprobs");
        if (top is not null && !logprobs)
        {
            throw RequestFields.Fault("top_logprobs", "needs logprobs to be true");
        }

        ChatRequest request = new(
            options,
            fields.Get("messages") ?? throw RequestFields.Fault("messages", "is required"),
            fields.Get("chat_template_kwargs"),
            logprobs ? top ?? 0 : null,
            ReadForm(fields));
        fields.End();
        return request;
    }

    static AnswerForm? ReadForm(RequestFields fields)
    {
        string[] choices = fields.Texts("guided_choice", 4096);
        if (fields.Get("response_format") is not { } format)
        {
            return choices.Length > 0 ? new AnswerForm.Labels(choices) : null;
        }

        string? type = format.ValueKind == JsonValueKind.Object && format.TryGetProperty("type", out JsonElement t) && t.ValueKind == JsonValueKind.String ? t.GetString() : null;
        return type switch
        {
            "text" => new AnswerForm.Free(),
            "json_object" => new AnswerForm.AnyJson(),
            "json_schema" => format.TryGetProperty("json_schema", out JsonElement named) && named.ValueKind == JsonValueKind.Object && named.TryGetProperty("schema", out JsonElement schema)
                ? new AnswerForm.Schema(schema.Clone())
                : throw RequestFields.Fault("response_format.json_schema.schema", "is required"),
            "labels" => format.TryGetProperty("labels", out JsonElement labels) && labels.ValueKind == JsonValueKind.Array && labels.EnumerateArray().All(l => l.ValueKind == JsonValueKind.String)
                ? new AnswerForm.Labels([.. labels.EnumerateArray().Select(l => l.GetString()!)])
                : throw RequestFields.Fault("response_format.labels", "must be a list of texts"),
            _ => throw RequestFields.Fault("response_format.type", "must be text, json_object, json_schema or labels"),
        };
    }
}
