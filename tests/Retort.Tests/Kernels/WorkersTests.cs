using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class WorkersTests
{
    [Fact]
    public void ResultsDoNotDependOnThreads()
    {
        const int Items = 257;
        float[] x = Draw.Floats(1, Items * 64);
        float[]? first = null;
        for (int threads = 1; threads <= 3; threads++)
        {
            using Workers workers = new(threads);
            Assert.Equal(threads, workers.Threads);
            float[] sums = new float[Items];
            workers.Run(Items, (item, worker) =>
            {
                Assert.InRange(worker, 0, threads - 1);
                for (int i = 0; i < 64; i++)
                {
                    sums[item] += x[(item * 64) + i];
                }
            });
            first ??= sums;
            Assert.Equal(first, sums);
        }
    }

    [Fact]
    public void EveryItemRunsOnce()
    {
        using Workers workers = new(3);
        foreach (int items in new[] { 0, 1, 2, 3, 7, 1000 })
        {
            int[] runs = new int[items];
            workers.Run(items, (item, _) => Interlocked.Increment(ref runs[item]));
            Assert.All(runs, n => Assert.Equal(1, n));
        }
    }

    [Fact]
    public void NoItemsNeverCallTheBody()
    {
        using Workers workers = new(2);
        workers.Run(0, (_, _) => Assert.Fail("called"));
        workers.Run(-1, (_, _) => Assert.Fail("called"));
    }

    /// <summary>Pauses around the length of the spin, with more threads than processors: the moment a worker goes to sleep while the next
    /// run is announced. A lost wake-up hangs here.</summary>
    [Theory]
    [InlineData(2, 2000)]
    [InlineData(3, 1000)]
    [InlineData(6, 500)]
    public void ManyTinyRunsAllFinish(int threads, int rounds)
    {
        using Workers workers = new(threads);
        Random random = new(threads);
        int total = 0;
        for (int round = 0; round < rounds; round++)
        {
            workers.Run(2 + (round % 5), (_, _) => Interlocked.Increment(ref total));
            Thread.SpinWait(round % 16 == 0 ? random.Next(20_000) : 10);
        }

        Assert.Equal(Enumerable.Range(0, rounds).Sum(round => 2 + (round % 5)), total);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnExceptionSurfacesAsItselfAndThePoolGoesOn(int threads)
    {
        using Workers workers = new(threads);
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => workers.Run(100, (item, _) =>
        {
            if (item == 37)
            {
                throw new InvalidOperationException("item 37");
            }
        }));
        Assert.Equal("item 37", thrown.Message);
        int done = 0;
        workers.Run(50, (_, _) => Interlocked.Increment(ref done));
        Assert.Equal(50, done);
    }

    [Fact]
    public void NoThreadsAreRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new Workers(0));
}
