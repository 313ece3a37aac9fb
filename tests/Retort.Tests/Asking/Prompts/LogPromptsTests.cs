using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking.Prompts;

/// <summary>Logs that people already have, each recognised by what it holds.</summary>
public sealed class LogPromptsTests : IDisposable
{
    /// <summary>A question that was changed, an answer around a tool, a picture; and a conversation with neither.</summary>
    internal const string ChatGpt = """
        [
          {"title": "rivers", "current_node": "g", "mapping": {
            "root": {"id": "root", "message": null, "parent": null, "children": ["s"]},
            "s": {"message": {"author": {"role": "system"}, "content": {"content_type": "text", "parts": [""]}, "metadata": {"is_visually_hidden_from_conversation": true}}, "parent": "root", "children": ["x", "a"]},
            "x": {"message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["given up"]}}, "parent": "s"},
            "a": {"message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Which river?"]}, "recipient": "all"}, "parent": "s"},
            "b": {"message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["Let me look."]}, "recipient": "all"}, "parent": "a"},
            "t": {"message": {"author": {"role": "assistant"}, "content": {"content_type": "code", "text": "search()"}, "recipient": "browser"}, "parent": "b"},
            "u": {"message": {"author": {"role": "tool", "name": "browser"}, "content": {"content_type": "tether_browsing_display", "result": "…"}}, "parent": "t"},
            "c": {"message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["The Elbe."]}}, "parent": "u"},
            "d": {"message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["How long?"]}}, "parent": "c"},
            "e": {"message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["1,094 km."]}}, "parent": "d"},
            "f": {"message": {"author": {"role": "user"}, "content": {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "And this?"]}}, "parent": "e"},
            "g": {"message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["A lake."]}}, "parent": "f"}}},
          {"title": "loop", "current_node": "a", "mapping": {"a": {"message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Hello"]}}, "parent": "a"}}}
        ]
        """;

    internal const string Langfuse = """
        [
          {"id": "1", "type": "SPAN", "input": "Once", "output": "upon", "metadata": {}},
          {"id": "2", "traceId": "t", "type": "GENERATION", "input": "Once", "output": "upon", "metadata": {}},
          {"id": "3", "type": "GENERATION", "input": [{"role": "system", "content": "s"}, {"role": "user", "content": "b"}], "output": {"role": "assistant", "content": "c"}},
          {"id": "4", "type": "GENERATION", "input": {"messages": [{"role": "user", "content": "d"}], "tools": []}, "output": null},
          {"id": "5", "type": "GENERATION", "input": "[{\"role\": \"user\", \"content\": \"e\"}]", "output": null},
          {"id": "6", "type": "GENERATION", "input": {"question": "f"}, "output": null},
          {"id": "7", "type": "GENERATION", "input": null, "output": null}
        ]
        """;

    internal const string Capture = """
        {"request": {"url": "/v1/chat/completions", "body": {"model": "m", "messages": [{"role": "user", "content": "a"}]}}, "response": {"status": 200, "body": {"choices": []}}}
        {"request": {"model": "m", "messages": [{"role": "user", "content": "b"}]}, "response": {"choices": []}}
        {"id": "x", "call_type": "acompletion", "messages": [{"role": "user", "content": "c"}], "response": "d"}
        {"kwargs": {"messages": [{"role": "user", "content": "d"}]}, "response_obj": {}}
        {"request_body": "{\"messages\": [{\"role\": \"user\", \"content\": \"e\"}]}"}
        {"custom_id": "1", "method": "POST", "url": "/v1/messages", "body": {"system": "s", "messages": [{"role": "user", "content": [{"type": "text", "text": "f"}]}]}}
        {"request": {"body": {"input": "g", "instructions": "i"}}}
        {"request": {"body": {"model": "embed", "input": ["a", "b"]}}}
        {"request": {"body": {"messages": [{"role": "user", "content": "h"}
        """;

    internal const string Har = """
        {"log": {"version": "1.2", "entries": [
          {"request": {"method": "GET", "url": "https://example.com/"}, "response": {"status": 200}},
          {"request": {"method": "POST", "url": "https://example.com/v1/chat/completions", "postData": {"mimeType": "application/json", "text": "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}"}}},
          {"request": {"method": "POST", "url": "https://example.com/backend/conversation", "postData": {"text": "{\"messages\": [{\"author\": {\"role\": \"user\"}, \"content\": {\"content_type\": \"text\", \"parts\": [\"b\"]}}]}"}}},
          {"request": {"method": "POST", "url": "https://example.com/events", "postData": {"text": "a=b"}}}]}}
        """;

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    PromptFile Read(string text, string name = "log.json", PromptFormat? format = null) => PromptFile.Read(_scratch.Write(name, text), new(Format: format));

    static string Said(Prompt prompt) => string.Join(" | ", prompt.Turns.Select(t => $"{t.Role}: {t.Text}"));

    [Fact]
    public void AChatGptExportGivesEveryTextOfItsUserWithWhatWasSaidBefore()
    {
        PromptFile file = Read(ChatGpt);
        Assert.Equal(PromptFormat.ChatGpt, file.Format);
        Assert.Equal(
            ["user: Which river?", "user: Which river? | assistant: Let me look.\n\nThe Elbe. | user: How long?", "user: Hello"], file.Prompts.Select(Said));
        Assert.All(file.Prompts, p => Assert.Null(p.Gold));
        Assert.Equal(["log.json, line 2, item 1", "log.json, line 2, item 1", "log.json, line 15, item 2"], file.Prompts.Select(p => Path.GetFileName(p.Where)));
        Assert.Equal("an image or a file stands in or before it", Assert.Single(file.Without).Why);
    }

    [Theory]
    [InlineData("log.json", false)]
    [InlineData("log.jsonl", true)]
    public void ALangfuseExportGivesWhatModelsWereGiven(string name, bool lines)
    {
        string text = lines ? string.Join('\n', Langfuse.Split('\n')[1..^1].Select(l => l.Trim().TrimEnd(','))) : Langfuse;
        PromptFile file = Read(text, name);
        Assert.Equal(PromptFormat.Langfuse, file.Format);
        Assert.Equal(["user: Once", "system: s | user: b", "user: d", "user: e"], file.Prompts.Select(Said));
        Assert.All(file.Prompts, p => Assert.Null(p.Gold));
        Assert.Equal(["an observation that is no generation", ModelInput.None, ModelInput.None], file.Without.Select(w => w.Why));
    }

    [Theory]
    [InlineData("{\"data\": [{\"type\": \"GENERATION\", \"input\": \"a\"}], \"meta\": {\"page\": 1}}", "log.json")]
    [InlineData("{\"id\": \"t\", \"input\": \"x\",\n \"observations\": [{\"type\": \"GENERATION\", \"input\": {\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}}]}", "trace.json")]
    [InlineData("id,type,input,output\n1,SPAN,b,\n2,GENERATION,\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"a\"\"}]\",c\n", "log.csv")]
    [InlineData("id,trace_id,input\n1,2,\"\"\"a\"\"\"\n", "log.csv")]
    [InlineData("id,trace_id,input\n1,2,a\n", "log.csv")]
    public void LangfuseHasOtherWrappings(string text, string name)
    {
        PromptFile file = Read(text, name);
        Assert.Equal((PromptFormat.Langfuse, "user: a"), (file.Format, Said(Assert.Single(file.Prompts))));
    }

    [Fact]
    public void ACaptureOfAGatewayIsReadWhereverItKeepsBodies()
    {
        PromptFile file = Read(Capture, "log.jsonl");
        Assert.Equal(PromptFormat.Capture, file.Format);
        Assert.Equal(["user: a", "user: b", "user: c", "user: d", "user: e", "system: s | user: f", "system: i | user: g"], file.Prompts.Select(Said));
        Assert.Equal([(ModelInput.None, 8), ("the line is no JSON", 9)], file.Without.Select(w => (w.Why, int.Parse(w.Where.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnHttpArchiveGivesThePostedMessages(bool oneLine)
    {
        PromptFile file = Read(oneLine ? Har.ReplaceLineEndings("") : Har, "log.har");
        Assert.Equal(PromptFormat.Har, file.Format);
        Assert.Equal(["user: a", "user: b"], file.Prompts.Select(Said));
        Assert.Equal(["a request without a body", ModelInput.None], file.Without.Select(w => w.Why));
    }

    /// <summary>What it is can be said; and what holds no prompt at all is refused with the reason.</summary>
    [Fact]
    public void TheFormatCanBeSaid()
    {
        Assert.Equal(["user: {a", "user: b"], Read("{a\nb", format: PromptFormat.Text).Prompts.Select(Said));
        UserError error = Assert.Throws<UserError>(() => Read("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}", format: PromptFormat.Langfuse));
        Assert.Contains("taken for a Langfuse export, holds no prompts: there is no input", error.Message, StringComparison.Ordinal);
        Assert.Contains("line 2", Assert.Throws<UserError>(() => Read("[{\"mapping\": {}},\n {\"mapping\": ")).Message, StringComparison.Ordinal);
    }
}
