using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Polly;
using Polly.Retry;

namespace Retort.Asking;

/// <summary>
/// Asks many questions of one model: 1 skip what is answered · 2 wait for its turn · 3 set the money aside · 4 write the attempt down · 5 send ·
/// 6 write down what came, settle · 7 where nothing came, and asking again may help, wait and go to 2.
/// </summary>
public sealed class Asker
{
    static readonly TimeSpan s_grace = TimeSpan.FromSeconds(30);

    /// <summary>What is kept of a question that is over.</summary>
    static readonly Lazy<Task<bool>> s_answered = new(Task.FromResult(true)), s_unanswered = new(Task.FromResult(false));

    readonly IChatClient _client;
    readonly Transcripts _store;
    readonly Price _price;
    readonly AskOptions _options;
    readonly TimeProvider _time;
    readonly Pace _pace;
    readonly Budget _budget;
    readonly ResiliencePipeline<bool> _retries;
    readonly ConcurrentDictionary<string, Lazy<Task<bool>>> _met = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<FaultKind, long> _faults = new();
    readonly long _began;
    long _before, _answered, _givenUp, _notAsked;
    AskEnd _end = AskEnd.Done;
    string? _said;

    Asker(IChatClient client, Transcripts store, Price price, AskOptions options, TimeProvider time)
    {
        (_client, _store, _price, _options, _time) = (client, store, price, options, time);
        (_pace, _budget, _began) = (new(options.RequestsPerMinute, options.TokensPerMinute, time), new(options.Ceiling, store.Facts().Spent), time.GetTimestamp());
        _retries = Retries(options.Attempts);
    }

    ResiliencePipeline<bool> Retries(int attempts) => attempts <= 1 ? ResiliencePipeline<bool>.Empty : new ResiliencePipelineBuilder<bool> { TimeProvider = _time }.AddRetry(new RetryStrategyOptions<bool>
    {
        ShouldHandle = new PredicateBuilder<bool>().Handle<RemoteFault>(f => f.IsPassing && _end == AskEnd.Done),
        MaxRetryAttempts = attempts - 1,
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        Delay = TimeSpan.FromMilliseconds(500),
        MaxDelay = TimeSpan.FromMinutes(1),
        // What the endpoint asks for the pace waits for, with everyone else; who was only too fast comes again soon, at the rate that fell.
        DelayGenerator = static a => ValueTask.FromResult(a.Outcome.Exception is RemoteFault { Kind: FaultKind.Limited } fault
            ? fault.Limits.RetryAfter is not null ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(10, 0.25 * (a.AttemptNumber + 1)))
            : (TimeSpan?)null),
    }).Build();

    /// <summary>Asks questions that do not hang on each other.</summary>
    /// <exception cref="UserError">As below.</exception>
    public static Task<AskResult> Ask(
        IEnumerable<Question> questions, IChatClient client, Transcripts store, Price price, AskOptions options, TimeProvider time, Action<AskFacts>? onProgress, CancellationToken stop) =>
        Ask(questions.Select(q => new Chain(q, [])), client, store, price, options, time, onProgress, stop);

    /// <summary>Asks all that is not answered yet. A chain's questions are asked in their order, many chains at once.</summary>
    /// <param name="client">Who is asked; a <see cref="RemoteModel"/>, or any other client.</param>
    /// <param name="price">What its tokens cost.</param>
    /// <param name="onProgress">Called now and then, from one thread at a time.</param>
    /// <param name="stop">Lets what is under way end, and takes no more.</param>
    /// <exception cref="UserError">The store cannot be written; nothing that was answered is lost.</exception>
    public static async Task<AskResult> Ask(
        IEnumerable<Chain> chains, IChatClient client, Transcripts store, Price price, AskOptions options, TimeProvider time, Action<AskFacts>? onProgress, CancellationToken stop)
    {
        Asker asker = new(client, store, price, options, time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop), abandon = new();
        using CancellationTokenRegistration grace = stop.Register(() => abandon.CancelAfter(options.Grace ?? s_grace));
        using ITimer progress = time.CreateTimer(_ => onProgress?.Invoke(asker.Facts()), null, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.5));
        try
        {
            await Parallel.ForEachAsync(
                chains, new ParallelOptions { MaxDegreeOfParallelism = options.InFlight, CancellationToken = end.Token },
                async (chain, _) => await asker.All(chain, end, abandon.Token).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            asker._end = asker._end == AskEnd.Done ? AskEnd.Stopped : asker._end;
        }

        AskFacts facts = asker.Facts();
        onProgress?.Invoke(facts);
        return new(asker._end, facts, asker._said);
    }

    AskFacts Facts() => new(
        _met.Count, Interlocked.Read(ref _before), Interlocked.Read(ref _answered), Interlocked.Read(ref _givenUp), new Dictionary<FaultKind, long>(_faults), _budget.Spent, _pace.Rate, _time.GetElapsedTime(_began))
    {
        NotAsked = Interlocked.Read(ref _notAsked),
    };

    async Task All(Chain chain, CancellationTokenSource end, CancellationToken abandon)
    {
        Question? question = chain.First;
        for (int place = 0; question is not null; place++)
        {
            Question asked = question;
            byte[] body = asked.Body(), key = Question.Key(asked.Endpoint.Address, body);
            string name = Convert.ToHexString(key);

            // Two chains that begin alike ask once, and both wait for the answer.
            bool answered = await _met.GetOrAdd(name, _ => new(() => One(asked, key, body, end, abandon))).Value.ConfigureAwait(false);
            _met[name] = answered ? s_answered : s_unanswered;
            question = answered && place < chain.Later.Count ? chain.After(asked, _store.Reply(key), place) : null;
            if (question is null && _end == AskEnd.Done)
            {
                Interlocked.Add(ref _notAsked, chain.Later.Count - place);
            }
        }
    }

    /// <summary>Asks as often as is allowed, unless it is answered.</summary>
    /// <returns>Whether there is an answer.</returns>
    async Task<bool> One(Question question, byte[] key, byte[] body, CancellationTokenSource end, CancellationToken abandon)
    {
        if (_store.Find(key).Answered)
        {
            Interlocked.Increment(ref _before);
            return true;
        }

        long request = await _store.Request(key, question, body, _options.Account, _options.Terms, _options.Purpose).ConfigureAwait(false);
        try
        {
            if (await _retries.ExecuteAsync(async stop => await Once(question, request, stop, abandon).ConfigureAwait(false), end.Token).ConfigureAwait(false))
            {
                Interlocked.Increment(ref _answered);
                return true;
            }

            _end = AskEnd.Ceiling;
            await end.CancelAsync().ConfigureAwait(false);
        }
        catch (RemoteFault fault)
        {
            Interlocked.Increment(ref _givenUp);
            if (fault.IsFinal && Interlocked.CompareExchange(ref _said, fault.Message, null) is null)
            {
                _end = AskEnd.ShutOut;
                await end.CancelAsync().ConfigureAwait(false);
            }
        }

        return false;
    }

    /// <summary>Sends a question once.</summary>
    /// <returns>False where the money does not suffice.</returns>
    /// <exception cref="RemoteFault">No answer came.</exception>
    async Task<bool> Once(Question question, long request, CancellationToken stop, CancellationToken abandon)
    {
        int most = question.Parameters.MaxTokens ?? 0;
        Usd reserved = _price.AtMost(question, most);
        await _pace.Enter(Price.PromptTokensAtMost(question) / 4 + ((long)most * question.Parameters.Count), stop).ConfigureAwait(false);
        if (!await _budget.Reserve(reserved, stop).ConfigureAwait(false))
        {
            return false;
        }

        Usd spent = reserved;
        try
        {
            long attempt = await _store.Begin(request, reserved).ConfigureAwait(false), sent = _time.GetTimestamp();
            (Reply? reply, RemoteFault? fault) = await Send(question, abandon).ConfigureAwait(false);
            if (reply is not null)
            {
                spent = reply is { PromptTokens: { } read, CompletionTokens: { } written } ? _price.Of(read, written) : reserved;
                _pace.Heard(reply.Limits);
                await _store.Answered(request, attempt, reply, spent, _time.GetElapsedTime(sent)).ConfigureAwait(false);
                return true;
            }

            spent = fault!.MayBePaid ? reserved : default;
            _faults.AddOrUpdate(fault.Kind, 1, static (_, n) => n + 1);
            await _store.Failed(request, attempt, fault, spent, Meet(fault)).ConfigureAwait(false);
            throw fault;
        }
        finally
        {
            _budget.Settle(reserved, spent);
        }
    }

    async Task<(Reply? Reply, RemoteFault? Fault)> Send(Question question, CancellationToken abandon)
    {
        (IReadOnlyList<ChatMessage> messages, ChatOptions options) = question.ForClient();
        RemoteFault? fault;
        try
        {
            return (Reply.Of(await _client.GetResponseAsync(messages, options, abandon).ConfigureAwait(false)), null);
        }
        catch (Exception e) when ((fault = RemoteFault.Of(e, abandon)) is not null)
        {
            return (null, fault);
        }
    }

    /// <summary>Lets the pace know, and says what is done about it.</summary>
    string Meet(RemoteFault fault)
    {
        if (fault.Kind == FaultKind.Limited)
        {
            _pace.Limited(fault.Limits);
            return fault.Limits.RetryAfter is { } wait ? $"asked nothing for {wait.TotalSeconds:0.###} s as told, and then slower" : "waited, and then asked slower";
        }

        _pace.Heard(fault.Limits);
        return fault.IsFinal ? "ended the run" : fault.IsPassing ? "waited and asked again" : "left it";
    }
}
