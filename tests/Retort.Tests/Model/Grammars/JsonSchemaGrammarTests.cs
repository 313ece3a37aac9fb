using System.Text;
using System.Text.Json;
using Retort.Model.Grammars;

namespace Retort.Tests.Model.Grammars;

public class JsonSchemaGrammarTests
{
    const string Person = """
        {"type":"object","properties":{"name":{"type":"string","maxLength":5},"age":{"type":"integer"},"tags":{"type":"array","items":{"enum":["a","b",3]},"minItems":1,"maxItems":2}},
         "required":["name","age"],"additionalProperties":false,"description":"someone"}
        """;

    const string Tree = """{"$defs":{"node":{"type":"object","properties":{"v":{"type":"number"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"]}},"$ref":"#/$defs/node"}""";

    [Theory]
    [InlineData(Person, """{"name":"Ann","age":7}""", true)]
    [InlineData(Person, """{ "name": "Ann", "age": -70, "tags": ["a", 3] }""", true)]
    [InlineData(Person, "\n{\n  \"name\": \"\u00e9\\u00e9\\n\",\n  \"age\": 0\n}", true)]
    [InlineData(Person, """{"age":7,"name":"Ann"}""", false)]
    [InlineData(Person, """{"name":"Annabel","age":7}""", false)]
    [InlineData(Person, """{"name":"Ann","age":07}""", false)]
    [InlineData(Person, """{"name":"Ann","age":7.5}""", false)]
    [InlineData(Person, """{"name":"Ann"}""", false)]
    [InlineData(Person, """{"name":"Ann","age":7,"tags":[]}""", false)]
    [InlineData(Person, """{"name":"Ann","age":7,"tags":["a","a","a"]}""", false)]
    [InlineData(Person, """{"name":"Ann","age":7,"other":1}""", false)]
    [InlineData(Tree, """{"v":1.5e-3,"next":{"v":-0,"next":null}}""", true)]
    [InlineData(Tree, """{"v":1.5e-3,"next":{"v":-0}}""", false)]
    [InlineData("""{"type":["string","null"]}""", "null", true)]
    [InlineData("""{"type":["string","null"]}""", "\"a\\\"b\"", true)]
    [InlineData("""{"type":["string","null"]}""", "\"a\nb\"", false)]
    [InlineData("""{"type":"boolean"}""", "true", true)]
    [InlineData("""{"const":{"a":[1,"x"]}}""", """{"a":[1,"x"]}""", true)]
    [InlineData("""{"type":"object"}""", """{"any":[1,{"thing":null}],"b":""}""", true)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer"}}""", """{"a":1,"b":"x"}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}}}""", "{}", true)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}}}""", """{"b":null}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}}}""", """{,"b":null}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":false,"required":["a"]}""", """{}""", false)]
    [InlineData("""{"type":"array","items":{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991}}""", "[]", true)]
    [InlineData("true", """[{"x":1}]""", true)]
    public void TextsAreTakenAsTheSchemaSays(string schema, string text, bool valid)
    {
        Grammar grammar = JsonSchemaGrammar.Of(JsonElement.Parse(schema), "here");
        GrammarState? state = GrammarState.Begin(grammar, "here").After(Encoding.UTF8.GetBytes(text));
        Assert.Equal(valid, state is { CanEnd: true });
        if (valid)
        {
            JsonElement.Parse(text);
        }
    }

    [Theory]
    [InlineData("""{"type":"string","pattern":"a+"}""", "pattern")]
    [InlineData("""{"type":"integer","minimum":3}""", "minimum")]
    [InlineData("""{"type":"thing"}""", "thing")]
    [InlineData("""{"$ref":"#/nowhere"}""", "nowhere")]
    [InlineData("""{"$ref":"#"}""", "comes to an end")]
    [InlineData("""{"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]}""", "comes to an end")]
    [InlineData("""{"enum":[]}""", "enum")]
    [InlineData("""{"type":"object","properties":{"a":{}},"required":["b"]}""", "b is required")]
    [InlineData("""{"type":"array","minItems":3,"maxItems":2}""", "least")]
    [InlineData("""{"allOf":[{},{}]}""", "allOf")]
    [InlineData("""{"type":"string","maxLength":100000}""", "maxLength")]
    [InlineData("3", "not an object")]
    public void WhatCannotBeKeptIsRefusedByName(string schema, string named)
    {
        UserError error = Assert.Throws<UserError>(() => GrammarState.Begin(JsonSchemaGrammar.Of(JsonElement.Parse(schema), "here"), "here"));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CharactersAreWholeOrNotAtAll()
    {
        GrammarState text = GrammarState.Begin(JsonSchemaGrammar.Of(JsonElement.Parse("""{"type":"string"}"""), "here"), "here").After("\""u8)!;
        Assert.NotNull(text.After([0xe2, 0x82]));
        Assert.Null(text.After([0xe2, (byte)'a']));
        Assert.Null(text.After([0x80]));
        Assert.Null(text.After([0xc0]));
        Assert.NotNull(text.After([0xf0, 0x9f, 0x99, 0x82, (byte)'"']));
    }
}
