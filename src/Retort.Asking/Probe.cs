using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Retort.Asking;

/// <summary>What came of a probe.</summary>
/// <param name="Facts">Null where it was not ended, or nothing was answered.</param>
public sealed record ProbeResult(AskResult Asked, ProbeFacts? Facts);

/// <summary>
/// Asks a few short questions to see what an endpoint does, instead of assuming it: 1 a plain one · 2 two answers · 3 one seed twice · 4 twenty likely
/// tokens, or as many as are taken · 5 a JSON schema. They go the way of all questions: store, pace, ceiling.
/// </summary>
public sealed class Probe
{
    const int Short = 16, MostAlternatives = 20, Tries = 3, Likely = 6;

    const string Plain = "Reply with the word yes.", Two = "Name a river.", Draw = "Name a river, a town and a colour, whichever come to mind.", Token = "Reply with the word no.", Formed = "Write a sentence about a cat.";

    const string Schema = """{"type":"object","properties":{"colour":{"type":"string","enum":["red","green"]}},"required":["colour"],"additionalProperties":false}""";

    readonly Endpoint _endpoint;
    readonly Listening _client;
    readonly Transcripts _store;
    readonly Price _price;
    readonly AskOptions _options;
    readonly TimeProvider _time;
    readonly long _before;
    AskResult? _last;

    /// <summary>Hears what is said of limits, which the store does not keep. The client is the caller's, so this is never disposed of.</summary>
    sealed class Listening(IChatClient client) : DelegatingChatClient(client)
    {
        public bool Limits { get; private set; }

        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            ChatResponse response = await base.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
            Limits |= Reply.Of(response).Limits is { Requests: not null } or { Tokens: not null } or { RequestsLeft: not null } or { TokensLeft: not null };
            return response;
        }
    }

    Probe(Endpoint endpoint, IChatClient client, Transcripts store, Price price, AskOptions options, TimeProvider time) => (_endpoint, _client, _store, _price, _options, _time, _before) =
        (endpoint, new(client), store, price, options with { Purpose = AskPurpose.Probe, Attempts = Math.Min(options.Attempts, Tries) }, time, store.Probes(endpoint));

    /// <summary>What the store knows of the endpoint; where that is nothing, or <paramref name="again"/>, it is asked and written down.</summary>
    /// <exception cref="UserError">The store cannot be written.</exception>
    public static async Task<ProbeResult> Run(Endpoint endpoint, IChatClient client, Transcripts store, Price price, AskOptions options, bool again, TimeProvider time, CancellationToken stop)
    {
        Probe probe = new(endpoint, client, store, price, options, time);
        if (!again && store.Probed(endpoint) is { } known)
        {
            return new(Nothing(store), known);
        }

        ProbeFacts facts = await probe.All(stop).ConfigureAwait(false);
        AskResult last = probe._last!;
        if (last.End != AskEnd.Done || facts.Usage is null)
        {
            return new(last, null);
        }

        await store.Probed(endpoint, facts).ConfigureAwait(false);
        return new(last, facts);
    }

    /// <summary>What a probe may take; null where it was made, and is not wanted again.</summary>
    internal static ForecastPart? Foresee(Endpoint endpoint, Transcripts store, Price? price, bool again)
    {
        if (!again && store.Probed(endpoint) is not null)
        {
            return null;
        }

        // Twenty likely tokens, none, and halves between them until two neighbours are left.
        int halves = 2 + (int)Math.Ceiling(Math.Log2(MostAlternatives));
        (string Text, AskParameters Parameters)[] all =
        [
            (Plain, new(Short)), (Two, new(Short, Count: 2)), (Draw, Drawn(0)), (Draw, Drawn(1)), .. Enumerable.Repeat((Token, new AskParameters(Short, TopLogProbabilities: MostAlternatives)), halves), (Formed, new(Short * 2, Schema: Schema)),
        ];
        return new(Likely, all.Length, all.Aggregate(price is null ? null : (Usd?)default(Usd), (sum, q) => sum + price?.AtMost(Of(endpoint, q.Text, q.Parameters, store.Probes(endpoint)), q.Parameters.MaxTokens!.Value)));
    }

    static AskResult Nothing(Transcripts store) => new(AskEnd.Done, new(0, 0, 0, 0, new Dictionary<FaultKind, long>(), store.Facts().Spent, null, TimeSpan.Zero), null);

    async Task<ProbeFacts> All(CancellationToken stop)
    {
        // 1
        (Reply? plain, _) = await One(Plain, new(Short), stop).ConfigureAwait(false);

        // 2
        (Reply? several, bool one) = await One(Two, new(Short, Count: 2), stop).ConfigureAwait(false);

        // 3: a length of its own makes another question of the second, whose draws are the same.
        (Reply? first, bool seedless) = await One(Draw, Drawn(0), stop).ConfigureAwait(false);
        (Reply? second, _) = seedless ? (null, true) : await One(Draw, Drawn(1), stop).ConfigureAwait(false);

        // 4
        (bool? given, int? alternatives, bool? bytes) = await Alternatives(stop).ConfigureAwait(false);

        // 5
        (Reply? schema, bool formless) = await One(Formed, new(Short * 2, Schema: Schema), stop).ConfigureAwait(false);
        return new(
            plain?.Model, plain?.Fingerprint, plain is null ? null : plain is { PromptTokens: not null, CompletionTokens: not null }, several is null ? one ? false : null : several.Choices.Count == 2,
            first is null || second is null ? seedless ? false : null : Same(first.Choices[0].Text, second.Choices[0].Text), given, alternatives, bytes, schema is null ? formless ? false : null : IsFormed(schema.Choices[0].Text),
            plain is null ? null : _client.Limits);
    }

    /// <summary>Twenty, where they are taken; else as many as are, by halves.</summary>
    async Task<(bool? Given, int? Alternatives, bool? Bytes)> Alternatives(CancellationToken stop)
    {
        (int least, int most) = (0, MostAlternatives);
        (Reply? best, bool refused) = await Ask(most).ConfigureAwait(false);
        if (refused)
        {
            (best, refused) = await Ask(least).ConfigureAwait(false);
            while (best is not null && most - least > 1)
            {
                int middle = (least + most) / 2;
                (Reply? taken, bool no) = await Ask(middle).ConfigureAwait(false);
                (least, most, best) = taken is not null ? (middle, most, taken) : no ? (least, middle, best) : (least, least, best);
            }
        }

        if (best is null)
        {
            return refused ? (false, 0, null) : (null, null, null);
        }

        JsonElement[] tokens = best.Choices[0].LogProbabilities is { } content ? [.. JsonElement.Parse(content).EnumerateArray().Where(t => t.ValueKind == JsonValueKind.Object)] : [];
        int seen = tokens.Select(t => t.TryGetProperty("top_logprobs", out JsonElement top) && top.ValueKind == JsonValueKind.Array ? top.GetArrayLength() : 0).DefaultIfEmpty(0).Max();
        return (tokens.Length > 0, seen, tokens.Length == 0 ? null : tokens.Any(t => t.TryGetProperty("bytes", out JsonElement b) && b.ValueKind == JsonValueKind.Array));

        Task<(Reply? Reply, bool Refused)> Ask(int top) => One(Token, new(Short, TopLogProbabilities: top), stop);
    }

    async Task<(Reply? Reply, bool Refused)> One(string text, AskParameters parameters, CancellationToken stop)
    {
        if (_last is { End: not AskEnd.Done })
        {
            return (null, false);
        }

        Question question = Of(_endpoint, text, parameters, _before);
        _last = await Asker.Ask([question], _client, _store, _price, _options, _time, null, stop).ConfigureAwait(false);
        return (_store.Reply(question.Key()), _last.Facts.Faults.ContainsKey(FaultKind.Refused));
    }

    /// <summary>A probe that was killed asks the same again and goes on; one that is made anew asks anew.</summary>
    static Question Of(Endpoint endpoint, string text, AskParameters parameters, long before) => new(endpoint, [new("user", before == 0 ? text : $"{text} (Check {before + 1}.)")], parameters);

    static AskParameters Drawn(int place) => new(Short + 8 + place, Temperature: 1, Seed: 7);

    /// <summary>Whether one is the other as far as both go.</summary>
    static bool Same(string a, string b) => a.Length > 0 && b.Length > 0 && (a.StartsWith(b, StringComparison.Ordinal) || b.StartsWith(a, StringComparison.Ordinal));

    static bool IsFormed(string text) => JsonRows.Inside(text) is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("colour", out JsonElement colour) && colour.ValueKind == JsonValueKind.String && colour.GetString() is "red" or "green";
}
