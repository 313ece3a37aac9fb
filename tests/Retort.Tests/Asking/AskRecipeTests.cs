using System.Globalization;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

public sealed class AskRecipeTests : IDisposable
{
    const string Recipe = """
        name: mine
        teacher: https://api.example.com/v1#small
        more_teachers:
          - {model: "https://api.example.com/v1#large", terms: large, price: {prompt: 1, completion: 8, since: 2026-02-01, source: there}}
          - {model: "http://localhost:8080/v1#own", key: OWN_KEY, price: {prompt: 0, completion: 0}}
        data: {prompts: p.jsonl, format: csv, template: "Say {a}", gold: b, grow: {to: 9, per_request: 3, seeds: s.txt, similarity: 0.6, rounds: 2, temperature: 0.5, seed: 4}}
        ask:
          key: EXAMPLE_KEY
          system: Answer briefly.
          max_tokens: 300
          temperature: 0.7
          stop: ["\n", END]
          top_logprobs: 5
          batch: true
        terms: {teacher: mine, permissions: [contract.yaml]}
        money: {ceiling: 5, batch_discount: 0.5, prompt: 0.25, completion: 2, since: 2026-01-31, source: "https://example.com/prices"}
        pace: {requests_per_minute: 500, in_flight: 8, attempts: 3}
        """;

    const string Prices = """
        prices:
          - {host: api.example.com, model: small, prompt: 0.25, completion: 2, since: 2026-01-31}
          - {host: api.example.com, model: small, prompt: 0.2, completion: 1.5, since: 2026-06-01, source: somewhere}
          - {host: api.example.com, model: "small-*", prompt: 0.1, completion: 1, since: 2026-01-31}
          - {model: "*", prompt: 9, completion: 9, since: 2026-01-01}
        """;

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void EveryKeyIsRead()
    {
        AskRecipe r = AskRecipe.Read(_scratch.Write("r.yaml", Recipe));
        Assert.Equal(("mine", "https://api.example.com/v1#small", _scratch["p.jsonl"], "EXAMPLE_KEY", "Answer briefly."), (r.Name, r.Teacher.ToString(), Assert.Single(r.Prompts), r.Key, r.SystemTurn));
        Assert.Equal((300, 0.7, 5, 500.0, 8, 3), (r.Parameters.MaxTokens, r.Parameters.Temperature, r.Parameters.TopLogProbabilities, r.RequestsPerMinute, r.InFlight, r.Attempts));
        Assert.Equal(["\n", "END"], r.Parameters.Stop);
        Assert.Equal([_scratch["contract.yaml"]], r.Terms.Permissions);
        Assert.Equal((new PromptOptions("Answer briefly.", PromptFormat.Csv, "Say {a}", "b"), new GrowOptions(9, 3, _scratch["s.txt"], 0.6, 2, 0.5, 4), true, 0.5), (r.Reading, r.Grow, r.Batch, r.BatchDiscount));
        Assert.Equal((Usd.Of(5), new Price(0.25m, 2, new(2026, 1, 31), "https://example.com/prices")), (r.Ceiling, r.Price));
    }

    /// <summary>A key where its variable's name belongs is refused without being repeated.</summary>
    [Theory]
    [InlineData("sk-abcdefghijklmnopqrstuvwx")]
    [InlineData("AIzaSyA0123456789abcdefghijklmnopqrstuv")]
    [InlineData("9KEY")]
    public void AKeyItselfIsNoName(string key)
    {
        UserError error = Assert.Throws<UserError>(() => AskRecipe.Read(_scratch.Write("r.yaml", Recipe.Replace("EXAMPLE_KEY", key, StringComparison.Ordinal))));
        Assert.Contains("environment variable", error.What, StringComparison.Ordinal);
        Assert.DoesNotContain(key, error.What + error.Where + error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void MoreTeachersHaveTheirOwnKeyTermsAndPrice()
    {
        AskRecipe r = AskRecipe.Read(_scratch.Write("r.yaml", Recipe));
        Assert.Equal(["https://api.example.com/v1#small", "https://api.example.com/v1#large", "http://localhost:8080/v1#own"], r.Teachers.Select(t => t.Model.ToString()));

        // A key goes to its own address alone.
        Assert.Equal(["EXAMPLE_KEY", "EXAMPLE_KEY", "OWN_KEY"], r.Teachers.Select(t => t.Key));
        Assert.Equal(["mine", "large", null], r.Teachers.Select(t => t.Terms));
        Assert.Equal([0.25m, 1m, 0m], r.Teachers.Select(t => t.Price!.Prompt));
        AskRecipe keyless = AskRecipe.Read(_scratch.Write("r.yaml", Recipe.Replace("key: OWN_KEY, ", "", StringComparison.Ordinal)));
        Assert.Null(keyless.Teachers[2].Key);
    }

    [Fact]
    public void OneThatIsLeftOutMakesRoomForTheNext()
    {
        AskRecipe r = AskRecipe.Read(_scratch.Write("r.yaml", Recipe)), without = r.Without(["https://API.example.com/v1/#small"], out string? fault);
        Assert.Null(fault);
        Assert.Equal(("https://api.example.com/v1#large", "EXAMPLE_KEY", "large", 8m), (without.Teacher.ToString(), without.Key, without.Terms.Teacher, without.Price!.Completion));
        Assert.Equal(["https://api.example.com/v1#large", "http://localhost:8080/v1#own"], without.Teachers.Select(t => t.Model.ToString()));
        Assert.Equal(["https://api.example.com/v1#small"], without.LeftOut.Select(t => t.Model.ToString()));
        AskRecipe again = without.Without(["https://api.example.com/v1#small", "http://localhost:8080/v1#own"], out fault), named = AskRecipe.Read(_scratch.Write("r.yaml", Recipe), "without=[http://localhost:8080/v1#own, https://api.example.com/v1#small]");
        Assert.Null(fault);
        Assert.Equal(["https://api.example.com/v1#large"], again.Teachers.Select(t => t.Model.ToString()));
        Assert.Equal(again.Teachers, named.Teachers);
        Assert.Same(r, r.Without(["https://api.example.com/v1#tiny"], out fault));
        Assert.Equal("https://api.example.com/v1#tiny is none of the recipe's teachers: https://api.example.com/v1#small, https://api.example.com/v1#large, http://localhost:8080/v1#own", fault);
        again.Without(["https://api.example.com/v1#large"], out fault);
        Assert.Equal("there is no other teacher than https://api.example.com/v1#large", fault);
    }

    [Theory]
    [InlineData("more_teachers=models/x", "more_teachers[1].model must be an endpoint")]
    [InlineData("more_teachers=[{key: A}]", "more_teachers[1].model is missing")]
    [InlineData("more_teachers=https://api.example.com/v1/#small", "more_teachers[1].model is a teacher already: https://api.example.com/v1#small")]
    [InlineData("more_teachers=[https://b/v1#c, {model: https://b/v1#c, price: {prompt: 1, completion: 1}}]", "more_teachers[2].model is a teacher already")]
    [InlineData("more_teachers=https://b/v1#c", "but https://b/v1#c has none")]
    [InlineData("more_teachers=https://b/v1", "more_teachers[1].model is at fault: the endpoint names no model")]
    [InlineData("more_teachers=[{model: https://b/v1#c, price: {prompt: 1, completion: 1}, kye: A}]", "more_teachers[1].kye is not a key here; did you mean key?")]
    [InlineData("more_teachers=[{model: https://b/v1#c, price: {prompt: 1, completion: 1}, key: sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}]", "more_teachers[1].key must be the name of an environment variable")]
    [InlineData("without=https://b/v1#c", "without is at fault: https://b/v1#c is none of the recipe's teachers")]
    [InlineData("without=[https://api.example.com/v1#small, https://api.example.com/v1#large, http://localhost:8080/v1#own]", "without is at fault: there is no other teacher")]
    public void FaultsOfSeveralTeachersAreNamed(string change, string what)
    {
        UserError error = Assert.Throws<UserError>(() => AskRecipe.Read(_scratch.Write("r.yaml", Recipe), change));
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-aaa", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The day decides, then the more exact name; what nobody prices has no price.</summary>
    [Theory]
    [InlineData("api.example.com", "small", "2026-05-31", 0.25)]
    [InlineData("api.example.com", "small", "2026-06-01", 0.2)]
    [InlineData("api.example.com", "small-fast", "2026-06-01", 0.1)]
    [InlineData("api.example.org", "small", "2026-06-01", 9.0)]
    [InlineData("api.example.org", "small", "2025-06-01", null)]
    public void PricesGoByHostNameAndDay(string host, string model, string day, double? prompt) => Assert.Equal(
        (decimal?)prompt, PriceTable.Read(_scratch.Write("p.yaml", Prices)).For(new($"https://{host}/v1", model), DateOnly.Parse(day, CultureInfo.InvariantCulture))?.Prompt);

    [Theory]
    [InlineData(Recipe + "\nwithout: [\"https://api.example.com/v1#small\", \"http://localhost:8080/v1#own\"]")]
    [InlineData(Prices)]
    public void DamagedFiles(string good)
    {
        string[] keys = [.. good.Split('\n', ' ', '{').Where(w => w.EndsWith(':')).Select(w => w.Trim(':')).Distinct()];
        Random random = new(9);
        int read = 0;
        for (int i = 0; i < 10_000; i++)
        {
            string path = _scratch.Write("r.yaml", YamlMutation.Of(good, keys, random));
            Exception? e = Record.Exception(() =>
            {
                if (good != Prices)
                {
                    AskRecipe.Read(path);
                }
                else
                {
                    PriceTable.Read(path);
                }
            });
            Assert.True(e is null or UserError, $"mutation {i}: {e}\n{File.ReadAllText(path)}");
            read += e is null ? 1 : 0;
        }

        Assert.InRange(read, 200, 9_500);
    }
}
