using System.Text.Json;
using Retort.Distill;
using Retort.Model.Grammars;

namespace Retort.Tests.Distill.Tasks;

public sealed class TaskFormTests
{
    const string Schema = """
        {"type": "object", "properties": {"who": {"type": "string"}, "place": {"type": "object", "properties": {"city": {"type": "string"}, "rooms": {"type": "integer"}}}, "tags": {"type": "array", "items": {"type": "string"}}},
         "required": ["who"]}
        """;

    internal static TaskForm Json(string schema = Schema) => new(new(new AnswerForm.Schema(JsonElement.Parse(schema)), "schema.json", 0.95));

    internal static TaskForm Labels(params string[] labels) => new(new(new AnswerForm.Labels(labels), null, 0.95));

    [Fact]
    public void AnAnswerHasOneSpelling()
    {
        TaskForm form = Json();
        Assert.Equal(["who", "place.city", "place.rooms", "tags"], form.Fields);
        Assert.Equal("""{"who":"Ann","place":{"city":"Rome","rooms":2},"tags":["é"]}""", form.Canonical("```json\n{\"tags\": [\"\\u00e9\"],\n \"place\": {\"rooms\": 2, \"city\": \"Rome\"}, \"who\": \"Ann\"}\n```"));
        Assert.Equal("yes", Labels("yes", "no").Canonical(" yes\n"));
    }

    [Theory]
    [InlineData("Ann", "it is no JSON")]
    [InlineData("""{"place": {}}""", "who")]
    [InlineData("""{"who": 1}""", "string")]
    [InlineData("""{"who": "Ann", "age": 3}""", "names no")]
    [InlineData("""{"who": "Ann", "place": {"town": "Rome"}}""", "names no")]
    public void WhatIsNoAnswerSaysWhy(string text, string why)
    {
        Assert.Contains(why, Json().Fault(text), StringComparison.Ordinal);
        Assert.Null(Json().Canonical(text));
        Assert.Equal(0, Json().Score(text, """{"who":"Ann"}"""));
        Assert.False(Json().Same(text, text));
    }

    [Fact]
    public void ScoresAreTheShareOfFieldsThatAreRight()
    {
        const string Gold = """{"who":"Ann","place":{"city":"Rome","rooms":2},"tags":[]}""";
        Assert.Equal(1, Json().Score("""{ "who": "Ann", "tags": [], "place": {"rooms": 2, "city": "Rome"} }""", Gold));
        Assert.Equal(0.75, Json().Score("""{"who":"Ann","place":{"city":"Oslo","rooms":2},"tags":[]}""", Gold));
        Assert.Equal(0.25, Json().Score("""{"who":"Ann"}""", Gold));
        Assert.Equal(1, Labels("yes", "no").Score("yes ", "yes"));
        Assert.Equal(0, Labels("yes", "no").Score("Yes", "yes"));
        Assert.Equal(1, Json("""{"type": "array", "items": {"type": "integer"}}""").Score("[1, 2]", "[1,2]"));
    }

    /// <summary>Worked out by hand: a is told three times and meant twice, two of them together; b told once, meant twice, once together; c meant once, never told.</summary>
    [Fact]
    public void MacroF1CountsEveryLabelTheSame()
    {
        TaskMeasure m = TaskMeasure.Of(Labels("a", "b", "c", "d"), [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("x", "c")]);
        Assert.Equal(3.0 / 5, m.Accuracy, 1e-12);
        Assert.Equal(((2.0 * 2 / (3 + 2)) + (2.0 * 1 / (1 + 2)) + 0) / 3, m.MacroF1, 1e-12);
        TaskMeasure json = TaskMeasure.Of(Json(), [("""{"who":"Ann"}""", """{"who":"Ann"}"""), ("""{"who":"Bo"}""", """{"who":"Cy","tags":["t"]}""")]);
        Assert.Equal((2, 0.5), (json.Items, json.Accuracy));
        Assert.Equal([0.5, 1, 1, 0.5], json.Fields.Select(f => f.Accuracy));
        Assert.Equal(1.0 / 3, json.Fields[0].MacroF1, 1e-12);
        Assert.All(TaskMeasure.Of(Json(), [("""{"who":"An""", """{"who":"Ann"}""")]).Fields, f => Assert.Equal(0, f.Accuracy));
    }
}
