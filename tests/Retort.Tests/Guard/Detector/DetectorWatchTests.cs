using System.Text;
using System.Text.Json;
using Retort.Guard.Accounts;
using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Tests.Guard.Detector;

public sealed class DetectorWatchTests
{
    const int Honest = 40, Campaign = 40;

    /// <summary>Forty honest accounts and forty that divide a list, through the feed.</summary>
    static async Task<(PathWorld World, List<string> Log)> Watched(string mode)
    {
        PathWorld world = await PathWorld.Start(PathWorld.Tiers + $"detector: {{mode: {mode}}}\n", store =>
        {
            for (int a = 2; a <= Honest + Campaign; a++)
            {
                store.Add($"account-{a}", "free", new(Traits: [(TraitKind.Payment, $"card {a}")]));
            }
        });
        RandomStream random = new(1);
        List<(double Hour, int Account, string Prompt)> asked = [];
        for (int a = 1; a <= Honest + Campaign; a++)
        {
            for (int i = 0; i < 8; i++)
            {
                asked.Add(a <= Honest ? (random.NextDouble() * 64, a, DetectorWorld.Form(1_000_000 + (a * 1000) + i, random)) : (48.2 + (2 * i) + (random.NextDouble() / 3), a, DetectorWorld.Form(random.NextInt(300), random)));
            }
        }

        foreach ((double hour, int account, string prompt) in asked.OrderBy(a => a.Hour))
        {
            Assert.True(world.Policy!.Feed.Offer(account, "chat/completions", (long)(hour * DetectorWorld.Hour), default, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = prompt } } }))));
        }

        List<string> log = [];
        world.Policy!.Feed.Close();
        await using DetectorWatch watch = DetectorWatch.Start(world.Policy, log.Add, world.Clock);
        await watch.Running;
        watch.Look();
        watch.Look();
        return (world, log);
    }

    [Fact]
    public async Task ACampaignIsAskedToVerifyAndThePathSaysWhy()
    {
        (PathWorld world, List<string> log) = await Watched("enforce");
        await using (world)
        {
            Assert.All(Enumerable.Range(1, Honest), a => Assert.Null(world.Policy!.Responses.Of(a)));
            AccountResponse[] given = [.. Enumerable.Range(Honest + 1, Campaign).Select(a => world.Policy!.Responses.Of(a)).OfType<AccountResponse>()];
            Assert.InRange(given.Count(r => r.InForce == ResponseStep.Verify), 35, Campaign);
            Assert.Single(given.Select(r => r.Case).Distinct());
            Assert.Equal(given.Length, log.Count);
            Assert.Equal(log.Count, log.Distinct().Count());
        }
    }

    [Fact]
    public async Task InShadowItIsOnlySaid()
    {
        (PathWorld world, List<string> log) = await Watched("shadow");
        await using (world)
        {
            Assert.All(Enumerable.Range(1, Honest + Campaign), a => Assert.Equal(ResponseStep.None, world.Policy!.Responses.Of(a)?.InForce ?? ResponseStep.None));
            Assert.All(log, l => Assert.Contains("shadow: only said", l, StringComparison.Ordinal));
            Assert.InRange(log.Count, 35, Campaign);
        }
    }
}
