using System.Text;
using Dapper;
using Microsoft.Data.Sqlite;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

/// <summary>What becomes of questions in batches that end well, partly, too late, or not as they should.</summary>
public sealed class BatchAskerTests : IDisposable
{
    static readonly Price s_price = new(1, 1, DateOnly.MinValue, null);
    static readonly BatchOptions s_sizes = new(1000, 1 << 20, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1));

    readonly Scratch _scratch = new();
    readonly FakeBatches _server = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _server.Dispose();
        _scratch.Dispose();
    }

    Endpoint Endpoint => new(_server.Url, "small");

    Chain Of(string text, params string[] later) => new(new(Endpoint, [new("user", text)], new(MaxTokens: 20)), later);

    IReadOnlyList<Chain> Questions(int count) => [.. Enumerable.Range(0, count).Select(i => Of($"question {i}"))];

    async Task<AskResult> Ask(IReadOnlyList<Chain> chains, AskOptions? options = null, BatchOptions? sizes = null, CancellationToken? stop = null)
    {
        using Transcripts store = Transcripts.Open(_scratch["t.db"], TimeProvider.System);
        using RemoteModel model = new(Endpoint, "sk-secret", TimeSpan.FromSeconds(20), 4, TimeProvider.System);
        return await BatchAsker.Ask(chains, new(model), store, Endpoint, s_price, options ?? new(Attempts: 3), sizes ?? s_sizes, TimeProvider.System, null, stop ?? Stop);
    }

    IReadOnlyList<T> Rows<T>(string sql)
    {
        using SqliteConnection db = new($"Data Source={_scratch["t.db"]};Pooling=False");
        return [.. db.Query<T>(sql)];
    }

    void Break(bool before, Func<string, bool> breaks)
    {
        _server.Before = what => !before || breaks(what);
        _server.After = what => before || breaks(what);
    }

    [Fact]
    public async Task EveryQuestionIsInOneBatchAndNeverAgain()
    {
        AskResult first = await Ask(Questions(25), sizes: s_sizes with { MostQuestions = 10 });
        Assert.Equal((AskEnd.Done, 25L, 0L, 25L), (first.End, first.Facts.Answered, first.Facts.Before, first.Facts.Questions));
        Assert.Equal([10, 10, 5], _server.Made.Select(m => m.Length));
        Assert.Equal(Usd.Of(25 * 15 / 1_000_000m), first.Facts.Spent);
        AskResult second = await Ask(Questions(30));
        Assert.Equal((5L, 25L), (second.Facts.Answered, second.Facts.Before));
        Assert.Equal(30, _server.Made.SelectMany(m => m).Distinct().Count());
        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"<question {i}>").Order(StringComparer.Ordinal), Rows<string>("SELECT text FROM choice ORDER BY text"));
        Assert.Equal(30, Rows<long>("SELECT count(*) FROM request r JOIN choice c ON c.request = r.id WHERE instr(CAST(r.body AS TEXT), substr(c.text, 2, length(c.text) - 2)) > 0").Single());
    }

    /// <summary>Each turn of a chain is a batch of its own, since it waits for the answer before it.</summary>
    [Fact]
    public async Task ChainsGoOnFromBatchToBatch()
    {
        AskResult result = await Ask([Of("a", "b", "c"), Of("d"), Of("a", "b")]);
        Assert.Equal((4L, 4L), (result.Facts.Answered, result.Facts.Questions));
        Assert.Equal([["a", "d"], ["b"], ["c"]], _server.Made);
    }

    /// <summary>Half of an expired batch was answered and is kept; the other half goes into the next.</summary>
    [Fact]
    public async Task AnExpiredBatchIsSalvaged()
    {
        _server.Ends = (requests, batch) => batch == 1
            ? new("expired", string.Concat(requests.Take(5).Select(r => FakeBatches.Line(r.Name, r.Text))), string.Concat(requests.Skip(5).Select(r => FakeBatches.NotAsked(r.Name))))
            : new("completed", string.Concat(requests.Select(r => FakeBatches.Line(r.Name, r.Text))));
        AskResult result = await Ask(Questions(10));
        Assert.Equal((AskEnd.Done, 10L, 5L), (result.End, result.Facts.Answered, result.Facts.Faults[FaultKind.Expired]));
        Assert.Equal([10, 5], _server.Made.Select(m => m.Length));
        Assert.Equal(new("batch-1", "expired", 10, 5, 5, 0, 0, 0, 0), result.Batches[0]);
        Assert.Equal(Usd.Of(10 * 15 / 1_000_000m), result.Facts.Spent);
    }

    /// <summary>Refused ones are left, failed ones are sent as often as is allowed.</summary>
    [Fact]
    public async Task WhatFailsGoesIntoTheNextBatchAndWhatIsRefusedDoesNot()
    {
        _server.Ends = (requests, _) => new(
            "completed", string.Concat(requests.Skip(2).Select(r => FakeBatches.Line(r.Name, r.Text))),
            string.Concat(requests.Take(2).Select(r => FakeBatches.Failed(r.Name, r.Text == "question 0" ? 400 : 500))));
        AskResult result = await Ask(Questions(6), new(Attempts: 3));
        Assert.Equal((AskEnd.Done, 4L, 2L), (result.End, result.Facts.Answered, result.Facts.GivenUp));
        Assert.Equal((1L, 3L), (result.Facts.Faults[FaultKind.Refused], result.Facts.Faults[FaultKind.Unavailable]));
        Assert.Equal([["question 1"], ["question 1"]], _server.Made[1..]);
        Assert.Equal(0, Rows<long>("SELECT count(*) FROM attempt WHERE ended IS NULL OR (outcome <> 'answered' AND spent > 0)").Single());
    }

    /// <summary>A line twice, a line of nobody, a line that is cut: each answer goes to its own question once, and what may have been paid is counted.</summary>
    [Fact]
    public async Task StrangeLinesAreCountedAndHarmNothing()
    {
        _server.Ends = (requests, batch) =>
        {
            string[] lines = [.. requests.Select(r => FakeBatches.Line(r.Name, r.Text))];
            return new("completed", batch > 1 ? string.Concat(lines) : lines[0] + FakeBatches.Line(requests[0].Name, "other") + FakeBatches.Line(new string('0', 64), "nobody") + "\0\n" + string.Concat(lines[1..^1]) + lines[^1][..^40]);
        };
        AskResult result = await Ask(Questions(5));
        Assert.Equal(new("batch-1", "completed", 5, 4, 0, 1, 1, 1, 2), result.Batches[0]);
        Assert.Equal((AskEnd.Done, 5L), (result.End, result.Facts.Answered));
        Assert.Equal(["question 4"], _server.Made[1]);
        Assert.Equal(["<question 0>"], Rows<string>("SELECT text FROM choice WHERE text LIKE '%question 0%' OR text LIKE '%other%' OR text LIKE '%nobody%'"));

        // The lost one may have been paid, at the most it could cost.
        Assert.Equal(Usd.Of(5 * 15 / 1_000_000m) + s_price.AtMost(Of("question 4").First, 20), result.Facts.Spent);
    }

    [Theory]
    [InlineData("failed", 0)]
    [InlineData("cancelled", 3)]
    public async Task ABatchThatFailedOrWasCancelledEndsToo(string status, int answered)
    {
        _server.Ends = (requests, batch) => batch == 1 ? new(status, answered == 0 ? null : string.Concat(requests.Take(answered).Select(r => FakeBatches.Line(r.Name, r.Text))), null, "the file is no good") : new("failed", null);
        AskResult result = await Ask(Questions(4), new(Attempts: 1));
        Assert.Equal((AskEnd.Done, (long)answered, 4L - answered), (result.End, result.Facts.Answered, result.Facts.GivenUp));
        Assert.Equal(status == "failed" ? ["the file is no good"] : ["the files of the batch, cancelled, do not hold it"], Rows<string>("SELECT DISTINCT detail FROM attempt WHERE outcome <> 'answered'"));
    }

    /// <summary>The connection breaks before and after each step: no question is in two batches that are made.</summary>
    [Theory]
    [InlineData("POST /files", true)]
    [InlineData("POST /files", false)]
    [InlineData("POST /batches", true)]
    [InlineData("POST /batches", false)]
    [InlineData("GET /batches/batch-1", true)]
    [InlineData("GET /files/file-2/content", false)]
    public async Task ABrokenConnectionSendsNothingTwice(string at, bool before)
    {
        int breaks = 1;
        bool Breaks(string what) => what != at || Interlocked.Decrement(ref breaks) < 0;
        Break(before, Breaks);
        AskResult result = await Ask(Questions(5));
        Assert.Equal((AskEnd.Done, 5L), (result.End, result.Facts.Answered));
        Assert.True(breaks <= 0);
        Assert.Equal(5, Assert.Single(_server.Made).Length);
    }

    /// <summary>A run that ended at any step is taken up by the next: what was made is found again, what was not is sent anew, nothing twice.</summary>
    [Theory]
    [InlineData("POST /files", 1)]
    [InlineData("POST /batches", 1)]
    [InlineData("GET /batches/batch-1", 1)]
    [InlineData("GET /files/file-2/content", 1)]
    public async Task TheNextRunTakesUpWhatIsUnderWay(string at, int attempts)
    {
        foreach (bool before in (bool[])[true, false])
        {
            File.Delete(_scratch["t.db"]);
            _server.Made.Clear();
            bool Breaks(string what) => !what.StartsWith(at.Replace("file-2", "file-", StringComparison.Ordinal).Replace("batch-1", "batch-", StringComparison.Ordinal).Replace("/content", "", StringComparison.Ordinal), StringComparison.Ordinal);
            Break(before, Breaks);
            AskResult first = await Ask(Questions(5), new(Attempts: attempts));
            Assert.Equal((AskEnd.Unavailable, 0L), (first.End, first.Facts.Answered));
            (_server.Before, _server.After) = (_ => true, _ => true);
            AskResult second = await Ask(Questions(7), new(Attempts: attempts));
            Assert.Equal((AskEnd.Done, 7L), (second.End, second.Facts.Answered));
            Assert.Equal(7, _server.Made.Sum(m => m.Length));
            Assert.Equal(0, Rows<long>("SELECT count(*) FROM batch WHERE ended IS NULL").Single());
            Assert.Equal(Usd.Of(7 * 15 / 1_000_000m), second.Facts.Spent);
        }
    }

    [Fact]
    public async Task TheCeilingIsHeldByWhatIsSetAside()
    {
        Usd each = s_price.AtMost(Questions(1)[0].First, 20), most = each * 3;
        AskResult result = await Ask(Questions(100), new(Attempts: 3, Ceiling: most));
        Assert.Equal(AskEnd.Ceiling, result.End);
        Assert.Equal(3, _server.Made[0].Length);
        Assert.InRange(result.Facts.Spent.Pico, (most - each).Pico, most.Pico);
        Assert.True(_server.Made.Count > 1);
        Assert.Equal(AskEnd.Done, (await Ask(Questions(100), new(Ceiling: Usd.Of(1)))).End);
        Assert.Equal(100, _server.Made.SelectMany(m => m).Distinct().Count());
        Assert.Equal(100, _server.Made.Sum(m => m.Length));
    }

    [Fact]
    public async Task AStopLeavesTheBatchUnderWay()
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        _server.Before = what =>
        {
            if (what.StartsWith("GET /batches/", StringComparison.Ordinal))
            {
                stop.Cancel();
            }

            return true;
        };
        Assert.Equal(AskEnd.Stopped, (await Ask(Questions(3), stop: stop.Token)).End);
        _server.Before = _ => true;
        AskResult again = await Ask(Questions(3));
        Assert.Equal((3L, 1), (again.Facts.Answered, _server.Made.Count));
    }

    /// <summary>What an output file holds after ten thousand kinds of damage: answers of known names, or counts.</summary>
    [Fact]
    public void DamagedOutputs()
    {
        string good = FakeBatches.Line("a", "x") + FakeBatches.NotAsked("b") + FakeBatches.Failed("c", 429);
        Random random = new(3);
        int whole = 0;
        for (int i = 0; i < 10_000; i++)
        {
            string[] lines = good.Split('\n')[..3];
            int at = random.Next(3);
            lines[at] = random.Next(2) == 0 ? JsonMutation.Of(lines[at], random) : lines[at];
            byte[] bytes = Encoding.UTF8.GetBytes(string.Join('\n', lines));
            for (int change = random.Next(3); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            BatchOutput output = BatchOutput.Read([bytes[..(random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length)]], n => n is "a" or "b" or "c");
            Assert.All(output.Lines, l => Assert.True(l.Key is "a" or "b" or "c" && l.Value.Reply is null != l.Value.Fault is null));
            whole += output.Lines.GetValueOrDefault("a").Reply is not null ? 1 : 0;
        }

        Assert.InRange(whole, 3_000, 9_900);
    }
}
