using Retort.Guard.Detector;
using Retort.Guard.Replay;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard.Replay;

public sealed class ScenarioTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    Scenario Read(string yaml) => Scenario.Read(_scratch.Write("scenario.yaml", yaml));

    [Fact]
    public void TheExampleIsRead()
    {
        Scenario s = Read(Scenario.Example);
        Assert.Equal(("five hundred accounts", 1UL, 3, 3.0, TimeSpan.FromMinutes(10)), (s.Name, s.Seed, s.Repeats, s.Days, s.AssessEvery));
        Assert.Equal(new CampaignPlan("divided list", 500, 50_000, 26, null, 0.75, false, TimeSpan.FromHours(24), new(TimeSpan.FromHours(2), TimeSpan.FromMinutes(20)), new(0, 0, 0, 0, false, false)), s.Campaigns.Single());
    }

    [Theory]
    [InlineData("seed: 1\n", "name is missing")]
    [InlineData("name: a\ncampaigns: [{name: b}]\n", "campaigns[1].accounts is missing")]
    [InlineData("name: a\ncampaigns: [{name: b, accounts: 3, blend: 2}]\n", "blend must be a number from 0 to 0.99")]
    [InlineData("name: a\nday: 3\n", "did you mean days?")]
    public void AFaultIsNamed(string yaml, string said) => Assert.Contains(said, Assert.Throws<UserError>(() => Read(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void ABrokenScenarioIsAFaultAndNoCrash()
    {
        string[] keys = [.. Scenario.Example.Split('\n', ' ', '{').Where(w => w.EndsWith(':')).Select(w => w.Trim(':')).Distinct()];
        Random random = new(9);
        int read = 0;
        for (int i = 0; i < 3_000; i++)
        {
            string yaml = YamlMutation.Of(Scenario.Example, keys, random);
            Exception? e = Record.Exception(() => Read(yaml));
            Assert.True(e is null or UserError, $"mutation {i}: {e}\n{yaml}");
            read += e is null ? 1 : 0;
        }

        Assert.InRange(read, 60, 2_900);
    }

    [Fact]
    public void EveryShippedScenarioIsRead() => Assert.All(Directory.GetFiles(Repository.PathOf("samples/scenarios"), "*.yaml"), f => Assert.NotEmpty(Scenario.Read(f).Name));

    [Fact]
    public void HalvesOfALibraryShareNoPromptAndNoNarrowOrigin()
    {
        PromptLibrary library = PromptLibrary.Read(Shared.Folder("prompts"));
        foreach (PromptKind kind in new[] { PromptKind.Chat, PromptKind.Narrow, PromptKind.Evaluation })
        {
            IReadOnlyList<PromptSource> one = library.Of(kind, PromptHalf.Calibration), other = library.Of(kind, PromptHalf.Scoring);
            Assert.Empty(one.SelectMany(s => s.Prompts).Intersect(other.SelectMany(s => s.Prompts)));
            Assert.True(one.Sum(s => s.Prompts.Count) > 0 && other.Sum(s => s.Prompts.Count) > 0);
            if (kind == PromptKind.Narrow)
            {
                Assert.Empty(one.Select(s => s.Origin).Intersect(other.Select(s => s.Origin)));
            }
        }
    }

    [Fact]
    public void AListIsStretchedWithPromptsThatAreDifferent()
    {
        string[] list = SlotFilling.List(["Maria buys 12 apples and gives Tom 3 of them. How many has she left?", "Write a Python function that adds 2 numbers."], 60, new(1));
        Assert.Equal(60, list.Distinct().Count());
        Assert.All(list, p => Assert.True(p.Contains("How many has she left?", StringComparison.Ordinal) || p.Contains("function that adds", StringComparison.Ordinal)));
        Assert.Contains(list, p => Paraphrase.Of(p, new(2)) != p);
    }

    [Fact]
    public void WithRealPromptsACampaignIsActedOnAndNobodyHonestIs()
    {
        string prompts = Shared.Folder("prompts"), traffic = Shared.Folder("traffic");
        Scenario scenario = Read("name: small\ndays: 1.4\nassess_minutes: 30\ncampaigns: [{name: c, accounts: 200, per_day: 26, starts_hours: 24.3, timing: {round_minutes: 120, spread_minutes: 20}}]\n");
        ReplayReport report = ReplayJob.Run(scenario, prompts, traffic, DetectorOptions.Default, _ => { }, TestContext.Current.CancellationToken);
        Assert.All(report.Honest, h => Assert.Equal(0, h.Accounts.Count));
        Assert.All(report.Honest, h => Assert.InRange(h.Sources.High, 0.01, 0.99));
        CampaignRate campaign = report.Campaigns.Single();
        Assert.Equal((1, 200), (campaign.Found.Count, campaign.Accounts.Of));
        Assert.InRange(campaign.Accounts.Count, 150, 200);
        Assert.InRange(campaign.Taken!.Most, 0, 0.04);
    }

    [Fact]
    public void BoundsAreThoseOfClopperAndPearson()
    {
        // 0 of 30: 1 − 0.025^(1/30); 8 of 10 as in tables.
        Assert.Equal(1 - Math.Pow(0.025, 1 / 30.0), CountedRate.From(0, 30).High, 1e-9);
        CountedRate eight = CountedRate.From(8, 10);
        Assert.Equal((0.4439, 0.9748), (Math.Round(eight.Low, 4), Math.Round(eight.High, 4)));
    }
}
