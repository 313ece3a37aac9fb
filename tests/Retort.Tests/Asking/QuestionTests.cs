using System.Text;
using Retort.Asking;

namespace Retort.Tests.Asking;

public class QuestionTests
{
    static readonly Endpoint s_endpoint = new("https://api.example.com/v1", "small");

    static Question Of(AskParameters parameters, params Turn[] turns) => new(s_endpoint, turns, parameters);

    /// <summary>What a stored answer is found by must never change: this is the body, byte for byte, and its hash.</summary>
    [Fact]
    public void TheBodyAndItsHashStayAsTheyAre()
    {
        Question question = Of(
            new(MaxTokens: 300, Temperature: 0.7, TopP: 0.9, Count: 2, Seed: 5, Stop: ["\n"], Schema: """{"type":"object"}""", TopLogProbabilities: 5), new("system", "Be brief."), new("user", "Wer? \"é\""));
        Assert.Equal(
            """{"model":"small","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Wer? \u0022\u00E9\u0022"}],"max_tokens":300,"temperature":0.7,"top_p":0.9,"n":2,"seed":5,"stop":["\n"],"response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":{"type":"object"}}},"logprobs":true,"top_logprobs":5}""",
            Encoding.UTF8.GetString(question.Body()));
        Assert.Equal("3B57B951", Convert.ToHexString(question.Key())[..8]);
    }

    [Fact]
    public void WhatIsLeftOutIsNotSent() => Assert.Equal("""{"model":"small","messages":[{"role":"user","content":"a"}]}""", Encoding.UTF8.GetString(Of(new(), new Turn("user", "a")).Body()));

    /// <summary>Each of these makes another question.</summary>
    [Fact]
    public void EveryPartCounts()
    {
        Turn turn = new("user", "a");
        Question[] different =
        [
            Of(new(), turn), Of(new(), new Turn("user", "b")), Of(new(), new Turn("assistant", "a")), Of(new(), turn, turn), Of(new(MaxTokens: 1), turn), Of(new(Temperature: 1), turn), Of(new(TopP: 1), turn), Of(new(Count: 2), turn),
            Of(new(Seed: 1), turn), Of(new(Stop: ["a"]), turn), Of(new(Schema: "{}"), turn), Of(new(TopLogProbabilities: 0), turn), Of(new(TopLogProbabilities: 1), turn),
            new(s_endpoint with { Model = "large" }, [turn], new()), new(s_endpoint with { Address = "https://api.example.org/v1" }, [turn], new()),
        ];
        Assert.Equal(different.Length, different.Select(q => Convert.ToHexString(q.Key())).Distinct().Count());
    }
}
