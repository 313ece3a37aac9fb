using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking.Prompts;

public sealed class CsvPromptsTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    PromptFile Read(string text, string? template = null, string? gold = null, string name = "p.csv") => PromptFile.Read(_scratch.Write(name, text), new(null, null, template, gold));

    /// <summary>RFC 4180: quoted separators, quotes and line breaks, either line end, a last line without one; and a byte order mark.</summary>
    [Fact]
    public void ATableFillsATemplate()
    {
        PromptFile file = Read("\uFEFFtext,to,right\r\n\"Good \"\"day\"\",\nsir\",French,Bonjour\n\nplain,\"\",x\nYes,German,\"Ja\"", "{{Translate}} {text} to {to}, {to}!", "right");
        Assert.Equal(["{Translate} Good \"day\",\nsir to French, French!", "{Translate} Yes to German, German!"], file.Prompts.Select(p => p.Turns.Single().Text));
        Assert.Equal(["Bonjour", "Ja"], file.Prompts.Select(p => p.Gold));
        Assert.Equal((_scratch["p.csv"] + ", line 2", _scratch["p.csv"] + ", line 6"), (file.Prompts[0].Where, file.Prompts[1].Where));
        Assert.Equal(new PromptRow.Nothing("the column 'to' is empty", _scratch["p.csv"] + ", line 5"), Assert.Single(file.Without));
    }

    [Theory]
    [InlineData("prompt,gold\na,b\n", "p.csv")]
    [InlineData("gold;prompt\nb;a\n", "p.csv")]
    [InlineData("gold\tprompt\nb\ta\n", "p.tsv")]
    public void WithoutATemplateTheColumnPromptIsAsked(string text, string name)
    {
        Prompt prompt = Assert.Single(Read(text, name: name).Prompts);
        Assert.Equal(("a", "b"), (prompt.Turns.Single().Text, prompt.Gold));
    }

    [Theory]
    [InlineData("a,b\n1,2\n", null, null, "no column 'prompt'")]
    [InlineData("a,b\n1,2\n", "{c}", null, "no column 'c'")]
    [InlineData("a,a\n1,2\n", "{a}", null, "two columns are called 'a'")]
    [InlineData("a,b\n1,2\n", "{a}", "gold", "no column 'gold'")]
    [InlineData("a,b\n1\n", "{a}", null, "line 2: the row has 1 fields, and the header has 2")]
    [InlineData("a,b\n1,2\n\"x\n", "{a}", null, "line 3: a quote is opened and never closed")]
    [InlineData("a,b\n\"x\"y,2\n", "{a}", null, "line 2: a field goes on behind its closing quote")]
    [InlineData("a,b\n", "{a}", null, "holds no prompts")]
    [InlineData("a\n1\n", "a", null, "data.template: the template names no column")]
    [InlineData("a\n1\n", "{a", null, "data.template: a brace is not closed")]
    [InlineData("a\n1\n", "{}", null, "data.template: a brace")]
    [InlineData("a\n1\n", "{a} }", null, "data.template: a brace")]
    public void WhatCannotBeFilledIsNamed(string text, string? template, string? gold, string what) =>
        Assert.Contains(what, Assert.Throws<UserError>(() => Read(text, template, gold)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{a}{b}", "12")]
    [InlineData("{{{a}}}", "{1}")]
    [InlineData("}}{a}{{", "}1{")]
    public void BracesAreWrittenTwice(string template, string filled) => Assert.Equal(filled, new PromptTemplate(template).Fill(c => c == "a" ? "1" : "2"));
}
