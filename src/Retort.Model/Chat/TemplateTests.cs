using static Retort.Model.Chat.TemplateOperations;

namespace Retort.Model.Chat;

/// <summary>Jinja's tests, as far as models' templates use them: value is name(arguments).</summary>
static class TemplateTests
{
    public static bool Holds(TemplateValue value, string name, IReadOnlyList<TemplateValue> with) => name switch
    {
        "defined" => value is not TemplateValue.Undefined,
        "undefined" => value is TemplateValue.Undefined,
        "none" => value is TemplateValue.None,
        "string" => value is TemplateValue.Text,
        "number" => value is TemplateValue.Whole or TemplateValue.Real or TemplateValue.Boolean,
        "integer" => value is TemplateValue.Whole,
        "float" => value is TemplateValue.Real,
        "boolean" => value is TemplateValue.Boolean,
        "true" => value is TemplateValue.Boolean { Value: true },
        "false" => value is TemplateValue.Boolean { Value: false },
        "mapping" => value is TemplateValue.Mapping,
        "sequence" => value is TemplateValue.Sequence or TemplateValue.Text or TemplateValue.Mapping,
        "iterable" => value is TemplateValue.Sequence or TemplateValue.Text or TemplateValue.Mapping or TemplateValue.Undefined,
        "callable" => value is TemplateValue.Callable,
        "odd" => Remainder(value, 2) == 1,
        "even" => Remainder(value, 2) == 0,
        "divisibleby" => Number(Need(with)) is TemplateValue.Whole { Value: not 0 } by && Remainder(value, by.Value) == 0,
        "equalto" or "eq" or "==" => Compare("==", value, Need(with)),
        "ne" or "!=" => Compare("!=", value, Need(with)),
        "lt" or "lessthan" or "<" => Compare("<", value, Need(with)),
        "le" or "<=" => Compare("<=", value, Need(with)),
        "gt" or "greaterthan" or ">" => Compare(">", value, Need(with)),
        "ge" or ">=" => Compare(">=", value, Need(with)),
        "in" => Compare("in", value, Need(with)),
        "upper" => value is TemplateValue.Text t && t.Value.Any(char.IsUpper) && !t.Value.Any(char.IsLower),
        "lower" => value is TemplateValue.Text t && t.Value.Any(char.IsLower) && !t.Value.Any(char.IsUpper),
        "sameas" => value.Equals(Need(with)),
        "filter" => value is TemplateValue.Text f && TemplateFilters.Knows(f.Value),
        _ => throw new ArgumentException($"the test {name} is not supported"),
    };

    static TemplateValue Need(IReadOnlyList<TemplateValue> with) => with.Count > 0 ? with[0] : throw new ArgumentException("a test's argument is missing");

    static long Remainder(TemplateValue value, long by) => Arithmetic("%", value, new TemplateValue.Whole(by)) is TemplateValue.Whole w ? w.Value : throw new ArgumentException($"{Kind(value)} is no whole number");
}
