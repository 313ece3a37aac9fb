using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Retort.Evidence.Ledger;
using Retort.Guard.Twins;
using YamlDotNet.RepresentationModel;

namespace Retort.Tests.Guard.Twins;

public sealed class OpenedTwinTests : IDisposable
{
    readonly TwinWorld _world = new();

    public void Dispose() => _world.Dispose();

    async Task<OpenedTwin> Shown()
    {
        using TwinStore twins = _world.Open();
        for (int i = 1; i <= 300; i++)
        {
            TwinTicket ticket = twins.Reserve("a", suspected: false)!;
            if (i is 258 or 260)
            {
                await twins.Serve(ticket, "17", "prompt", $"one {i}", $"two {i}");
            }
        }

        return twins.Show(258)!;
    }

    [Fact]
    public async Task ATwinIsShownWithNothingButTheLogsKey()
    {
        OpenedTwin shown = await Shown();
        Assert.Equal(TwinVerdict.Holds, shown.Verify(_world.Key));
        byte[] coin = HMACSHA256.HashData(shown.Seed.Key.Span, "coin/258"u8);
        Assert.Equal((coin[31] & 1) == 0 ? ("one 258", "two 258") : ("two 258", "one 258"), shown.Answers);
        Assert.Equal(("twin 258", "seed of epoch 1"), (shown.ToString(), shown.Seed.ToString()));
    }

    [Fact]
    public async Task WhateverIsChangedIsNamed()
    {
        OpenedTwin shown = await Shown();
        using LedgerKey other = LedgerKey.Make("x");
        Assert.Equal(TwinVerdict.NotInLog, shown.Verify(other.Public));
        Assert.Equal(TwinVerdict.NotInLog, (shown with { Twin = shown.Twin with { Entry = Changed(shown.Twin.Entry) } }).Verify(_world.Key));
        Assert.Equal(TwinVerdict.NotInLog, (shown with { Committed = shown.Committed with { Entry = Changed(shown.Committed.Entry) } }).Verify(_world.Key));
        TwinContent c = shown.Content;
        Assert.All([c with { First = "x" }, c with { Second = "x" }, c with { First = c.Second, Second = c.First }, c with { Prompt = "x" }, c with { Account = "18" }, c with { Number = 260 }], changed =>
            Assert.Equal(TwinVerdict.TextDiffers, (shown with { Content = changed }).Verify(_world.Key)));
        Assert.Equal(TwinVerdict.TextDiffers, (shown with { Salts = [.. shown.Salts.Skip(1)] }).Verify(_world.Key));
        Assert.Equal(TwinVerdict.SeedDiffers, (shown with { Seed = shown.Seed with { Key = new byte[32] } }).Verify(_world.Key));
        Assert.Equal(TwinVerdict.SeedDiffers, (shown with { Committed = shown.Numbers }).Verify(_world.Key));
        Assert.Equal(TwinVerdict.NotSetAside, (shown with { Numbers = shown.Twin }).Verify(_world.Key));

        // The block of numbers before its own.
        TileReader log = TileReader.Open(Path.Combine(_world.Folder, "ledger"), _world.Key);
        Assert.IsType<TwinEntry.Numbers>(TwinEntry.Parse(log.Entry(2).Span, "entry"));
        Assert.Equal(TwinVerdict.NotSetAside, (shown with { Numbers = new(log.Entry(2), log.Prove(2)) }).Verify(_world.Key));
    }

    /// <summary>Any change of a box's bytes is noticed, and a box is no other twin's.</summary>
    [Fact]
    public void ABoxIsOpenedAsItWasSealedOrNotAtAll()
    {
        Random random = new(1);
        byte[] key = RandomNumberGenerator.GetBytes(32);
        TwinContent content = new(5, DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123), "9", "prompt ü", "a\0b", "");
        byte[] box = content.Seal(key, "log");
        Assert.Equal(content, TwinContent.Open(box, 5, key, "log", "twins.db"));
        Assert.Throws<UserError>(() => TwinContent.Open(box, 6, key, "log", "twins.db"));
        Assert.Throws<UserError>(() => TwinContent.Open(box, 5, key, "gol", "twins.db"));
        for (int i = 0; i < box.Length; i++)
        {
            byte[] bad = [.. box];
            bad[i] ^= (byte)(1 << random.Next(8));
            Assert.Throws<UserError>(() => TwinContent.Open(bad, 5, key, "log", "twins.db"));
            Assert.Throws<UserError>(() => TwinContent.Open(box.AsSpan(0, i), 5, key, "log", "twins.db"));
        }

        Assert.NotEqual(box, content.Seal(key, "log"));
    }

    [Fact]
    public void AnyEntryIsReadOrRefusedByItsField()
    {
        Random random = new(2);
        TwinEntry[] entries = [new TwinEntry.Seed(1, DateTimeOffset.UnixEpoch, "ab"), new TwinEntry.Numbers(1, 1, 256), new TwinEntry.Twin(3, 1, DateTimeOffset.UnixEpoch, "a", "b", "c", "d"), new TwinEntry.Void([1, 5])];
        int read = 0;
        for (int i = 0; i < 2000; i++)
        {
            try
            {
                read += TwinEntry.Parse(JsonMutation.Of(entries[i % 4].ToBytes(), random), "entry") is null ? 0 : 1;
            }
            catch (UserError e)
            {
                Assert.StartsWith("entry", e.Where, StringComparison.Ordinal);
            }
        }

        Assert.InRange(read, 10, 1900);
        Assert.All(entries, e => Assert.Equal(Encoding.UTF8.GetString(e.ToBytes()), Encoding.UTF8.GetString(TwinEntry.Parse(e.ToBytes(), "entry")!.ToBytes())));
    }

    [Fact]
    public void CoinsAreFairAndTellNothingOfTheDraw()
    {
        TwinSeed seed = new(1, new byte[32], new byte[32]);
        int[] coins = [.. Enumerable.Range(1, 10_000).Select(n => seed.Coin(n))];
        Assert.InRange(coins.Sum(), 4800, 5200);
        int same = coins.Index().Count(c => seed.Draws((c.Index + 1).ToString(CultureInfo.InvariantCulture), 0.5) == (c.Item == 1));
        Assert.InRange(same, 4800, 5200);
    }

    [Theory]
    [InlineData("twins: {share: 0.01, suspected_share: 0.25, keep_days: 30}", 0.01, 0.25, 30)]
    [InlineData("twins: {share: 0.5}", 0.5, 0.5, 365)]
    public void TheSectionIsRead(string yaml, double share, double suspected, int days) => Assert.Equal((new(share, suspected, TimeSpan.FromDays(days)), 0), (Section(yaml).Policy, Section(yaml).Faults.Count));

    [Theory]
    [InlineData("twins: {}", "twins.share is missing")]
    [InlineData("twins: {share: 2}", "twins.share must be a number from 0 to 1")]
    [InlineData("twins: {share: 0.5, suspected_share: 0.1}", "twins.suspected_share must not be below share")]
    [InlineData("twins: {share: 0.5, keep_days: 0}", "twins.keep_days must be a whole number from 1")]
    [InlineData("twins: {share: 0.5, keep: 3}", "twins.keep is not a key here")]
    public void EveryFaultIsNamed(string yaml, string what) => Assert.Contains(Section(yaml).Faults, f => f.Contains(what, StringComparison.Ordinal));

    static (TwinPolicy? Policy, List<string> Faults) Section(string yaml)
    {
        List<string> faults = [];
        return (TwinsSection.Read(new(YamlText.Parse(yaml, "guard.yaml", lines: true), "", new(faults, new HashSet<YamlNode>()))), faults);
    }

    static byte[] Changed(ReadOnlyMemory<byte> entry)
    {
        byte[] changed = entry.ToArray();
        changed[^3] ^= 1;
        return changed;
    }
}
