using System.Text;
using System.Text.Json;
using Retort.Guard;
using Retort.Model.Files;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using Retort.Tests.Model.Files;
using Retort.Tests.Model.Llama;

namespace Retort.Tests.Guard;

/// <summary>A student that answers where it is sure, with its teacher behind it.</summary>
public sealed class CascadeTests : IDisposable
{
    static readonly HttpClient s_http = new();
    static readonly string[] s_prompts = [.. Enumerable.Range(0, 40).Select(i => $"the {i}th girl named Lily number {i * i}")];

    readonly Scratch _same = new();
    readonly Scratch _other = new();

    public CascadeTests()
    {
        GuardWorld.Folder(_same.Folder, template: true, context: 256);
        GuardWorld.Folder(_other.Folder, template: true, context: 256);
        OpenModel model = ModelReference.Open(_other.Folder);
        Tokenizer words = Tokenizer.Open(model.TokenizerPath!);
        LlamaWeights different = SmallModels.Random(LlamaFamily.Llama, words.VocabularySize, 256, seed: 9);
        foreach ((WeightSlice from, WeightSlice to) in different.Slices().Zip(model.Weights.Slices()))
        {
            from.Span.CopyTo(to.Span);
        }

        ModelFolder.Write(_other.Folder, model.Weights, NumberType.F32);
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _same.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task ATwinOfTheTeacherAnswersEverything()
    {
        using Voice student = Open(_same, "student"), teacher = Open(_same, "teacher");
        int done = 0;
        CascadeFacts facts = await Cascade.Calibrate(student, teacher, s_prompts, agree: 1, mostTokens: 8, (n, _) => done = n, TimeProvider.System, Stop);
        Assert.Equal((40, 20, 1.0, 1.0), (done, facts.Prompts, facts.Share, facts.Agreement));
        Assert.Equal(20 / (20 + (1.6448536269514722 * 1.6448536269514722)), facts.AgreementLow, 1e-9);
        Assert.True(facts.Threshold is > 0 and < 1 && facts.Cost > 0 && facts.Seconds == facts.StudentSeconds);
    }

    [Fact]
    public async Task AStrangerAnswersNothing()
    {
        using Voice student = Open(_same, "student"), teacher = Open(_other, "teacher");
        CascadeFacts facts = await Cascade.Calibrate(student, teacher, s_prompts, agree: 0.98, mostTokens: 8, (_, _) => { }, TimeProvider.System, Stop);
        Assert.Equal((double.PositiveInfinity, 0.0, 1.0), (facts.Threshold, facts.Share, facts.Overall));
        Assert.Contains("20", (await Assert.ThrowsAsync<UserError>(() => Cascade.Calibrate(student, teacher, s_prompts[..19], 0.98, 8, (_, _) => { }, TimeProvider.System, Stop))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "student")]
    [InlineData(1, "teacher")]
    public async Task WhoAnswersIsSaid(double threshold, string name)
    {
        await using GuardHost host = await GuardHost.Start(Open(_same, "student"), Open(_other, "teacher"), threshold, new("both", "http://127.0.0.1:0", 1, 512), TimeProvider.System);
        await using GuardHost alone = await GuardHost.Start(InferenceModel.Open(name == "student" ? _same.Folder : _other.Folder), new("both", "http://127.0.0.1:0", 1, 512), TimeProvider.System);
        foreach (bool stream in (bool[])[false, true])
        {
            (string? by, string text) = await Ask(host, stream);
            string expected = (await Ask(alone, stream)).Text;
            Assert.Equal(name, by);
            Assert.Equal(expected, text);
        }
    }

    /// <summary>An answer's probability falls with every token, and one without tokens is not sure of anything.</summary>
    [Fact]
    public void ConfidenceIsTheAnswersProbability()
    {
        AnswerConfidence sure = default, nothing = default;
        Assert.Equal([1, 0.5, 0.5, 0.125, 0.125], new AnswerPart[] { new("", null, [], null), Token(0.5), new("b", null, [], null), Token(0.25), new("", null, [], "stop") }.Select(p => Math.Round(sure.Add(p), 6)));
        Assert.Equal(0, nothing.Add(new("", null, [], "length")));
        static AnswerPart Token(double p) => new("a", new(1, (float)Math.Log(p)), [], null);
    }

    /// <summary>The student stops at the token that takes it below the threshold: its place is free while the teacher still writes.</summary>
    [Fact]
    public async Task AStudentThatIsNotSureStopsAtOnce()
    {
        using Scratch folder = new();
        GuardWorld.Folder(folder.Folder, template: true, context: 65536);
        Voice student = Open(folder, "student", 65536), teacher = Open(folder, "teacher", 65536);
        await using GuardHost host = await GuardHost.Start(student, teacher, 0.99, new("both", "http://127.0.0.1:0", 1, 65536, Grace: TimeSpan.Zero), TimeProvider.System);
        using HttpRequestMessage request = new(HttpMethod.Post, host.Addresses[0] + "/v1/completions") { Content = new StringContent("""{"prompt":"the girl","max_tokens":60000,"temperature":0,"stream":true}""", Encoding.UTF8, "application/json") };
        using HttpResponseMessage response = await s_http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal("teacher", response.Headers.GetValues("x-retort-answered-by").Single());
        while (student.Service.Running > 0)
        {
            Assert.True(teacher.Service.Running > 0, "the teacher ended before the student stopped");
        }
    }

    static Voice Open(Scratch folder, string name, int cache = 512) => Voice.Of(InferenceModel.Open(folder.Folder), name, new(1, cache, 2), 4, TimeProvider.System);

    static async Task<(string? By, string Text)> Ask(GuardHost host, bool stream)
    {
        using HttpResponseMessage response = await s_http.PostAsync(
            host.Addresses[0] + "/v1/chat/completions",
            new StringContent(JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = "the girl" } }, max_tokens = 12, temperature = 0, stream }), Encoding.UTF8, "application/json"), Stop);
        string body = await response.Content.ReadAsStringAsync(Stop);
        string text = stream
            ? string.Concat(body.Split("\n\n").Where(p => p.StartsWith("data: {", StringComparison.Ordinal)).Select(p => JsonElement.Parse(p[6..]).GetProperty("choices")[0].GetProperty("delta")).Select(d => d.TryGetProperty("content", out JsonElement c) ? c.GetString() : ""))
            : JsonElement.Parse(body).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        return (response.Headers.TryGetValues("x-retort-answered-by", out IEnumerable<string>? by) ? by.Single() : null, text);
    }
}
