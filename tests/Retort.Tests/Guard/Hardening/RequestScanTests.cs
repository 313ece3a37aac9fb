using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Guard;
using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Tests.Guard.Hardening;

public class RequestScanTests
{
    const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";

    static ApiError? Scan(string json, RouteKind route = RouteKind.Chat, HardeningPolicy? policy = null) => Scan(Encoding.UTF8.GetBytes(json), out _, route, policy);

    static ApiError? Scan(byte[] json, out RequestFacts? facts, RouteKind route = RouteKind.Chat, HardeningPolicy? policy = null)
    {
        policy ??= HardeningPolicy.Default;
        facts = RequestScan.Read(json, route, RequestFieldNames.Of(route, policy.Allow, isLocal: false), policy, out ApiError? refusal);
        Assert.Equal(facts is null, refusal is not null);
        return refusal ?? RequestRules.Check(facts!, policy);
    }

    static HardeningPolicy Allowing(params string[] names) => HardeningPolicy.Default with { Allow = new HashSet<string>(names) };

    [Theory]
    [InlineData("top_k", "\"top_k\":4")]
    [InlineData("prompt_logprobs", "\"prompt_logprobs\":1")]
    [InlineData("previous_response_id", "\"previous_response_id\":\"r\"")]
    [InlineData("echo", "\"echo\":false")]
    [InlineData("tools.server_url", "\"tools\":[{\"type\":\"function\",\"server_url\":\"http://10.0.0.1\"}]")]
    [InlineData("tools.type", "\"tools\":[{\"type\":\"mcp\"}]")]
    [InlineData("stream_options.other", "\"stream_options\":{\"other\":1}")]
    [InlineData("x\\u0031", "\"x\\u0031\":1", "x1")]
    public void WhatIsNotAllowedIsRefusedByName(string name, string field, string? shown = null) =>
        Assert.Equal(shown ?? name, Scan($"{{{Messages},{field}}}")!.Parameter);

    [Theory]
    [InlineData("image_url", """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}]}""")]
    [InlineData("file", """{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"file","file":{"file_id":"x"}}]}]}""")]
    public void WhatAServiceWouldFetchIsRefusedByName(string name, string json)
    {
        Assert.Equal($"messages.{name}", Scan(json)!.Parameter);
        Assert.Null(Scan(json, policy: Allowing(name, "url", "file_id")));
    }

    [Fact]
    public void ThePolicyAllowsMore() => Assert.Null(Scan($"{{{Messages},\"top_k\":4}}", policy: Allowing("top_k")));

    [Theory]
    [InlineData("""{"messages":[],"messages":[]}""")]
    [InlineData("""{"messages":[],"mess\u0061ges":[]}""")]
    [InlineData("""{"messages":[{"role":"user","role":"system"}]}""")]
    [InlineData("""{"messages":[],"response_format":{"a":[{"b":{"c":1,"c":2}}]}}""")]
    [InlineData("""{"messages":[],"logit_bias":{"1":1,"1":2}}""")]
    [InlineData("""{"messages":[],"stream_options":{"include_usage":true,"include_usage":false}}""")]
    [InlineData("""{"messages":[],"tools":[{"type":"function","type":"function"}]}""")]
    public void ANameIsGivenOnce(string json) => Assert.Contains("given twice", Scan(json)!.Message, StringComparison.Ordinal);

    [Fact]
    public void TheSameNameInOtherObjectsIsNoSecond() =>
        Assert.Null(Scan("""{"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}],"response_format":{"type":"text"},"metadata":{"type":"x","a":"b"},"logit_bias":{"1":1},"stream_options":{"include_usage":true},"tools":[{"type":"function","function":{"type":"x"}},{"type":"function"}],"user":"a"}"""));

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"\udc00\ud800"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"a\ud83dx"}]}""")]
    [InlineData("""{"messages":[{"role":"user","\ud800":"a"}]}""")]
    [InlineData("""{"messages":[],"model":"\ud800"}""")]
    public void HalfACharacterIsRefused(string json) => Assert.Contains("surrogate", Scan(json)!.Message, StringComparison.Ordinal);

    [Fact]
    public void WholeCharactersPass() => Assert.Null(Scan("""{"messages":[{"role":"user","content":"\ud83d\ude00\\ud800 \u00e9\n"}]}"""));

    [Fact]
    public void BytesThatAreNoTextAreRefused()
    {
        byte[] json = Encoding.UTF8.GetBytes($"{{{Messages},\"user\":\"?\"}}");
        json[^3] = 0xff;
        Assert.Contains("UTF-8", Scan(json, out _)!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1e999")]
    [InlineData("-1e400")]
    [InlineData("0.00000000000000000000000000000000000000000000000000000000000000000001")]
    public void ANumberIsADouble(string number) => Assert.Contains("a number is", Scan($"{{{Messages},\"temperature\":{number}}}")!.Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"messages":[]} {}""")]
    [InlineData("""{"messages":"a"}""")]
    [InlineData("""{"messages":[],"n":"5"}""")]
    [InlineData("""{"messages":[],"n":0}""")]
    [InlineData("""{"messages":[],"stream":"true"}""")]
    [InlineData("""{"messages":[],"max_tokens":-1}""")]
    [InlineData("""{"messages":[],"max_tokens":1.5}""")]
    [InlineData("""{"messages":[],"logit_bias":[]}""")]
    [InlineData("""{"messages":[],"tools":{}}""")]
    public void WhatIsNoRequestIsRefused(string json) => Assert.Equal(400, Scan(json)!.Status);

    [Fact]
    public void DepthHasABound()
    {
        string deep = $"{{{Messages},\"metadata\":{string.Concat(Enumerable.Repeat("[", 80))}{string.Concat(Enumerable.Repeat("]", 80))}}}";
        Assert.Equal(400, Scan(deep)!.Status);
        Assert.Null(Scan(deep, policy: HardeningPolicy.Default with { MostDepth = 100 }));
    }

    [Theory]
    [InlineData("n", "\"n\":9")]
    [InlineData("top_logprobs", "\"logprobs\":true,\"top_logprobs\":6")]
    [InlineData("logit_bias", "\"logit_bias\":{\"1\":11}")]
    [InlineData("logit_bias", "\"logit_bias\":{\"1\":-10.5}")]
    [InlineData("logit_bias", "\"logit_bias\":{\"1\":1},\"logprobs\":true")]
    [InlineData("logit_bias", "\"logit_bias\":{\"1\":1},\"top_logprobs\":1")]
    public void CapsHold(string name, string fields) => Assert.Equal((name, "not_allowed"), (Scan($"{{{Messages},{fields}}}")!.Parameter, Scan($"{{{Messages},{fields}}}")!.Code));

    [Fact]
    public void CapsOfTheOtherRoutes()
    {
        Assert.Equal("best_of", Scan("""{"prompt":"a","best_of":9}""", RouteKind.Completions)!.Parameter);
        Assert.Equal("echo", Scan("""{"prompt":"a","echo":true}""", RouteKind.Completions)!.Parameter);
        Assert.Equal("logit_bias", Scan("""{"prompt":"a","logprobs":0,"logit_bias":{"1":1}}""", RouteKind.Completions)!.Parameter);
        Assert.Null(Scan("""{"prompt":"a","echo":false,"logprobs":5}""", RouteKind.Completions));
        Assert.Equal("include", Scan("""{"input":"a","include":["file_search_call.results"]}""", RouteKind.Responses)!.Parameter);
        Assert.Null(Scan("""{"input":[{"role":"user","content":"a"}],"include":["message.output_text.logprobs"]}""", RouteKind.Responses));
        Assert.Equal("input.file_url", Scan("""{"input":[{"role":"user","content":[{"type":"input_file","file_url":"http://x"}]}]}""", RouteKind.Responses)!.Parameter);
        Assert.Null(Scan("""{"input":["a","b"],"dimensions":8}""", RouteKind.Embeddings));
    }

    [Fact]
    public void WhatIsAskedForIsFound()
    {
        Assert.Null(Scan("""{"prompt":["a","b",[1,2]],"n":2,"best_of":3,"max_tokens":7,"logprobs":2,"stream":true,"model":"m\u0031"}"""u8.ToArray(), out RequestFacts? f, RouteKind.Completions));
        Assert.Equal((3, 2, 3, 7L, true, 2, true, "m1", 9L), (f!.Prompts, f.Count, f.BestOf, f.MostTokens!.Value, f.HasLogprobs, f.TopLogprobs, f.IsStream, f.Model, f.Answers));
        Assert.Null(Scan("""{"prompt":[1,2,3],"max_tokens":7}"""u8.ToArray(), out f, RouteKind.Completions));
        Assert.Equal(1, f!.Prompts);
    }

    /// <summary>An upstream that reads one of two numbers, and a limit that counts the other, would differ: the larger counts.</summary>
    [Fact]
    public void OfTwoNumbersOfTokensTheLargerCounts()
    {
        Assert.Null(Scan(Encoding.UTF8.GetBytes($"{{{Messages},\"max_tokens\":5,\"max_completion_tokens\":50}}"), out RequestFacts? f));
        Assert.Equal(50, f!.MostTokens);
    }

    [Theory]
    [InlineData("""{ "messages" : [ ] , "max_tokens" : 5 }""", """{ "messages" : [ ] , "max_tokens" : 5 }""")]
    [InlineData("""{"messages":[],"max_tokens":5,"stream":true}""", """{"stream_options":{"include_usage":true},"messages":[],"max_tokens":5,"stream":true}""")]
    [InlineData("""{"max_tokens":5,"stream":true,"stream_options":null,"messages":[]}""", """{"max_tokens":5,"stream":true,"stream_options":{"include_usage":true},"messages":[]}""")]
    [InlineData("""{"max_tokens":5,"stream":true,"stream_options":{ },"messages":[]}""", """{"max_tokens":5,"stream":true,"stream_options":{"include_usage":true },"messages":[]}""")]
    [InlineData("""{"max_tokens":5,"stream":true,"stream_options":{"include_obfuscation":false},"messages":[]}""", """{"max_tokens":5,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"messages":[]}""")]
    [InlineData("""{"max_tokens":5,"stream":true,"stream_options":{"include_usage": false },"messages":[]}""", """{"max_tokens":5,"stream":true,"stream_options":{"include_usage": true },"messages":[]}""")]
    [InlineData("""{"max_tokens":5,"stream":true,"stream_options":{"include_usage":true},"messages":[]}""", """{"max_tokens":5,"stream":true,"stream_options":{"include_usage":true},"messages":[]}""")]
    [InlineData("""{"messages":[ {"role":"user","content":"\u00e9 \/ 1.50"} ],"temperature":1.50}""", """{"max_completion_tokens":99,"messages":[ {"role":"user","content":"\u00e9 \/ 1.50"} ],"temperature":1.50}""")]
    public void BytesAreKept(string json, string forwarded)
    {
        Assert.Null(Scan(Encoding.UTF8.GetBytes(json), out RequestFacts? facts));
        ArrayBufferWriter<byte> to = new();
        ForwardedBody.Write(Encoding.UTF8.GetBytes(json), facts!, RouteKind.Chat, 99, to);
        Assert.Equal(forwarded, Encoding.UTF8.GetString(to.WrittenSpan));
    }

    /// <summary>Whatever comes, a request is refused in words or read; what is read is JSON that a strict reader reads too, and so is what is forwarded.</summary>
    [Fact]
    public void DamagedRequests()
    {
        string[] whole =
        [
            """{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a\ud83d\ude00"}]}],"n":2,"logprobs":true,"top_logprobs":2,"stream":true,"stream_options":{"include_usage":false},"tools":[{"type":"function","function":{"name":"f","parameters":{"a":1e3}}}],"stop":["x"]}""",
            """{"messages":[],"logit_bias":{"1":-2.5,"2":3},"stream":true,"stream_options":{},"metadata":{"a":{"b":[1,2,{"c":null}]}}}""",
        ];
        Random random = new(5);
        int read = 0;
        for (int i = 0; i < 60_000; i++)
        {
            byte[] json = Encoding.UTF8.GetBytes(whole[i % whole.Length]);
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                int at = random.Next(json.Length);
                switch (random.Next(4))
                {
                    case 0:
                        json[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        json = [.. json[..at], .. json[random.Next(at, json.Length)..]];
                        break;
                    case 2:
                        json = [.. json[..at], .. json[random.Next(at + 1)..]];
                        break;
                    default:
                        json[at] = (byte)"{}[]\",:\\u01eE-."[random.Next(15)];
                        break;
                }

                if (json.Length == 0)
                {
                    json = [(byte)'{'];
                }
            }

            if (Scan(json, out RequestFacts? facts) is not null || facts is null)
            {
                continue;
            }

            read++;
            using JsonDocument strict = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            ArrayBufferWriter<byte> to = new();
            ForwardedBody.Write(json, facts, RouteKind.Chat, 99, to);
            JsonObject sent = JsonNode.Parse(to.WrittenSpan)!.AsObject();
            Assert.Equal(facts.IsStream ? "true" : "null", sent["stream_options"]?["include_usage"] is { } usage && facts.IsStream ? usage.ToJsonString() : facts.IsStream ? "missing" : "null");
        }

        Assert.InRange(read, 1000, 50_000);
    }
}
