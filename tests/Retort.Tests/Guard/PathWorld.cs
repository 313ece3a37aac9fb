using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Retort.Evidence.Ledger;
using Retort.Guard;
using Retort.Guard.Accounts;
using Retort.Guard.Answers;
using Retort.Guard.Limits;
using Retort.Tests.Guard.Accounts;
using Retort.Tests.Guard.Answers;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard;

/// <summary>The guarded path before an upstream that a test speaks for, under a clock, with a store of its own.</summary>
sealed class PathWorld : IAsyncDisposable
{
    public const string UpstreamKey = "sk-upstream-0123456789abcdef";

    public const string Question = """{"model":"m","messages":[{"role":"user","content":"What is it?"}],"max_tokens":50}""";

    public const string StreamQuestion = """{"model":"m","messages":[{"role":"user","content":"What is it?"}],"max_tokens":50,"stream":true}""";

    readonly Scratch _scratch;
    readonly UpstreamModel _model;
    readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };

    bool _isClosed;

    PathWorld(Scratch scratch, GuardClock clock, FakeUpstream upstream, UpstreamModel model, OpenPolicy? policy, GuardedServer server, string key, List<string> said) =>
        (_scratch, Clock, Upstream, _model, Policy, Server, Key, Said) = (scratch, clock, upstream, model, policy, server, key, said);

    public GuardClock Clock { get; }

    public FakeUpstream Upstream { get; }

    public OpenPolicy? Policy { get; }

    public GuardedServer Server { get; }

    public string Key { get; }

    /// <summary>What was logged.</summary>
    public List<string> Said { get; }

    public string Folder => _scratch.Folder;

    public string Url => Server.Addresses[0];

    /// <param name="yaml">The policy; null for none.</param>
    /// <param name="prepare">What is done to the store before it opens.</param>
    public static async Task<PathWorld> Start(string? yaml = Tiers, Action<AccountStore>? prepare = null)
    {
        Scratch scratch = new();
        GuardClock clock = new();
        FakeUpstream upstream = await FakeUpstream.Start();
        GuardPolicy? policy = yaml is null ? null : GuardPolicy.Read(scratch.Write("guard.yaml", "store: guard\n" + yaml));
        string key = "";
        OpenPolicy? open = null;
        if (policy is not null)
        {
            using (AccountStore store = AccountStore.Open(policy.Store, AccountWorld.Pepper(), clock))
            {
                store.Add("acme", "free", new());
                key = store.MakeKey("acme", KeyScopes.All, null).Text;
                prepare?.Invoke(store);
            }

            open = OpenPolicy.Open(policy, _ => AccountWorld.PepperText, Home(scratch), clock);
        }

        UpstreamModel model = new(UpstreamModel.Url(upstream.Url), UpstreamKey);
        List<string> said = [];
        return new(scratch, clock, upstream, model, open, await GuardedServer.Start(model, open, "http://127.0.0.1:0", said.Add, clock), key, said);
    }

    public const string Tiers = "tiers: [{name: free, requests_per_minute: 100, tokens_per_minute: 10_000, logprob_tokens_per_day: 1000, streams: 3}]\nlinked: {requests_per_minute: 2}\nappeal_at: https://host/appeal\n";

    static LedgerHome Home(Scratch scratch) => new(scratch["home"], Path.Combine(scratch["home"], "ledger.key"), "test");

    /// <summary>Begins a request; the answer's headers are there.</summary>
    public Task<HttpResponseMessage> Send(string body, string path = "/v1/chat/completions", string? key = null, CancellationToken stop = default, params (string Name, string Value)[] headers)
    {
        HttpRequestMessage message = new(HttpMethod.Post, Url + path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key ?? Key);
        foreach ((string name, string value) in headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        return _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, stop);
    }

    public async Task<HttpResponseMessage> Get(string path, string? key = null)
    {
        HttpRequestMessage message = new(HttpMethod.Get, Url + path);
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key ?? Key);
        return await _http.SendAsync(message);
    }

    /// <summary>The status and the text of an answer.</summary>
    public async Task<(int Status, string Text)> Ask(string body, string path = "/v1/chat/completions", string? key = null)
    {
        using HttpResponseMessage response = await Send(body, path, key);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>The status and the code of a refusal.</summary>
    public async Task<(int Status, string? Code)> Refused(string body, string path = "/v1/chat/completions", string? key = null)
    {
        (int status, string text) = await Ask(body, path, key);
        return (status, JsonElement.Parse(text).GetProperty("error").GetProperty("code").GetString());
    }

    /// <summary>What is left to the account, of a quantity.</summary>
    public long Left(Quantity quantity)
    {
        BoundScope[] scopes = new BoundScope[2];
        Policy!.Policy.Scopes(Policy.Store.Account("acme"), scopes);
        return Policy.Limits.Standing(scopes[0]).Remaining[(int)quantity];
    }

    /// <summary>Waits until no request is under way: each has been settled and handed to the ledger by then.</summary>
    public async Task Quiet()
    {
        while (Server.Watch.Count > 0 || Left(Quantity.Streams) < 3)
        {
            await Task.Yield();
        }
    }

    /// <summary>The leaves of the ledger of decisions; ends the server.</summary>
    public async Task<IReadOnlyList<JsonElement>> Decisions()
    {
        await Close();
        string folder = Path.Combine(Policy!.Policy.Store, "decisions");
        LedgerPublicKey key = LedgerPublicKey.Read(folder + ".pub", Checkpoint.Read(Path.Combine(folder, "checkpoint")).Origin);
        Assert.True(LedgerAudit.Run(folder, key).Holds);
        return [.. TileReader.Open(folder, key).Entries().Select(e => JsonElement.Parse(e.Span))];
    }

    /// <summary>Every byte of every file of the store.</summary>
    public IEnumerable<(string Path, byte[] Bytes)> Files() => Directory.GetFiles(Folder, "*", SearchOption.AllDirectories).Select(f =>
    {
        using FileStream file = new(f, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return (f, bytes);
    });

    async Task Close()
    {
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        await Server.DisposeAsync();
        if (Policy is not null)
        {
            await Policy.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Close();
        await Upstream.DisposeAsync();
        _model.Dispose();
        _http.Dispose();
        _scratch.Dispose();
    }
}
