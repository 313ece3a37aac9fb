using System.Text.Json;
using Retort.Model.Chat;

namespace Retort.Tests.Model.Chat;

/// <summary>Constructs of chat templates, each beside what Jinja 3 prints for it.</summary>
public sealed class ChatTemplateTests
{
    const string Given =
        """
        {"messages": [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": null, "calls": [1, 2]}],
         "name": "Ada", "none": null, "yes": true, "no": false, "three": 3, "half": 2.5, "list": [3, 1, 2], "map": {"b": 1, "a": [true, null, "x'y"]}, "owl": "a🦉b"}
        """;

    static string Render(string template)
    {
        using JsonDocument json = JsonDocument.Parse(Given);
        return ChatTemplate.Parse(template, "model").Render(json.RootElement, new FixedTime());
    }

    sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2024, 7, 6, 5, 4, 3, TimeSpan.Zero);

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;
    }

    [Theory]
    [InlineData("{{ name }}", "Ada")]
    [InlineData("{{ nothing }}|{{ none }}|{{ yes }}|{{ three }}|{{ half }}|{{ 2.0 }}", "|None|True|3|2.5|2.0")]
    [InlineData("{{ list }}{{ map }}{{ (1,) }}{{ () }}", "[3, 1, 2]{'b': 1, 'a': [True, None, \"x'y\"]}(1,)()")]
    [InlineData("{{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** 10 }} {{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }}", "3.5 3 -4 2 -2 1024 7 9")]
    [InlineData("{{ 'a' ~ 1 ~ none }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ 'a' 'b' }}", "a1None ababab [1, 2] ab")]
    [InlineData("{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' in name }} {{ 'd' not in name }} {{ 'b' in map }} {{ 2 in list }} {{ 1 == 1.0 }} {{ yes == 1 }}", "True False True False True True True True")]
    [InlineData("{{ not yes or yes and no }} {{ none or 'x' }} {{ 0 or '' }}|{{ 'a' and 'b' }}", "False x |b")]
    [InlineData("{{ 'a' if yes else 'b' }}{{ 'a' if no }}{{ 'a' if no else 'b' if no else 'c' }}", "ac")]
    [InlineData("{{ messages[0].role }} {{ messages[-1]['role'] }} {{ messages[9] }}|{{ messages[1:]|length }} {{ list[::-1] }} {{ name[1:] }} {{ owl[1] }} {{ owl|length }}", "system assistant |2 [2, 1, 3] da 🦉 3")]
    [InlineData("{{ messages[0].content.strip() }}|{{ '--a-'.strip('-') }}|{{ 'xxa'.lstrip('x') }}|{{ 'a\n'.rstrip() }}", "Be brief.|a|a|a")]
    [InlineData("{{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ ' a  b '.split() }} {{ 'a,b,c'.rsplit(',', 1) }}", "['a', 'b', 'c'] ['a', 'b,c'] ['a', 'b'] ['a,b', 'c']")]
    [InlineData("{{ 'aXbX'.replace('X', '-', 1) }} {{ name.startswith('A') }} {{ name.endswith(('x', 'a')) }} {{ ', '.join(['a', 'b']) }} {{ 'hello world'.title() }}", "a-bX True True a, b Hello World")]
    [InlineData("{% for k, v in map.items() %}{{ k }}={{ v }};{% endfor %}{{ map.get('z', 5) }} {{ map.get('z') }} {{ map.keys()|list }}", "b=1;a=[True, None, \"x'y\"];5 None ['b', 'a']")]
    [InlineData("{{ '  a '|trim }}|{{ 'Ab'|upper }}|{{ 'Ab'|lower }}|{{ 'aB'|capitalize }}|{{ list|sort }}|{{ list|first }}{{ list|last }}|{{ list|join('-') }}", "a|AB|ab|Ab|[1, 2, 3]|32|3-1-2")]
    [InlineData("{{ nothing|default('d') }} {{ ''|default('d') }}|{{ ''|default('d', true) }} {{ '12'|int + 1 }} {{ 'x'|int(7) }} {{ '1.5'|float }} {{ -3|abs }}", "d |d 13 7 1.5 3")]
    [InlineData("{{ messages|map(attribute='role')|join(',') }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ list|reject('odd')|list }} {{ ['a', 'b']|map('upper')|list }}", "system,user,assistant 1 [2] ['A', 'B']")]
    [InlineData("{{ map|tojson }} {{ 'é\"<\n'|tojson }}", "{\"b\": 1, \"a\": [true, null, \"x'y\"]} \"é\\\"<\\n\"")]
    [InlineData("{{ map|tojson(indent=2) }}", "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null,\n    \"x'y\"\n  ]\n}")]
    [InlineData("{{ 'a\nb\n\nc'|indent(2) }}", "a\n  b\n\n  c")]
    [InlineData("{{ nothing is defined }} {{ name is string }} {{ none is none }} {{ map is mapping }} {{ list is iterable }} {{ 3 is odd }} {{ 9 is divisibleby 3 }} {{ name is not none }} {{ 1 is eq 1 }}", "False True True True True True True True True")]
    [InlineData("{% if no %}a{% elif three > 2 %}b{% else %}c{% endif %}", "b")]
    [InlineData("{% for m in messages %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.revindex0 }} {% endfor %}", "1TrueFalse2 2FalseFalse1 3FalseTrue0 ")]
    [InlineData("{% for x in list if x > 1 %}{{ x }}/{{ loop.length }} {% else %}none{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}", "3/2 2/2 empty")]
    [InlineData("{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %} {{ range(5, 0, -2)|list }}", "0134 [5, 3, 1]")]
    [InlineData("{% set x = 1 %}{% for i in list %}{% set x = i %}{% endfor %}{{ x }}{% if yes %}{% set x = 2 %}{% endif %}{{ x }}", "12")]
    [InlineData("{% set ns = namespace(n=0) %}{% for i in list %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "6")]
    [InlineData("{% set a, b = 1, 2 %}{{ b }}{{ a }}{% set t %}x{{ name }}{% endset %}{{ t|upper }}", "21XADA")]
    [InlineData("{% macro hi(who, how='!') %}Hi {{ who }}{{ how }}{% endmacro %}{{ hi('A') }}{{ hi('B', how='?') }}", "Hi A!Hi B?")]
    [InlineData("{% generation %}x{% endgeneration %}{% raw %}{{ a }}{% endraw %}{# not seen #}", "x{{ a }}")]
    [InlineData("{{ strftime_now('%d %b %Y %H:%M %A') }}", "06 Jul 2024 05:04 Saturday")]
    [InlineData("{{ '}}' }}{{ {'a': {'b': 1}}['a']['b'] }}{{ \"\\u00e9\\x41\\n\" }}", "}}1éA\n")]
    public void PrintsWhatJinjaPrints(string template, string text) => Assert.Equal(text, Render(template));

    /// <summary>Beside what Python's repr prints.</summary>
    [Theory]
    [InlineData("0.0", "0.0")]
    [InlineData("100.0", "100.0")]
    [InlineData("1.0 / 3", "0.3333333333333333")]
    [InlineData("-12.5", "-12.5")]
    [InlineData("0.0001", "0.0001")]
    [InlineData("0.00001", "1e-05")]
    [InlineData("0.00000015", "1.5e-07")]
    [InlineData("10.0 ** 15", "1000000000000000.0")]
    [InlineData("10.0 ** 16", "1e+16")]
    [InlineData("123456789012345680.0", "1.2345678901234568e+17")]
    [InlineData("1234567890123456.0", "1234567890123456.0")]
    [InlineData("10.0 ** 100", "1e+100")]
    public void NumbersAreSpelledAsPythonDoes(string expression, string text) => Assert.Equal(text, Render("{{ " + expression + " }}"));

    [Theory]
    [InlineData("a\n{% if yes %}\nb\n{% endif %}\nc\n", "a\nb\nc")]
    [InlineData("a\n  {% if yes %}\n  b\n  {% endif %}\nc", "a\n  b\nc")]
    [InlineData("a  {% if yes %}  b{% endif %}", "a    b")]
    [InlineData("a \n {%- if yes -%} \n b \n {%- endif -%} \n c", "abc")]
    [InlineData("a {{- name -}} b", "aAdab")]
    [InlineData("  {{ name }}\n\nb", "  Ada\n\nb")]
    [InlineData("  {%+ if yes %}b{% endif +%}\nc", "  b\nc")]
    [InlineData("a\n  {# note #}\nb {#- x -#} c", "a\nbc")]
    [InlineData("a\r\nb\r\n", "a\nb")]
    public void WhiteSpaceGoesAsTemplatesExpect(string template, string text) => Assert.Equal(text, Render(template));

    [Theory]
    [InlineData("a\n{% include 'x' %}", "line 2: the statement include is not supported")]
    [InlineData("{{ name|batch(2) }}", "line 1: the filter batch is not supported")]
    [InlineData("{{ name is escaped }}", "line 1: the test escaped is not supported")]
    [InlineData("{% for x in list recursive %}{% endfor %}", "a recursive for is not supported")]
    [InlineData("\n\n{{ raise_exception('Roles must alternate') }}", "line 3: Roles must alternate")]
    [InlineData("{{ nothing.role }}", "nothing is not defined")]
    [InlineData("{{ messages[9].role }}", "[9] is not defined")]
    [InlineData("{{ 'a' + none }}", "+ does not go with a text and none")]
    [InlineData("{{ messages[2].content|trim }}", "none stands where a text should")]
    [InlineData("{{ name() }}", "name is no function")]
    [InlineData("{{ name", "a tag does not end with }}")]
    [InlineData("{{ 'name }}", "a text does not end")]
    [InlineData("{% if yes %}", "if has no endif")]
    [InlineData("{% if yes %}{% endfor %}", "if ends with endfor instead of endif")]
    [InlineData("{% endif %}", "endif closes nothing")]
    [InlineData("{{ 1 + }}", "an expression is missing")]
    [InlineData("{{ a ? b }}", "'?' is nothing a tag may hold")]
    [InlineData("{% set name.x = 1 %}", "name is no namespace")]
    [InlineData("{% set a, b = list %}", "2 names are given 3 values")]
    [InlineData("{{ 1e5 }}", "'e5' is not expected here")]
    [InlineData("{% if yes %}{% endif yes %}", "'yes' is not expected here")]
    [InlineData("{% break %}", "break stands outside of a for")]
    [InlineData("{{ 1 // 0 }}", "a division by zero")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "a number grows too large")]
    public void IsRefusedBySayingWhereAndWhy(string template, string why)
    {
        UserError error = Assert.Throws<UserError>(() => Render(template));
        Assert.Equal("model", error.Where);
        Assert.Contains(why, error.What, StringComparison.Ordinal);
    }

    /// <summary>A template comes with a model from anywhere; whatever it asks for, it comes to an end soon and in little room.</summary>
    [Theory]
    [InlineData("{% for a in range(1000000) %}{% for b in range(1000000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{{ range(10000000000) }}")]
    [InlineData("{{ 'a' * 100000000000 }}")]
    [InlineData("{{ [1] * 100000000000 }}")]
    [InlineData("{{ 2 ** 100000000000 }}")]
    [InlineData("{% set x = 'a' * 4000000 %}{% for i in range(1000000) %}{{ x }}{% endfor %}")]
    [InlineData("{% set x = range(900000)|list %}{% for i in range(1000000) %}{% set y = x + x %}{% endfor %}")]
    public void WorkAndRoomAreBounded(string template) => Assert.Throws<UserError>(() => Render(template));

    [Fact]
    public void NestingIsBounded()
    {
        foreach ((string open, string close) in (ReadOnlySpan<(string, string)>)[("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("1+", "1"), ("x.y", "")])
        {
            string template = "{{ " + string.Concat(Enumerable.Repeat(open, 50_000)) + "1" + (close.Length > 1 ? "" : string.Concat(Enumerable.Repeat(close, 50_000))) + " }}";
            Assert.True(Refused(template) || open is "-" or "not ", open);
        }

        Assert.True(Refused(string.Concat(Enumerable.Repeat("{% if yes %}", 5000)) + string.Concat(Enumerable.Repeat("{% endif %}", 5000))));
        string spaces = "{% set ns = namespace() %}{% set ns.self = ns %}{{ ns.self.self == ns }}{{ ns }}";
        Assert.Equal("True<Namespace>", Render(spaces));

        static bool Refused(string template)
        {
            try
            {
                Render(template);
                return false;
            }
            catch (UserError)
            {
                return true;
            }
        }
    }

    [Fact]
    public void MutatedTemplatesEndInATextOrASentence()
    {
        string whole = string.Join('\n', typeof(ChatTemplateTests).GetMethod(nameof(PrintsWhatJinjaPrints))!.GetCustomAttributesData().Where(a => a.ConstructorArguments.Count == 1)
            .Select(a => ((System.Collections.ObjectModel.ReadOnlyCollection<System.Reflection.CustomAttributeTypedArgument>)a.ConstructorArguments[0].Value!)[0].Value as string));
        string[] pieces = ["{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "'", "\"", "(", ")", "[", "]", "|", ".", "if", "for", "in", "endfor", "endif", "set", "\n", "1", "ns", "\\", "~", "is", "not", "macro", "raw", "🦉"];
        Random random = new(11);
        int rendered = 0;
        for (int i = 0; i < 10_000; i++)
        {
            int from = random.Next(whole.Length), length = random.Next(1, 400);
            string text = whole[from..Math.Min(whole.Length, from + length)];
            for (int changes = random.Next(1, 4); changes > 0 && text.Length > 0; changes--)
            {
                int at = random.Next(text.Length), end = Math.Min(text.Length, at + random.Next(6));
                text = text[..at] + pieces[random.Next(pieces.Length)] + text[end..];
            }

            try
            {
                Render(text);
                rendered++;
            }
            catch (UserError)
            {
            }
        }

        Assert.InRange(rendered, 300, 9_700);
    }
}
