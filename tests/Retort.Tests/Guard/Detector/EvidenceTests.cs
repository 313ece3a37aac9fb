using MathNet.Numerics.Distributions;
using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Tests.Guard.Detector;

/// <summary>Every likelihood ratio is an e-value: where nobody is linked, it passes 1/α in at most a share α of groups.</summary>
public sealed class EvidenceTests
{
    const double Chance = 1e-7;

    [Theory]
    [InlineData(1e4)]
    [InlineData(1e6)]
    [InlineData(1e8)]
    public void StrangersWhoMeetByChanceAreSeldomALikelyList(double exposure)
    {
        double mean = 0;
        Poisson meetings = new(Chance * exposure);
        for (int shared = 0; shared < 400; shared++)
        {
            mean += Math.Exp(meetings.ProbabilityLn(shared) + new DividedList(shared, new HashSet<(long, long)>(), new HashSet<long>(), exposure).LogRatio(Chance));
        }

        Assert.InRange(mean, 0, 1 + 1e-9);
    }

    [Fact]
    public void AListThatIsDividedSaysSoInFewMeetings() =>
        Assert.True(new DividedList(6, new HashSet<(long, long)>(), new HashSet<long>(), 1e6).LogRatio(Chance) > Math.Log(1e5));

    [Fact]
    public void AccountsAtHoursOfTheirOwnAreSeldomInStep()
    {
        const int Groups = 3000;
        RandomStream random = new(11);
        double[] logs = new double[Groups];
        for (int g = 0; g < Groups; g++)
        {
            Population population = new();
            for (int a = 1; a <= 12; a++)
            {
                for (int i = 0; i < 10; i++)
                {
                    population.Add(DetectorWorld.Ask(a, random.NextDouble() * 48, "x"));
                }
            }

            logs[g] = Synchrony.LogRatio(287, [.. population.Trails], population.Active, new double[12]);
        }

        foreach (double alpha in new[] { 0.1, 0.01, 0.001 })
        {
            int passed = logs.Count(l => l >= Math.Log(1 / alpha));
            Assert.True(passed <= (alpha * Groups) + (3 * Math.Sqrt(alpha * Groups)), $"{passed} of {Groups} pass {1 / alpha}");
        }
    }

    [Fact]
    public void AccountsInOneRoundAreInStepAndEachHasItsPart()
    {
        RandomStream random = new(2);
        Population population = new();
        DetectorWorld.Honest(population, 60, 20, 72, random);
        for (int a = 101; a <= 115; a++)
        {
            for (int round = 24; round < 72; round += 2)
            {
                population.Add(DetectorWorld.Ask(a, round + (random.NextDouble() / 3), DetectorWorld.Form(a + round, random)));
            }
        }

        AccountTrail[] rounds = [.. population.Trails.Where(t => t.Id > 100)], others = [.. population.Trails.Where(t => t.Id <= 15)];
        double[] parts = new double[15];
        double inStep = Synchrony.LogRatio(431, rounds, population.Active, parts);
        Assert.True(inStep > 100, $"{inStep}");

        // The first that is counted has nothing before it to be in step with.
        Assert.All(parts[1..], p => Assert.True(p > 3, $"{p}"));
        Assert.True(Synchrony.LogRatio(431, others, population.Active, parts) < 7);
    }

    [Fact]
    public void AValueIsWorthItsRarity()
    {
        // Of 1,000 accounts 300 have one client; ten of them tell nothing. Ten have a payment that nobody else has.
        Dictionary<ulong, int> clients = new() { [1] = 300, [2] = 700 }, payments = Enumerable.Range(1, 990).ToDictionary(i => (ulong)i + 10, _ => 1);
        payments[5] = 10;
        Assert.InRange(SharedValue.LogRatio([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], clients, 1000), -1, 9);
        Assert.True(SharedValue.LogRatio([5, 5, 5, 5, 5, 5, 5, 5, 5, 5], payments, 1000) > 40);
        Assert.InRange(SharedValue.LogRatio([11, 12, 13, 14, 15], payments, 1000), -Math.Log(2), 0);
        Assert.Equal(0, SharedValue.LogRatio([0, 0, 0], payments, 1000));
    }

    [Fact]
    public void StrangersSeldomShareValues()
    {
        const int Groups = 20_000;
        RandomStream random = new(5);
        int passed = 0;
        for (int g = 0; g < Groups; g++)
        {
            ulong[] all = [.. Enumerable.Range(0, 200).Select(_ => 1 + (ulong)random.NextInt(40))];
            passed += SharedValue.LogRatio(all.AsSpan(0, 10), all.CountBy(v => v).ToDictionary(), all.Length) >= Math.Log(100) ? 1 : 0;
        }

        Assert.InRange(passed, 0, (0.01 * Groups) + (3 * Math.Sqrt(0.01 * Groups)));
    }

    [Fact]
    public void AllGroupsShareOnePrior()
    {
        double sum = 0;
        for (int members = 1; members <= 12; members++)
        {
            sum += Math.Exp(ScanPrior.Log(12, members) + MathNet.Numerics.SpecialFunctions.BinomialLn(12, members));
        }

        Assert.Equal(1, sum, 1e-9);
    }

    [Fact]
    public void OneEdgeDoesNotJoinTwoDenseParts()
    {
        Dictionary<int, double>[] edges = [.. Enumerable.Range(0, 24).Select(_ => new Dictionary<int, double>())];
        for (int i = 0; i < 24; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (i / 12 == j / 12 || (i, j) == (12, 0))
                {
                    edges[i][j] = edges[j][i] = 8;
                }
            }
        }

        IReadOnlyList<int[]> found = Communities.Of([.. edges.Select(_ => new Communities.Sums(1, 0, 0, 0, 0))], edges, s => s.Edges - (4.0 * s.Members * (s.Members - 1) / 2));
        Assert.Equal([12, 12], found.Select(c => c.Length));
        Assert.All(found, c => Assert.Single(c.Select(i => i / 12).Distinct()));
    }
}
