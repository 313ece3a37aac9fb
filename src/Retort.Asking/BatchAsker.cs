using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Retort.Asking;

/// <summary>How batches are cut and waited for.</summary>
/// <param name="MostQuestions">Of one batch.</param>
/// <param name="MostBytes">Of its file.</param>
/// <param name="FirstWait">Between the first two looks at batches under way; it doubles up to <paramref name="MostWait"/>.</param>
public sealed record BatchOptions(int MostQuestions, int MostBytes, TimeSpan FirstWait, TimeSpan MostWait)
{
    /// <summary>OpenAI's limit of questions, files far below its limit of bytes, and a look a minute.</summary>
    public static BatchOptions Default { get; } = new(50_000, 64 << 20, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
}

/// <summary>
/// Asks in batches: 1 take up those under way · 2 gather what has no answer and may still be sent, under the ceiling · 3 write it down, send its file, make
/// the batch · 4 wait, and keep every answer of a batch that ended, however it ended · 5 again from 2 until nothing is left.
/// A batch is in the store before its file is sent and is found again by our name for it, so no question is in two batches at a time.
/// </summary>
public sealed class BatchAsker
{
    readonly RemoteBatches _remote;
    readonly Transcripts _store;
    readonly Endpoint _endpoint;
    readonly Price _price;
    readonly AskOptions _options;
    readonly BatchOptions _sizes;
    readonly TimeProvider _time;
    readonly long _began;
    readonly BatchQueue _queue;
    readonly Dictionary<FaultKind, long> _faults = [];
    readonly List<BatchFacts> _ended = [];

    BatchAsker(RemoteBatches remote, Transcripts store, Endpoint endpoint, Price price, AskOptions options, BatchOptions sizes, TimeProvider time) =>
        (_remote, _store, _endpoint, _price, _options, _sizes, _time, _began, _queue) = (remote, store, endpoint, price, options, sizes, time, time.GetTimestamp(), new(store, price, options.Ceiling, options.Attempts));

    /// <param name="price">What tokens cost in a batch.</param>
    /// <exception cref="UserError">The store cannot be written; nothing that was answered is lost.</exception>
    public static async Task<AskResult> Ask(
        IReadOnlyList<Chain> chains, RemoteBatches remote, Transcripts store, Endpoint endpoint, Price price, AskOptions options, BatchOptions sizes, TimeProvider time, Action<AskFacts>? onProgress, CancellationToken stop)
    {
        BatchAsker asker = new(remote, store, endpoint, price, options, sizes, time);
        (AskEnd end, string? said) = (AskEnd.Done, null);
        try
        {
            end = await asker.All(chains, onProgress, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            end = AskEnd.Stopped;
        }
        catch (RemoteFault fault)
        {
            // A fault that passes was waited out where it came up; this one does not, or did not in as many tries as are allowed.
            (end, said) = stop.IsCancellationRequested ? (AskEnd.Stopped, null) : (fault.IsPassing ? AskEnd.Unavailable : AskEnd.ShutOut, fault.Message);
        }

        onProgress?.Invoke(asker.Facts());
        return new(end, asker.Facts(), said) { Batches = asker._ended };
    }

    AskFacts Facts() => new(_queue.Met, _queue.Before, _queue.Answered, _queue.GivenUp, new Dictionary<FaultKind, long>(_faults), _store.Facts().Spent, null, _time.GetElapsedTime(_began)) { NotAsked = _queue.NotAsked };

    async Task<AskEnd> All(IReadOnlyList<Chain> chains, Action<AskFacts>? onProgress, CancellationToken stop)
    {
        // 1
        foreach (OpenBatch batch in _store.OpenBatches(_endpoint).Where(b => b.Remote is null))
        {
            await TakeUp(batch, stop).ConfigureAwait(false);
        }

        while (true)
        {
            // 4
            await Wait(onProgress, stop).ConfigureAwait(false);

            // 2
            (IReadOnlyList<(Question, Usd)> next, bool ceiling) = _queue.Next(chains);
            if (next.Count == 0)
            {
                return ceiling ? AskEnd.Ceiling : AskEnd.Done;
            }

            // 3
            foreach (IReadOnlyList<(Question, Usd)> part in BatchQueue.Cut(next, _sizes))
            {
                await _store.BeginBatch(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)), _endpoint, part, _options.Account, _options.Terms).ConfigureAwait(false);
                await Make(_store.OpenBatches(_endpoint).Single(b => b.Remote is null), stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Finds a batch that an earlier run wrote down and perhaps made; one that was never made is over, and its questions are gathered anew.</summary>
    async Task TakeUp(OpenBatch batch, CancellationToken stop)
    {
        if (batch.File is { } file && await Patiently(() => _remote.Find(file, batch.Token, stop), stop).ConfigureAwait(false) is { } found)
        {
            await _store.BatchIs(batch.Id, null, found.Id).ConfigureAwait(false);
            return;
        }

        RemoteFault never = new(FaultKind.Unreachable, 0, "the batch was never made", LimitFacts.None);
        BatchItem[] items = [.. batch.Items.Where(i => !i.HasEnded)];
        await Task.WhenAll(items.Select(i => _store.Failed(i.Request, i.Attempt, never, default, "goes into another batch"))).ConfigureAwait(false);
        await _store.EndBatch(batch.Id, new(batch.Token, "never made", items.Length, 0, items.Length, 0, 0, 0, 0)).ConfigureAwait(false);
    }

    /// <summary>Sends a batch's file and makes it.</summary>
    async Task Make(OpenBatch batch, CancellationToken stop)
    {
        byte[] lines = Lines(batch);
        string file = await Patiently(() => _remote.Upload(lines, batch.Token, stop), stop).ConfigureAwait(false);
        await _store.BatchIs(batch.Id, file, null).ConfigureAwait(false);

        // Where a try broke off it may have been made all the same.
        bool maybe = false;
        RemoteBatch made = await Patiently(
            async () =>
            {
                if (maybe && await _remote.Find(file, batch.Token, stop).ConfigureAwait(false) is { } found)
                {
                    return found;
                }

                maybe = true;
                return await _remote.Create(file, batch.Token, stop).ConfigureAwait(false);
            },
            stop).ConfigureAwait(false);
        await _store.BatchIs(batch.Id, null, made.Id).ConfigureAwait(false);
    }

    byte[] Lines(OpenBatch batch)
    {
        ArrayBufferWriter<byte> lines = new();
        foreach (BatchItem item in batch.Items)
        {
            using (Utf8JsonWriter json = new(lines))
            {
                json.WriteStartObject();
                json.WriteString("custom_id", item.Key);
                json.WriteString("method", "POST");
                json.WriteString("url", "/v1/chat/completions");
                json.WritePropertyName("body");
                json.WriteRawValue(_store.Body(item.Request), skipInputValidation: true);
                json.WriteEndObject();
            }

            lines.Write("\n"u8);
        }

        return lines.WrittenSpan.ToArray();
    }

    /// <summary>Waits until no batch is under way.</summary>
    async Task Wait(Action<AskFacts>? onProgress, CancellationToken stop)
    {
        TimeSpan wait = _sizes.FirstWait;
        while (true)
        {
            IReadOnlyList<OpenBatch> open = _store.OpenBatches(_endpoint);
            foreach (OpenBatch batch in open)
            {
                RemoteBatch now = await There(() => _remote.Get(batch.Remote!, stop), new(batch.Remote!, "gone", null, null, null), stop).ConfigureAwait(false);
                if (now.HasEnded || now.Status == "gone")
                {
                    await Keep(batch, now, stop).ConfigureAwait(false);
                }
            }

            onProgress?.Invoke(Facts());
            if (_store.OpenBatches(_endpoint).Count == 0)
            {
                return;
            }

            await Task.Delay(wait, _time, stop).ConfigureAwait(false);
            wait = TimeSpan.FromTicks(Math.Min(wait.Ticks * 2, _sizes.MostWait.Ticks));
        }
    }

    /// <summary>Keeps every answer of a batch that ended, and says of everything else why it has none.</summary>
    async Task Keep(OpenBatch batch, RemoteBatch now, CancellationToken stop)
    {
        List<byte[]> files = [];
        foreach (string file in (string[])[.. new[] { now.Output, now.Errors }.OfType<string>()])
        {
            files.Add(await There(() => _remote.Download(file, stop), [], stop).ConfigureAwait(false));
        }

        Dictionary<string, BatchItem> items = batch.Items.ToDictionary(i => i.Key, StringComparer.Ordinal);
        BatchOutput output = BatchOutput.Read(files, items.ContainsKey);
        List<Task> writes = [];
        int answers = 0, failed = 0, missing = 0;
        foreach (BatchItem item in batch.Items.Where(i => !i.HasEnded))
        {
            (Reply? reply, RemoteFault? fault) = output.Lines.GetValueOrDefault(item.Key);
            if (reply is not null)
            {
                answers++;
                _queue.Answer(item.Key);
                Usd spent = reply is { PromptTokens: { } read, CompletionTokens: { } written } ? _price.Of(read, written) : item.Reserved;
                writes.Add(_store.Answered(item.Request, item.Attempt, reply, spent, _time.GetUtcNow() - item.Began));
                continue;
            }

            (failed, missing) = fault is null ? (failed, missing + 1) : (failed + 1, missing);
            fault ??= now.Status == "failed" ? new(FaultKind.Refused, 0, now.Said ?? "the batch failed", LimitFacts.None) : new(FaultKind.Broken, 0, $"the files of the batch, {now.Status}, do not hold it", LimitFacts.None);
            _faults[fault.Kind] = _faults.GetValueOrDefault(fault.Kind) + 1;
            _queue.Fail(item.Key, fault.IsPassing);
            writes.Add(_store.Failed(item.Request, item.Attempt, fault, fault.MayBePaid ? item.Reserved : default, fault.IsPassing ? "goes into the next batch" : "left it"));
        }

        await Task.WhenAll(writes).ConfigureAwait(false);
        BatchFacts facts = new(now.Id, now.Status, answers + failed + missing, answers, failed, missing, output.Again, output.Unknown, output.Broken);
        await _store.EndBatch(batch.Id, facts).ConfigureAwait(false);
        _ended.Add(facts);
    }

    /// <summary>The same, but for what the endpoint no longer has.</summary>
    async Task<T> There<T>(Func<Task<T>> request, T gone, CancellationToken stop)
    {
        try
        {
            return await Patiently(request, stop).ConfigureAwait(false);
        }
        catch (RemoteFault fault) when (fault.Status == 404)
        {
            return gone;
        }
    }

    /// <summary>Tries again what may pass, as often as is allowed.</summary>
    async Task<T> Patiently<T>(Func<Task<T>> request, CancellationToken stop)
    {
        TimeSpan wait = _sizes.FirstWait;
        for (int tries = 1; ; tries++)
        {
            stop.ThrowIfCancellationRequested();
            RemoteFault fault;
            try
            {
                return await request().ConfigureAwait(false);
            }
            catch (RemoteFault f) when (f.IsPassing && tries < _options.Attempts)
            {
                fault = f;
            }

            await Task.Delay(fault.Limits.RetryAfter ?? wait, _time, stop).ConfigureAwait(false);
            wait = TimeSpan.FromTicks(Math.Min(wait.Ticks * 2, _sizes.MostWait.Ticks));
        }
    }
}
