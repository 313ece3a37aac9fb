using System.Buffers;
using System.Text;
using System.Text.Json;
using Retort.Guard.Answers;
using Retort.Guard.Hardening;
using Retort.Tests.Guard.Answers;

namespace Retort.Tests.Guard.Hardening;

public class AnswerFilterTests
{
    static readonly AnswerRules s_plain = new(IsResponses: false, IsStream: false, HasLogprobs: true, Decimals: 3, KeepsReasoning: false);

    static string Pass(string json, AnswerRules? rules = null, AnswerFacts? facts = null)
    {
        ArrayBufferWriter<byte> to = new();
        Assert.True(AnswerFilter.Pass(Encoding.UTF8.GetBytes(json), rules ?? s_plain, facts ?? new(), to));
        return Encoding.UTF8.GetString(to.WrittenSpan);
    }

    [Theory]
    [InlineData("""{"id":"a","x":1,"model":"m"}""", """{"id":"a","model":"m"}""")]
    [InlineData("""{"x":[{"y":1}],"id":"a"}""", """{"id":"a"}""")]
    [InlineData("""{"id":"a", "x":1 }""", """{"id":"a"}""")]
    [InlineData("""{"x":1,"y":2}""", "{}")]
    [InlineData("""{ "id" : "a" , "x" : 1 , "y" : 2 , "model" : "m" }""", """{ "id" : "a","model" : "m" }""")]
    [InlineData("""{"choices":[{"index":0,"z":1,"message":{"content":"a","z":{}},"finish_reason":"stop"},{"z":1}]}""", """{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"},{}]}""")]
    [InlineData("""{"m\u006fdel":"x","id":"a"}""", """{"id":"a"}""")]
    public void UnknownFieldsGo(string json, string passed)
    {
        AnswerFacts facts = new();
        Assert.Equal(passed, Pass(json, facts: facts));
        Assert.True(facts.Dropped > 0);
    }

    [Theory]
    [InlineData("""{"choices":[{"message":{"content":"a","reasoning_content":"secret"}}]}""", """{"choices":[{"message":{"content":"a"}}]}""")]
    [InlineData("""{"choices":[{"delta":{"reasoning":"secret","content":"a"}}]}""", """{"choices":[{"delta":{"content":"a"}}]}""")]
    [InlineData("""{"choices":[{"delta":{"thinking":"secret"},"reasoning":1}]}""", """{"choices":[{"delta":{}}]}""")]
    public void ReasoningGoesOrStays(string json, string without)
    {
        Assert.Equal(without, Pass(json));
        Assert.Equal(json, Pass(json, s_plain with { KeepsReasoning = true }));
    }

    [Theory]
    [InlineData("-0.12345", "-0.123")]
    [InlineData("-0.1239", "-0.124")]
    [InlineData("-0.5", "-0.5")]
    [InlineData("-1.25e-1", "-0.125")]
    [InlineData("-1e-7", "-0.000")]
    [InlineData("-9999.0", "-9999.0")]
    [InlineData("0", "0")]
    public void LogprobsAreRounded(string given, string rounded)
    {
        const string Json = """{"choices":[{"logprobs":{"content":[{"token":"a","logprob":NUMBER,"bytes":[1,2],"top_logprobs":[{"token":"b","logprob":NUMBER,"bytes":null}]}],"refusal":null}},{"logprobs":{"tokens":["a"],"token_logprobs":[NUMBER],"top_logprobs":[{"a":NUMBER}],"text_offset":[12]}}]}""";
        Assert.Equal(Json.Replace("NUMBER", rounded, StringComparison.Ordinal), Pass(Json.Replace("NUMBER", given, StringComparison.Ordinal)));
    }

    [Fact]
    public void LogprobsThatNobodyAskedForGo() =>
        Assert.Equal("""{"choices":[{"logprobs":null,"index":0}]}""", Pass("""{"choices":[{"logprobs":{"content":[]},"index":0}]}""", s_plain with { HasLogprobs = false }));

    [Fact]
    public void WhatWasUsedAndHandedOutIsSeen()
    {
        AnswerFacts facts = new();
        Pass(FakeUpstream.Whole, facts: facts);
        Assert.Equal((7L, 3L, "m"), (facts.PromptTokens!.Value, facts.AnswerTokens!.Value, facts.Model));
        Assert.True(facts.TextBytes >= 3);
        Pass(FakeUpstream.Usage(1, 2), facts: facts);
        Assert.True(facts.IsUsageAlone);
        Pass("""{"error":{"message":"x"}}""", facts: facts);
        Assert.True(facts.IsError && !facts.IsUsageAlone);
    }

    [Fact]
    public void ResponsesKeepTheirPlacesWithoutReasoning()
    {
        AnswerRules rules = s_plain with { IsResponses = true };
        AnswerFacts facts = new();
        Assert.Equal(
            """{"id":"r","output":[{"type":"reasoning","summary":[]},{"type":"message","content":[{"type":"output_text","text":"a","logprobs":[{"logprob":-0.123}]}]}],"usage":{"input_tokens":4,"output_tokens":5}}""",
            Pass("""{"id":"r","output":[{"id":"x","type":"reasoning","summary":[{"type":"summary_text","text":"secret"}],"encrypted_content":"secret"},{"type":"message","content":[{"type":"output_text","text":"a","logprobs":[{"logprob":-0.1234}]}]}],"usage":{"input_tokens":4,"output_tokens":5}}""", rules, facts));
        Assert.Equal((4L, 5L), (facts.PromptTokens!.Value, facts.AnswerTokens!.Value));
        Pass("""{"type":"response.reasoning_text.delta","delta":"secret"}""", rules, facts);
        Assert.True(facts.IsReasoning);
        Pass("""{"type":"response.completed","response":{"usage":{"input_tokens":8,"output_tokens":9}}}""", rules, facts);
        Assert.Equal((8L, 9L, false), (facts.PromptTokens!.Value, facts.AnswerTokens!.Value, facts.IsReasoning));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"id\":")]
    [InlineData("[DONE]")]
    public void WhatIsNoObjectIsSaidSo(string json) => Assert.False(AnswerFilter.Pass(Encoding.UTF8.GetBytes(json), s_plain, new(), new ArrayBufferWriter<byte>()));

    /// <summary>Whatever a service answers, what is passed on of it is JSON, or it is said to be none.</summary>
    [Fact]
    public void DamagedAnswers()
    {
        string[] whole =
        [
            """{"id":"a","x":1,"choices":[{"index":0,"y":{"z":1},"message":{"role":"assistant","content":"a","reasoning":"b"},"logprobs":{"content":[{"token":"a","logprob":-0.12345,"bytes":[1]}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}""",
            """{"type":"response.completed","response":{"id":"r","output":[{"type":"reasoning","text":"x"},{"type":"message","content":[{"type":"output_text","text":"a","logprobs":[{"logprob":-1.23456}]}]}],"q":1}}""",
        ];
        Random random = new(6);
        int passed = 0;
        for (int i = 0; i < 40_000; i++)
        {
            byte[] json = Encoding.UTF8.GetBytes(whole[i % 2]);
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                json[random.Next(json.Length)] = (byte)"{}[]\",:\\u01eE-.ab"[random.Next(17)];
            }

            ArrayBufferWriter<byte> to = new();
            if (AnswerFilter.Pass(json, s_plain with { IsResponses = i % 2 == 1 }, new(), to))
            {
                using JsonDocument _ = JsonDocument.Parse(to.WrittenMemory);
                passed++;
            }
        }

        Assert.InRange(passed, 1000, 39_000);
    }

    [Fact]
    public void APartAllocatesNothing()
    {
        byte[] plain = Encoding.UTF8.GetBytes(FakeUpstream.Chunk("word")), changed = """{"id":"a","x":1,"model":"m","choices":[{"index":0,"delta":{"content":"w","reasoning":"r"},"logprobs":{"content":[{"token":"w","logprob":-0.123456,"bytes":[1]}]},"finish_reason":null}]}"""u8.ToArray();
        AnswerFacts facts = new();
        using PooledBytes to = new();
        AnswerRules rules = s_plain with { IsStream = true };
        Run(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(10_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                to.Clear();
                AnswerFilter.Pass(i % 2 == 0 ? plain : changed, rules, facts, to);
            }
        }
    }
}
