namespace Retort.Model.Chat;

/// <summary>A part of a template that prints or steers.</summary>
abstract record TemplateStatement(int Line)
{
    public sealed record Data(int Line, string Text) : TemplateStatement(Line);

    public sealed record Output(int Line, TemplateExpression Value) : TemplateStatement(Line);

    public sealed record If(int Line, IReadOnlyList<(TemplateExpression Condition, IReadOnlyList<TemplateStatement> Body)> Branches, IReadOnlyList<TemplateStatement> Else) : TemplateStatement(Line);

    /// <param name="Names">More than one unpacks each item.</param>
    /// <param name="Where">Items it does not hold for are passed over, and not counted.</param>
    public sealed record For(
        int Line, IReadOnlyList<string> Names, TemplateExpression Items, TemplateExpression? Where, IReadOnlyList<TemplateStatement> Body, IReadOnlyList<TemplateStatement> Else) : TemplateStatement(Line);

    /// <param name="Field">Of a namespace called by the one name, or null.</param>
    public sealed record Set(int Line, IReadOnlyList<string> Names, string? Field, TemplateExpression Value) : TemplateStatement(Line);

    /// <summary>Gives a name to what its body prints.</summary>
    public sealed record Capture(int Line, string Name, IReadOnlyList<TemplateStatement> Body) : TemplateStatement(Line);

    public sealed record Macro(int Line, string Name, IReadOnlyList<(string Name, TemplateExpression? Default)> Parameters, IReadOnlyList<TemplateStatement> Body) : TemplateStatement(Line);

    /// <summary>Marks what the assistant wrote, for training; it prints as it stands.</summary>
    public sealed record Generation(int Line, IReadOnlyList<TemplateStatement> Body) : TemplateStatement(Line);

    public sealed record Break(int Line) : TemplateStatement(Line);

    public sealed record Continue(int Line) : TemplateStatement(Line);
}

/// <summary>A part of a template that has a value.</summary>
abstract record TemplateExpression(int Line)
{
    public sealed record Literal(int Line, TemplateValue Value) : TemplateExpression(Line);

    public sealed record Variable(int Line, string Spelling) : TemplateExpression(Line);

    public sealed record List(int Line, IReadOnlyList<TemplateExpression> Items, bool IsTuple) : TemplateExpression(Line);

    public sealed record Map(int Line, IReadOnlyList<(TemplateExpression Key, TemplateExpression Value)> Fields) : TemplateExpression(Line);

    public sealed record Attribute(int Line, TemplateExpression Of, string Name) : TemplateExpression(Line);

    public sealed record Index(int Line, TemplateExpression Of, TemplateExpression At) : TemplateExpression(Line);

    public sealed record Slice(int Line, TemplateExpression Of, TemplateExpression? From, TemplateExpression? To, TemplateExpression? Step) : TemplateExpression(Line);

    public sealed record Call(int Line, TemplateExpression Function, TemplateCall With) : TemplateExpression(Line);

    public sealed record Filter(int Line, TemplateExpression Value, string Name, TemplateCall With) : TemplateExpression(Line);

    public sealed record Test(int Line, TemplateExpression Value, string Name, TemplateCall With) : TemplateExpression(Line);

    public sealed record Not(int Line, TemplateExpression Value) : TemplateExpression(Line);

    public sealed record Negative(int Line, TemplateExpression Value) : TemplateExpression(Line);

    public sealed record And(int Line, TemplateExpression Left, TemplateExpression Right) : TemplateExpression(Line);

    public sealed record Or(int Line, TemplateExpression Left, TemplateExpression Right) : TemplateExpression(Line);

    public sealed record Arithmetic(int Line, string Operator, TemplateExpression Left, TemplateExpression Right) : TemplateExpression(Line);

    /// <summary>a &lt; b &lt; c holds where a &lt; b and b &lt; c do.</summary>
    public sealed record Comparison(int Line, TemplateExpression First, IReadOnlyList<(string Operator, TemplateExpression Value)> Rest) : TemplateExpression(Line);

    public sealed record Conditional(int Line, TemplateExpression Condition, TemplateExpression Then, TemplateExpression? Otherwise) : TemplateExpression(Line);
}

/// <summary>The arguments a template writes in a call.</summary>
sealed record TemplateCall(IReadOnlyList<TemplateExpression> Positional, IReadOnlyList<(string Name, TemplateExpression Value)> Named)
{
    public static readonly TemplateCall Nothing = new([], []);
}
