using System.Text;
using Retort.Guard.Detector;

namespace Retort.Tests.Guard.Detector;

public sealed class SeenBodyTests
{
    static SeenRequest? Read(string json)
    {
        byte[] body = Encoding.UTF8.GetBytes(json);
        return SeenBody.Read(new(7, "chat/completions", 5, new(1, 2, 3), body, body.Length));
    }

    [Fact]
    public void TheLastQuestionOfAConversationIsWhatIsAsked()
    {
        SeenRequest seen = Read("""{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"one"},{"role":"assistant","content":"two"},{"role":"user","content":[{"type":"text","text":"three"},{"type":"text","text":"four"}]}],"logprobs":true}""")!;
        Assert.Equal((7, 5, "three\nfour", 3, true), (seen.Account, seen.At, seen.Prompt, seen.Shape.Turns, seen.Shape.AsksProbabilities));
        Assert.NotEqual(0UL, seen.Shape.System);
        Assert.Equal(new RequestOrigin(1, 2, 3), seen.Origin);
    }

    [Theory]
    [InlineData("""{"prompt":"a text"}""", "a text")]
    [InlineData("""{"prompt":["one","two"]}""", "one\ntwo")]
    [InlineData("""{"input":"a text","instructions":"be kind"}""", "a text")]
    [InlineData("""{"input":["one","two"]}""", "one\ntwo")]
    [InlineData("""{"input":[{"role":"user","content":"asked"}]}""", "asked")]
    public void EveryRouteHasItsField(string json, string prompt) => Assert.Equal(prompt, Read(json)!.Prompt);

    [Theory]
    [InlineData("""{"prompt":[1,2,3]}""")]
    [InlineData("""{"messages":[]}""")]
    [InlineData("""{"messages":[{"role":"assistant","content":"x"}]}""")]
    [InlineData("""{"model":"m"}""")]
    public void WhatHoldsNoTextIsLeftOut(string json) => Assert.Null(Read(json));

    [Fact]
    public void SettingsAndToolsAreToldApartWhateverIsAsked()
    {
        RequestShape one = Read("""{"messages":[{"role":"user","content":"a"}],"temperature":0.7,"tools":[{"type":"function"}]}""")!.Shape, same = Read("""{"tools":[{"type":"function"}],"temperature":0.7,"messages":[{"role":"user","content":"b"}]}""")!.Shape;
        Assert.Equal(one, same);
        Assert.NotEqual(one.Parameters, Read("""{"messages":[{"role":"user","content":"a"}],"temperature":0.8}""")!.Shape.Parameters);
        Assert.NotEqual(one.System, Read("""{"messages":[{"role":"user","content":"a"}],"temperature":0.7}""")!.Shape.System);
    }
}
