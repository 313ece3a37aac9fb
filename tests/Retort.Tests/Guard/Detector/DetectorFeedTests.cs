using Retort.Guard.Detector;

namespace Retort.Tests.Guard.Detector;

public sealed class DetectorFeedTests
{
    [Fact]
    public async Task WhatFindsNoRoomIsCountedAndNeverWaitsFor()
    {
        DetectorFeed feed = new(most: 2, mostBytes: 10);
        Assert.True(feed.Offer(1, "chat/completions", 5, default, "abc"u8));
        Assert.False(feed.Offer(1, "chat/completions", 6, default, "12345678"u8));
        Assert.True(feed.Offer(2, "chat/completions", 7, new(1, 2, 3), ""u8));
        Assert.False(feed.Offer(3, "chat/completions", 8, default, "d"u8));
        Assert.Equal((4, 2), (feed.Offered, feed.Dropped));
        using (WaitingRequest first = (await feed.Take(TestContext.Current.CancellationToken))!)
        {
            Assert.Equal("abc"u8, first.Body.Span);
            Assert.Equal((1L, 5L), (first.Account, first.At));
        }

        using (WaitingRequest second = (await feed.Take(TestContext.Current.CancellationToken))!)
        {
            Assert.Equal((2L, new RequestOrigin(1, 2, 3), 0), (second.Account, second.Origin, second.Length));
        }

        Assert.True(feed.Offer(1, "chat/completions", 9, default, "0123456789"u8));
        feed.Close();
        (await feed.Take(TestContext.Current.CancellationToken))!.Dispose();
        Assert.Null(await feed.Take(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void AResponseIsReadByAccount()
    {
        ResponseTable table = new();
        AccountResponse slow = new(ResponseStep.Slow, IsShadow: false, "case-1", "why", DateTimeOffset.UnixEpoch, Group: 4), shadow = slow with { IsShadow = true };
        Assert.Null(table.Of(7));
        table.Set(7, slow);
        table.Set(300, shadow);
        Assert.Same(slow, table.Of(7));
        Assert.Equal((ResponseStep.Slow, ResponseStep.None), (table.Of(7)!.InForce, table.Of(300)!.InForce));
        Assert.Null(table.Of(8));
        Assert.Null(table.Of(-1));
        table.Set(7, null);
        Assert.Null(table.Of(7));
    }
}
