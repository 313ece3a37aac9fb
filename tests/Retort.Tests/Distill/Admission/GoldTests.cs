using Retort.Distill;

namespace Retort.Tests.Distill;

public class GoldTests
{
    [Theory]
    [InlineData("It is 42.", "42")]
    [InlineData("First 3, then 4: 12 apples", "12")]
    [InlineData("#### 1,234", "1234")]
    [InlineData("It is 7\n#### 8", "8")]
    [InlineData("So 5 × 2 = \\boxed{10} by rule 3", "10")]
    [InlineData("\\boxed{\\frac{1}{2}}", "0.5")]
    [InlineData("\\boxed{-\\dfrac{3}{4}} of 9", "-0.75")]
    [InlineData("$1,234,567.50 in all", "1234567.5")]
    [InlineData("12{,}000", "12000")]
    [InlineData("12\u202F000 km", "12000")]
    [InlineData("−3°", "-3")]
    [InlineData("10-3", "3")]
    [InlineData("x2 = 7 and y3", "7")]
    [InlineData("1 3/4 cups", "1.75")]
    [InlineData("3/4", "0.75")]
    [InlineData("1.5e3", "1500")]
    [InlineData("about .5", "0.5")]
    [InlineData("50 %", "50%")]
    [InlineData("50\\%", "0.5")]
    [InlineData("50%", "50")]
    [InlineData("0.33333333", "1/3")]
    [InlineData("8.0", "8")]
    [InlineData("12345678901234567890123", "12345678901234567890123")]
    public void NumbersAreFoundAndCompared(string answer, string gold) => Assert.Null(GoldCheck.Fault(new("number", null, null, "all", null), answer, gold));

    [Theory]
    [InlineData("It is 42, not 43", "42")]
    [InlineData("1000001", "1000000")]
    [InlineData("12345678901234567890124", "12345678901234567890123")]
    [InlineData("0.3333", "1/3")]
    [InlineData("3", "-3")]
    [InlineData("50%", "5")]
    [InlineData("1/0", "1")]
    [InlineData("forty-two", "42")]
    [InlineData("A42", "42")]
    [InlineData("\\boxed{none} 42", "42")]
    [InlineData("42", "many")]
    [InlineData("1,23", "123")]
    public void OthersAreNotEqual(string answer, string gold) => Assert.NotNull(GoldCheck.Fault(new("number", null, null, "all", null), answer, gold));

    [Fact]
    public void ATolerancesHoldsForAllNumbers()
    {
        GoldRecipe near = new("number", 0.01, null, "all", null), exact = near with { Tolerance = 0 };
        Assert.Null(GoldCheck.Fault(near, "100.9", "100"));
        Assert.Null(GoldCheck.Fault(near, "101", "100"));
        Assert.NotNull(GoldCheck.Fault(near, "102", "100"));
        Assert.NotNull(GoldCheck.Fault(exact, "0.33333333", "1/3"));
    }

    [Theory]
    [InlineData("exact", " Paris\n", "Paris", true)]
    [InlineData("exact", "paris", "Paris", false)]
    [InlineData("words", "paris.", "Paris", true)]
    [InlineData("words", "Paris, France", "Paris", false)]
    [InlineData("json", "{\"b\": [1, 2.0], \"a\": \"x\"}", "{\"a\":\"x\",\"b\":[1.0,2]}", true)]
    [InlineData("json", "Here:\n```json\n{\"a\": 1}\n```\nDone.", "{\"a\": 1}", true)]
    [InlineData("json", "{\"a\": [1, 2]}", "{\"a\": [2, 1]}", false)]
    [InlineData("json", "{\"a\": 1, \"b\": 2}", "{\"a\": 1}", false)]
    [InlineData("json", "{\"a\": 1, \"a\": 1}", "{\"a\": 1}", false)]
    [InlineData("json", "a: 1", "{\"a\": 1}", false)]
    public void TextsAndJsonAreCompared(string kind, string answer, string gold, bool right) => Assert.Equal(right, GoldCheck.Fault(new(kind, null, null, "all", null), answer, gold) is null);

    [Fact]
    public void OfJsonTheGivenMembersCount()
    {
        GoldRecipe recipe = new("json", null, ["a.b", "c"], "all", null);
        Assert.Null(GoldCheck.Fault(recipe, "{\"a\": {\"b\": 1, \"x\": 0}, \"z\": 3}", "{\"a\": {\"b\": 1}}"));
        Assert.Equal("a.b differs", GoldCheck.Fault(recipe, "{\"a\": {\"b\": 2}}", "{\"a\": {\"b\": 1}}"));
        Assert.Equal("c differs", GoldCheck.Fault(recipe, "{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1}, \"c\": null}"));
    }

    [Fact]
    public void NoTextBreaksTheReaders()
    {
        Random random = new(9);
        string[] parts = ["\\boxed{", "}", "####", "1", "23", ",", ".", "e", "-", "−", "/", " ", "%", "\\frac{1}{2}", "{", "\"a\":", "[", "]", "```", "\n", "\ud800", "\\ud800", "9999999999", "é", "\u202F", "$", "<think>", "</think>", "\"", "null"];
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => random.Next(8) == 0 ? ((char)random.Next(1, 0x10000)).ToString() : parts[random.Next(parts.Length)]));
            NumberText? number = NumberText.Find(text);
            Assert.True(number is null || (double.IsFinite(number.Value) && number.Is(number, null) && number.Is(number, 0)));
            _ = GoldCheck.Fault(new("json", null, ["a.b"], "all", null), text, "{\"a\": {\"b\": 1}}");
            _ = GoldCheck.Fault(new("json", null, null, "all", null), text, text);
            (string Trace, string Reply)? split = ReasoningTrace.Split(text);
            Assert.True(split is null || split.Value.Trace + split.Value.Reply == text);
            _ = JudgePrompt.Score(text, 10);
        }

        Assert.NotNull(NumberText.Find(new string('9', 100_000) + " 7"));
        Assert.Null(NumberText.Find(string.Concat(Enumerable.Repeat("\\boxed{", 50_000))));
    }
}
