using Dapper;
using Microsoft.Data.Sqlite;
using Retort.Asking.Runs;

namespace Retort.Tests.Asking.Runs;

/// <summary>Whatever happens to a row is named with its line.</summary>
public sealed class TranscriptAuditTests : IDisposable
{
    const string WholeFile = "transcripts.jsonl: It is not what was recorded by entry 8";

    readonly RunWorld _world = new RunWorld().Recorded();
    readonly string[] _lines;

    public TranscriptAuditTests() => _lines = File.ReadAllLines(_world.Files.Export);

    public void Dispose() => _world.Dispose();

    string[] With(params string[] lines)
    {
        File.WriteAllText(_world.Files.Export, string.Concat(lines.Select(l => l + "\n")));
        string[] findings = _world.Findings();
        Assert.Equal(WholeFile, findings[0]);
        return findings[1..];
    }

    [Theory]
    [InlineData("is “left”", "is “right”", "Its answer is not what entry 3 commits to")]
    [InlineData("small-weights", "other-weights", "Its terms are not what entry 3 commits to")]
    [InlineData("0.000012", "0.000011", "Its facts are not what entry 3 commits to")]
    [InlineData("\"leaf\":3", "\"leaf\":4", "No entry 4 commits to an answer 3/0")]
    [InlineData("Which", "Where", "The id is not that of the question")]
    [InlineData("\"leaf\":3", "\"leaf\": 3", "The line is not canonical JSON with the fields of its format and no others")]
    [InlineData("\"leaf\":3", "\"leaf\":3,\"more\":1", "The line is not canonical JSON with the fields of its format and no others")]
    public void AChangedRow(string from, string to, string what) =>
        Assert.Equal($"transcripts.jsonl, line 3: {what}", Assert.Single(With([.. _lines[..2], _lines[2].Replace(from, to, StringComparison.Ordinal), .. _lines[3..]])));

    [Fact]
    public void ADeletedRow() => Assert.Equal("transcripts.jsonl: The line of answer 3/0, entry 3, is missing", Assert.Single(With([.. _lines[..2], .. _lines[3..]])));

    [Fact]
    public void SwappedRows() => Assert.Equal("transcripts.jsonl, line 3: Answer 2/0 of entry 2 stands in another's place", Assert.Single(With(_lines[0], _lines[2], _lines[1], _lines[3], _lines[4])));

    [Fact]
    public void ARowThatStandsTwice() => Assert.Equal("transcripts.jsonl, line 6: Answer 1/0 of entry 1 stands in another's place", Assert.Single(With([.. _lines, _lines[0]])));

    [Fact]
    public void ARemovedTail() => Assert.Equal(["transcripts.jsonl: The line of answer 4/0, entry 4, is missing", "transcripts.jsonl: The line of answer 5/0, entry 5, is missing"], With(_lines[..3]));

    [Fact]
    public void AnAnswerGivenToAnotherQuestion()
    {
        string swapped = _lines[1].Replace(RunWorld.Answer(1), RunWorld.Answer(2), StringComparison.Ordinal);
        Assert.NotEqual(_lines[1], swapped);
        Assert.Equal("transcripts.jsonl, line 2: Its answer is not what entry 2 commits to", Assert.Single(With([_lines[0], swapped, .. _lines[2..]])));
    }

    [Fact]
    public void AnyByteOfTheExportIsFoundAndItsLineNamed()
    {
        byte[] good = File.ReadAllBytes(_world.Files.Export);
        Random random = new(3);
        for (int i = 0; i < 300; i++)
        {
            int at = random.Next(good.Length);
            byte[] bad = [.. good];
            bad[at] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(_world.Files.Export, bad);
            int line = 1 + good.AsSpan(0, at).Count((byte)'\n');
            Assert.Contains(_world.Audit().Findings, f => f.File == "transcripts.jsonl" && f.Row == $"line {line}");
        }
    }

    [Fact]
    public void ADeletedAnswerOfTheStore()
    {
        using (SqliteConnection db = new($"Data Source={_world.Files.Store};Pooling=False"))
        {
            db.Execute("PRAGMA foreign_keys = OFF; DELETE FROM choice WHERE request = 2");
        }

        Assert.Equal(["transcripts.db: It is not what was recorded by entry 8", "transcripts.db, answer 2/0: It is gone; entry 2 commits to it"], _world.Findings());
    }

    [Fact]
    public void AnAnswerThatCameLater()
    {
        _world.Ask(1);
        Assert.Equal(["transcripts.db: It is not what was recorded by entry 8", "transcripts.db, answer 6/0: No entry commits to it; it came after the ledger was last written"], _world.Findings());
    }

    /// <summary>Bytes of the store at random: the file is named whatever SQLite makes of it.</summary>
    [Fact]
    public void AnyByteOfTheStoreIsFound()
    {
        byte[] good = File.ReadAllBytes(_world.Files.Store);
        Random random = new(4);
        for (int i = 0; i < 200; i++)
        {
            byte[] bad = [.. good];
            bad[random.Next(good.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(_world.Files.Store, bad);
            Assert.Contains(_world.Audit().Findings, f => f is { File: "transcripts.db", Row: null });
        }

        Assert.Equal(RunFiles.StoreName, Path.GetFileName(_world.Files.Store));
    }
}
