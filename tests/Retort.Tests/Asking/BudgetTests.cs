using Retort.Asking;

namespace Retort.Tests.Asking;

public class BudgetTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    static Usd Cents(int cents) => Usd.Of(cents / 100m);

    /// <summary>Many ask at once, each sets the most aside and spends some of it: never beyond the ceiling, and all that fits is spent.</summary>
    [Fact]
    public async Task SpendingNeverPassesTheCeiling()
    {
        Budget budget = new(Usd.Of(1), Cents(10));
        int went = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 500), new ParallelOptions { MaxDegreeOfParallelism = 40, CancellationToken = Stop }, async (i, stop) =>
        {
            if (await budget.Reserve(Cents(3), stop))
            {
                await Task.Yield();
                budget.Settle(Cents(3), Cents(1));
                Interlocked.Increment(ref went);
                Assert.True(budget.Spent <= budget.Ceiling!.Value);
            }
        });
        Assert.Equal(Cents(10 + went), budget.Spent);
        Assert.InRange(budget.Spent.Dollars, 0.98m, 1m);
    }

    /// <summary>What does not fit now may fit when others have given back what they did not need.</summary>
    [Fact]
    public async Task WaitsForWhatOthersGiveBack()
    {
        Budget budget = new(Cents(10), default);
        Assert.True(await budget.Reserve(Cents(8), Stop));
        Task<bool> second = budget.Reserve(Cents(5), Stop);
        Assert.False(second.IsCompleted);
        budget.Settle(Cents(8), Cents(2));
        Assert.True(await second);
        budget.Settle(Cents(5), Cents(5));
        Assert.False(await budget.Reserve(Cents(4), Stop));
        Assert.True(await budget.Reserve(Cents(3), Stop));
    }

    [Fact]
    public async Task WithoutACeilingAllIsGranted() => Assert.True(await new Budget(null, Usd.Of(1000)).Reserve(Usd.Of(1000), Stop));

    [Theory]
    [InlineData(0.25, 2, 1_000_000, 0, "0.25")]
    [InlineData(0.25, 2, 3, 5, "0.00001075")]
    [InlineData(0.01, 0, 1, 0, "0.00000001")]
    public void PricesAreExact(double prompt, double completion, long promptTokens, long completionTokens, string dollars) =>
        Assert.Equal(decimal.Parse(dollars, System.Globalization.CultureInfo.InvariantCulture), new Price((decimal)prompt, (decimal)completion, DateOnly.MinValue, null).Of(promptTokens, completionTokens).Dollars);
}
