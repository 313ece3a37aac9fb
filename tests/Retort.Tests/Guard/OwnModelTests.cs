using System.Text.Json;
using Retort.Evidence.Ledger;
using Retort.Guard;
using Retort.Guard.Accounts;
using Retort.Guard.Answers;
using Retort.Guard.Limits;
using Retort.Model.Inference;
using Retort.Tests.Guard.Accounts;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard;

/// <summary>The model of this process behind the path.</summary>
public class OwnModelTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItsTokensAreCountedExactlyAndTheSameRulesHold()
    {
        using Scratch scratch = new();
        GuardClock clock = new();
        GuardPolicy policy = GuardPolicy.Read(scratch.Write("guard.yaml", "store: guard\n" + PathWorld.Tiers));
        string key;
        using (AccountStore store = AccountStore.Open(policy.Store, AccountWorld.Pepper(), clock))
        {
            store.Add("acme", "free", new());
            key = store.MakeKey("acme", KeyScopes.All, null).Text;
        }

        GuardWorld.Folder(scratch["model"], template: true, context: 2048);
        ServeOptions options = new("small", "http://127.0.0.1:0", Threads: 1, CacheTokens: 8192, Answers: 4, Queue: 8, MostTokens: 512);
        using Voice voice = Voice.Of(InferenceModel.Open(scratch["model"]), "small", new(1, 8192, 4), 8, TimeProvider.System);
        await using OpenPolicy open = OpenPolicy.Open(policy, _ => AccountWorld.PepperText, new LedgerHome(scratch["home"], Path.Combine(scratch["home"], "ledger.key"), "test"), clock);
        await using GuardedServer server = await GuardedServer.Start(new OwnModel(new(voice, null, 0, options, clock)), open, options.Urls, _ => { }, clock);
        using HttpClient http = new() { BaseAddress = new(server.Addresses[0]) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", key);

        string asked = """{"messages":[{"role":"user","content":"a"}],"max_tokens":20,"temperature":0,"logprobs":true}""";
        using HttpResponseMessage whole = await http.PostAsync("/v1/chat/completions", new StringContent(asked), Stop);
        JsonElement answer = JsonElement.Parse(await whole.Content.ReadAsStringAsync(Stop));
        int prompt = answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        Assert.Equal(10_000 - prompt - 20, int.Parse(Assert.Single(whole.Headers.GetValues("x-ratelimit-remaining-tokens"))));
        Assert.All(answer.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray(), t => Assert.True(t.GetProperty("logprob").GetRawText() is { } text && (!text.Contains('.', StringComparison.Ordinal) || text.Length - text.IndexOf('.', StringComparison.Ordinal) <= 4)));

        using HttpResponseMessage stream = await http.PostAsync("/v1/chat/completions", new StringContent(asked.Replace("\"temperature\"", "\"stream\":true,\"temperature\"", StringComparison.Ordinal).Replace(",\"logprobs\":true", "", StringComparison.Ordinal)), Stop);
        string events = await stream.Content.ReadAsStringAsync(Stop);
        Assert.EndsWith("data: [DONE]\n\n", events, StringComparison.Ordinal);
        Assert.DoesNotContain("\"usage\"", events, StringComparison.Ordinal);
        while (server.Watch.Count > 0 || Left(Quantity.Streams) < 3)
        {
            await Task.Yield();
        }

        Assert.Equal((10_000 - (2 * (prompt + 20)), 980), (Left(Quantity.MinuteTokens), Left(Quantity.DayLogprobs)));

        using HttpResponseMessage refused = await http.PostAsync("/v1/chat/completions", new StringContent("""{"messages":[{"role":"user","content":"a"}],"max_tokens":1,"n":9}"""), Stop);
        Assert.Contains("not_allowed", await refused.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        using HttpResponseMessage embeddings = await http.PostAsync("/v1/embeddings", new StringContent("""{"input":"a"}"""), Stop);
        Assert.Equal(404, (int)embeddings.StatusCode);
        http.DefaultRequestHeaders.Authorization = null;
        using HttpResponseMessage stranger = await http.PostAsync("/v1/chat/completions", new StringContent(asked), Stop);
        Assert.Equal(401, (int)stranger.StatusCode);

        long Left(Quantity quantity)
        {
            BoundScope[] scopes = new BoundScope[2];
            open.Policy.Scopes(open.Store.Account("acme"), scopes);
            return open.Limits.Standing(scopes[0]).Remaining[(int)quantity];
        }
    }
}
