using System.Globalization;
using System.Text.Json;
using Retort.Asking;
using Retort.Evidence.Terms;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

/// <summary>What asking may cost in all is said before the first request, and never passed by an endpoint that counts as much as it may.</summary>
public sealed class ForecastTests : IDisposable
{
    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    string Recipe(ListingEndpoint server, string data = "", string money = "money: {prompt: 3, completion: 7}", string ask = "max_tokens: 12, system: Be brief.")
    {
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 10).Select(i => $"{{\"prompt\": \"What is said of day number {i} in the {i}th month?\"}}\n")));
        return _scratch.Write("r.yaml", $"teacher: {server.Url}#small\nterms: {{teacher: own-model}}\ndata: {{prompts: p.jsonl{data}}}\nask: {{{ask}}}\n{money}\n");
    }

    async Task<(CollectResult.Asked Asked, IReadOnlyList<Forecast> Forecasts)> Collect(string recipe)
    {
        List<Forecast> forecasts = [];
        CollectResult result = await CollectJob.Run(AskRecipe.Read(recipe), new(_scratch["run"], TermsRegister.Read(Repository.PathOf("terms")), _ => null), forecasts.Add, _ => { }, TimeProvider.System, Stop);
        return (Assert.IsType<CollectResult.Asked>(result), forecasts);
    }

    /// <summary>Of what growing asks for, so many new prompts a request; anything else gets a sentence.</summary>
    static Func<string, string> Grows(int each) => asked =>
    {
        if (!asked.Contains("(Set ", StringComparison.Ordinal))
        {
            return $"It is said of {asked.Length} that it rains.";
        }

        int set = int.Parse(asked.Split("(Set ")[1].Split('.')[0], CultureInfo.InvariantCulture);
        return JsonSerializer.Serialize(Enumerable.Range(0, each).Select(i => string.Join(' ', Enumerable.Range(0, 6).Select(w => $"word{set}x{i}x{w}\"\u00e9"))));
    };

    [Theory]
    [InlineData(8)]
    [InlineData(2)]
    [InlineData(1)]
    [InlineData(0)]
    public async Task ProbeAndGrowingAreInTheSum(int each)
    {
        using ListingEndpoint server = new("{}") { Says = Grows(each) };
        string recipe = Recipe(server, ", grow: {to: 30}");
        (CollectResult.Asked asked, IReadOnlyList<Forecast> forecasts) = await Collect(recipe);
        Forecast first = forecasts[0];
        Assert.Equal((10L, 10L, 6L, 30L), (first.Questions, first.Left, first.Probe!.Likely, first.Grown!.Most));
        Assert.Equal((4L, 32L), (first.Growing!.Likely, first.Growing.Most));
        Assert.Equal(first.AtMost + first.Probe.AtMost + first.Growing.AtMost + first.Grown.AtMost, first.InAll);
        Assert.Equal(each == 0 ? 0 : 30, asked.Growth!.Kept);
        Assert.InRange(asked.Growth.Requests, 1, (int)first.Growing.Most);
        Assert.InRange(asked.Store.Spent.Pico, 1, first.InAll!.Value.Pico);
        Assert.InRange(server.Chats, 7, first.Left + first.Probe.Most + first.Growing.Most + first.Grown.Most);

        // Once it is grown, the questions are known: no part of it is unknown any more, and the next run foresees nothing.
        Assert.Equal((null, null, null, asked.Growth.Kept + 10L), (forecasts[1].Probe, forecasts[1].Growing, forecasts[1].Grown, forecasts[1].Left));
        int chats = server.Chats;
        (_, IReadOnlyList<Forecast> again) = await Collect(recipe);
        Assert.Equal((chats, 0L, default(Usd), null), (server.Chats, again[0].Left, again[0].InAll, again[0].Growing));
    }

    /// <summary>A run that ended half-way foresees what is left, and that is not passed either.</summary>
    [Fact]
    public async Task WhatIsLeftOfGrowingIsForeseen()
    {
        using ListingEndpoint server = new("{}") { Says = Grows(1) };
        (CollectResult.Asked cut, IReadOnlyList<Forecast> forecasts) = await Collect(Recipe(server, ", grow: {to: 30}", "money: {prompt: 3, completion: 7, ceiling: 0.15}"));
        Assert.Equal(AskEnd.Ceiling, cut.End);
        Assert.InRange(cut.Growth!.Kept, 4, 26);
        (CollectResult.Asked rest, IReadOnlyList<Forecast> again) = await Collect(Recipe(server, ", grow: {to: 30}"));
        Assert.Null(again[0].Probe);
        Assert.InRange(again[0].Growing!.Most, 4, forecasts[0].Growing!.Most - 4);
        Assert.InRange((rest.Store.Spent - cut.Store.Spent).Pico, 1, again[0].InAll!.Value.Pico);
        Assert.Equal(30, rest.Growth!.Kept);
    }

    [Fact]
    public async Task WithoutPricesRequestsAreCountedAllTheSame()
    {
        using ListingEndpoint server = new("{}") { Says = Grows(8) };
        (_, IReadOnlyList<Forecast> forecasts) = await Collect(Recipe(server, ", grow: {to: 5}", money: ""));
        Assert.Equal((null, null, 4L), (forecasts[0].InAll, forecasts[0].Probe!.AtMost, forecasts[0].Growing!.Likely));
        File.Delete(Path.Combine(_scratch["run"], "transcripts.db"));
        (_, IReadOnlyList<Forecast> endless) = await Collect(Recipe(server, ", grow: {to: 5}", ask: "temperature: 0"));
        Assert.Equal((null, null), (endless[0].InAll, endless[0].Grown!.AtMost));
    }
}
