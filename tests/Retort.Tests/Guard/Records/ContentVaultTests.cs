using System.Text;
using Retort.Guard.Records;
using Retort.Tests.Guard.Answers;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard.Records;

public class ContentVaultTests
{
    static readonly string s_secret = new('s', 32);

    static KeptContents Of(int number) => new($"{number:x32}", Encoding.UTF8.GetBytes($"ASKED-WORD {number}"), Encoding.UTF8.GetBytes($"answer {number}"));

    [Fact]
    public void WhatWasKeptIsReadUnderTheSecretAloneAndRemovedInTime()
    {
        using Scratch scratch = new();
        GuardClock clock = new();
        ContentVault vault = new(scratch.Folder, s_secret, keepDays: 2, clock);
        vault.Write([Of(1), Of(2)]);
        vault.Write([Of(3)]);
        DateOnly day = DateOnly.FromDateTime(clock.Now.UtcDateTime);
        Assert.Equal(["ASKED-WORD 1", "ASKED-WORD 2", "ASKED-WORD 3"], vault.Read(day).Select(c => Encoding.UTF8.GetString(c.Request)));
        Assert.Equal("answer 2", Encoding.UTF8.GetString(vault.Read(day).ElementAt(1).Response));
        string file = Directory.GetFiles(scratch.Folder, "*", SearchOption.AllDirectories)[0];
        Assert.DoesNotContain("ASKED-WORD", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.Throws<UserError>(() => new ContentVault(scratch.Folder, new string('t', 32), 2, clock).Read(day).ToArray());
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        Assert.Throws<UserError>(() => vault.Read(day).ToArray());

        clock.Pass(TimeSpan.FromDays(2));
        vault.Write([]);
        Assert.NotEmpty(Directory.GetDirectories(scratch["contents"]));
        clock.Pass(TimeSpan.FromDays(1));
        vault.Write([]);
        Assert.Empty(Directory.GetDirectories(scratch["contents"]));
    }

    [Fact]
    public async Task ThePathKeepsBothSidesWhereThePolicySaysSo()
    {
        await using PathWorld world = await PathWorld.Start(PathWorld.Tiers + "records: {contents: encrypted, keep_days: 3}\n");
        world.Upstream.Answer = http => FakeUpstream.Events(http, FakeUpstream.Chunk("a"), FakeUpstream.Usage(7, 2), "[DONE]");
        await world.Ask(PathWorld.StreamQuestion);
        await world.Decisions();
        KeptContents kept = Assert.Single(new ContentVault(world.Policy!.Policy.Store, Retort.Tests.Guard.Accounts.AccountWorld.PepperText, 3, world.Clock).Read(DateOnly.FromDateTime(world.Clock.Now.UtcDateTime)));
        Assert.Equal((PathWorld.StreamQuestion, FakeUpstream.Chunk("a") + "\n"), (Encoding.UTF8.GetString(kept.Request), Encoding.UTF8.GetString(kept.Response)));
    }
}
