using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Tests.Guard.Detector;

public sealed class DrainDetectorTests
{
    /// <summary>Accounts that divide a list of forms among them, in rounds of two hours.</summary>
    static void Campaign(Population population, int accounts, int forms, int rounds, RandomStream random)
    {
        for (int round = 0; round < rounds; round++)
        {
            for (int a = 0; a < accounts; a++)
            {
                population.Add(DetectorWorld.Ask(1001 + a, 48.2 + (2 * round) + (random.NextDouble() / 3), DetectorWorld.Form(random.NextInt(forms), random)));
            }
        }
    }

    [Fact]
    public void WhereNobodyHasAskedThereIsNoGroup() => Assert.Empty(new DrainDetector(new(), DetectorOptions.Default).Assess());

    [Fact]
    public void AListDividedInRoundsIsActedOnAndNobodyElseIs()
    {
        RandomStream random = new(1);
        Population population = new();
        DetectorWorld.Honest(population, 200, 15, 72, random);
        Assert.All(new DrainDetector(population, DetectorOptions.Default).Assess(), v => Assert.Empty(v.Acted));
        Campaign(population, 60, 400, 6, random);
        long[] acted = [.. new DrainDetector(population, DetectorOptions.Default).Assess().SelectMany(v => v.Acted)];
        Assert.DoesNotContain(acted, a => a <= 1000);
        Assert.InRange(acted.Length, 55, 60);
    }

    [Fact]
    public void TheSameItemsAreAHarnessAndNoCampaign()
    {
        RandomStream random = new(1);
        Population population = new();
        DetectorWorld.Honest(population, 100, 15, 72, random);
        string[] benchmark = [.. Enumerable.Range(0, 120).Select(f => DetectorWorld.Form(f, random))];
        for (int a = 1001; a <= 1030; a++)
        {
            foreach ((int i, string item) in benchmark.Index())
            {
                population.Add(DetectorWorld.Ask(a, 50 + (i * 0.01), item));
            }
        }

        Assert.All(new DrainDetector(population, DetectorOptions.Default).Assess(), v => Assert.Empty(v.Acted));
    }

    [Fact]
    public void WhoIsBusyAtTheSameTimeAloneIsNotActedOn()
    {
        RandomStream random = new(1);
        Population population = new();
        DetectorWorld.Honest(population, 100, 15, 72, random);
        for (int a = 1001; a <= 1040; a++)
        {
            for (int round = 0; round < 12; round++)
            {
                population.Add(DetectorWorld.Ask(a, 48.2 + (2 * round) + (random.NextDouble() / 6), DetectorWorld.Form(9_000_000 + (a * 100) + round, random)));
            }
        }

        IReadOnlyList<DrainVerdict> verdicts = new DrainDetector(population, DetectorOptions.Default).Assess();
        Assert.Contains(verdicts, v => v.Finding.Members.Count >= 35 && v.Finding.Families[EvidenceFamily.Timing] > 100);
        Assert.All(verdicts, v => Assert.Empty(v.Acted));
    }

    [Fact]
    public void AHubThatManyMeetIsNoGroup()
    {
        // One account has asked every form of a public list; thirty others ask one of them each, at one time.
        RandomStream random = new(1);
        Population population = new();
        DetectorWorld.Honest(population, 100, 15, 72, random);
        for (int f = 0; f < 200; f++)
        {
            population.Add(DetectorWorld.Ask(1000, 50, DetectorWorld.Form(f, random)));
        }

        for (int a = 1001; a <= 1030; a++)
        {
            population.Add(DetectorWorld.Ask(a, 50.1, DetectorWorld.Form(a - 1000, random)));
            population.Add(DetectorWorld.Ask(a, 52.1, DetectorWorld.Form(9_000_000 + a, random)));
        }

        Assert.All(new DrainDetector(population, DetectorOptions.Default).Assess(), v => Assert.DoesNotContain(1000, v.Acted));
        Assert.All(new DrainDetector(population, DetectorOptions.Default).Assess(), v => Assert.True(v.Finding.List.Shared <= 3));
    }
}
