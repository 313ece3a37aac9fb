using System.Text;
using System.Text.Json;
using Retort.Distill;

namespace Retort.Tests.Distill;

public class AnswerSchemaTests
{
    const string Order = """
        {"$defs": {"item": {"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[a-z]"}, "count": {"type": "integer", "minimum": 1, "exclusiveMaximum": 10}}, "required": ["name"], "additionalProperties": false}},
         "type": "object", "required": ["items", "state"], "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 1, "maxItems": 2}, "state": {"enum": ["open", null, 1]}, "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "one": {"oneOf": [{"minimum": 2}, {"maximum": 3}]}, "both": {"allOf": [{"type": "number"}, {"const": 4}]}},
         "additionalProperties": {"type": "boolean"}}
        """;

    static string? Fault(string schema, string answer) => new AnswerSchema(JsonElement.Parse(schema), "s.json").Fault(answer);

    [Theory]
    [InlineData("""{"items": [{"name": "tea"}], "state": "open"}""")]
    [InlineData(""" {"state": 1.0, "items": [{"count": 9, "name": "tea"}, {"name": "é🙂abc", "count": 1.0}], "note": null, "more": true} """, true)]
    [InlineData("""{"items": [{"name": "tea"}], "state": null, "note": "x", "one": 1, "both": 4.0}""")]
    [InlineData("""{"items": [], "state": "open"}""", true)]
    [InlineData("""{"items": [{"name": "tea"}]}""", true)]
    [InlineData("""{"items": [{"name": ""}], "state": "open"}""", true)]
    [InlineData("""{"items": [{"name": "sixsix"}], "state": "open"}""", true)]
    [InlineData("""{"items": [{"name": "Tea"}], "state": "open"}""", true)]
    [InlineData("""{"items": [{"name": "tea", "count": 10}], "state": "open"}""", true)]
    [InlineData("""{"items": [{"name": "tea", "count": 1.5}], "state": "open"}""", true)]
    [InlineData("""{"items": [{"name": "tea", "size": 1}], "state": "open"}""", true)]
    [InlineData("""{"items": [{"name": "a"}, {"name": "a"}, {"name": "a"}], "state": "open"}""", true)]
    [InlineData("""{"items": [{"name": "tea"}], "state": "shut"}""", true)]
    [InlineData("""{"items": [{"name": "tea"}], "state": "open", "note": 1}""", true)]
    [InlineData("""{"items": [{"name": "tea"}], "state": "open", "one": 2.5}""", true)]
    [InlineData("""{"items": [{"name": "tea"}], "state": "open", "both": 5}""", true)]
    [InlineData("""{"items": [{"name": "tea"}], "state": "open", "more": "x"}""", true)]
    [InlineData("""{"items": [{"name": "tea"}], "state": "open"} and so""", true)]
    [InlineData("""{"items": [{"name": "tea"}], "state": "open", "state": "open"}""", true)]
    [InlineData("""[1]""", true)]
    public void AnswersSatisfyTheSchemaOrAreNamed(string answer, bool fault = false) => Assert.Equal(fault, Fault(Order, answer) is not null);

    [Fact]
    public void AFaultSaysWhere() => Assert.Equal("/items/0/count: it is too small", Fault(Order, """{"items": [{"name": "tea", "count": 0}], "state": "open"}"""));

    [Theory]
    [InlineData("""{"not": {}}""", "not is not read")]
    [InlineData("""{"type": "object", "patternProperties": {}}""", "patternProperties is not read")]
    [InlineData("""{"properties": {"a": {"if": {}}}}""", "#/properties/a: the keyword if is not read")]
    [InlineData("""{"type": "text"}""", "type is")]
    [InlineData("""{"minItems": -1}""", "minItems is")]
    [InlineData("""{"pattern": "("}""", "pattern is")]
    [InlineData("""{"anyOf": []}""", "anyOf is")]
    [InlineData("""{"$ref": "#/$defs/x"}""", "leads nowhere")]
    [InlineData("""{"$ref": "other.json"}""", "leads nowhere")]
    [InlineData("""{"items": [1]}""", "neither an object")]
    [InlineData("""[]""", "neither an object")]
    public void WhatIsNotReadIsRefused(string schema, string what) => Assert.Contains(what, Assert.Throws<UserError>(() => Fault(schema, "1")).What, StringComparison.Ordinal);

    [Fact]
    public void RecursionIsReadAndEndsWhereItHasNoEnd()
    {
        const string Tree = """{"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}, "additionalProperties": false}""";
        Assert.Null(Fault(Tree, """{"left": {"right": {}}, "right": {}}"""));
        Assert.NotNull(Fault(Tree, """{"left": {"right": {"up": {}}}}"""));
        Assert.NotNull(Fault("""{"$ref": "#"}""", "1"));
        Assert.NotNull(Fault("""{"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}""", "1"));
    }

    [Fact]
    public void WhatTheStandardAllowsElsewhereStands()
    {
        Assert.Null(Fault("true", "1"));
        Assert.NotNull(Fault("false", "1"));
        Assert.Null(Fault("""{"minLength": 5, "required": ["a"], "minItems": 3, "maximum": 0}""", "true"));
        Assert.Null(Fault("""{"properties": {"not": {"type": "null"}}}""", """{"not": null, "other": 1}"""));
    }

    [Fact]
    public void NoSchemaAndNoAnswerBreaksIt()
    {
        Random random = new(6);
        int read = 0;
        for (int i = 0; i < 3000; i++)
        {
            if (JsonText.Read(JsonMutation.Of(Order, random)) is { } mutated)
            {
                try
                {
                    AnswerSchema schema = new(mutated, "s.json");
                    read++;
                    _ = schema.Fault(JsonMutation.Of("""{"items": [{"name": "tea", "count": 3}], "state": "open", "note": "x", "one": 1}""", random));
                }
                catch (UserError)
                {
                    // A schema that is none, and says so.
                }
            }

            byte[] noise = new byte[random.Next(40)];
            random.NextBytes(noise);
            Assert.NotNull(Fault(Order, Encoding.Latin1.GetString(noise)));
        }

        Assert.True(read > 300);
    }
}
