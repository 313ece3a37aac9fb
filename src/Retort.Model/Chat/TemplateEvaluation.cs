using System.Text;
using static Retort.Model.Chat.TemplateOperations;

namespace Retort.Model.Chat;

/// <summary>
/// Fills a template in. A template comes with a model, from anywhere: it can read what it is given and nothing else, and the work and the
/// text it may make are bounded.
/// </summary>
sealed class TemplateEvaluation
{
    /// <summary>Statements and expressions of one rendering; long texts and lists count for more than one.</summary>
    const int Most = 10_000_000;

    /// <summary>Characters of one rendering.</summary>
    const int Longest = 1 << 24;

    /// <summary>Expressions, blocks and macros inside one another.</summary>
    const int Deepest = 300;

    enum Flow
    {
        On,
        Break,
        Continue,
    }

    StringBuilder _to = new();
    Scope _scope;
    int _done;
    int _depth;

    TemplateEvaluation(IReadOnlyDictionary<string, TemplateValue> given, TimeProvider time)
    {
        Scope globals = new(null);
        foreach (TemplateValue.Callable function in TemplateFunctions.All(time))
        {
            globals.Names[function.Name] = function;
        }

        _scope = new(globals);
        foreach ((string name, TemplateValue value) in given)
        {
            _scope.Names[name] = value;
        }
    }

    /// <exception cref="TemplateException">The template goes wrong with these values, or raises an exception itself.</exception>
    public static string Render(IReadOnlyList<TemplateStatement> body, IReadOnlyDictionary<string, TemplateValue> given, TimeProvider time)
    {
        TemplateEvaluation evaluation = new(given, time);
        evaluation.Run(body);
        return evaluation._to.ToString();
    }

    /// <summary>Names within a block: those set inside a for or a macro end with it.</summary>
    sealed class Scope(Scope? outer)
    {
        public Dictionary<string, TemplateValue> Names { get; } = new(StringComparer.Ordinal);

        public Scope? Outer => outer;

        public TemplateValue Find(string name)
        {
            for (Scope? scope = this; scope is not null; scope = scope.Outer)
            {
                if (scope.Names.TryGetValue(name, out TemplateValue? value))
                {
                    return value;
                }
            }

            return new TemplateValue.Undefined(name);
        }
    }

    void Count(int line)
    {
        if (++_done > Most || _to.Length > Longest)
        {
            throw new TemplateException(line, "it does not come to an end");
        }
    }

    Flow Run(IReadOnlyList<TemplateStatement> body)
    {
        foreach (TemplateStatement statement in body)
        {
            Count(statement.Line);
            Flow flow = Run(statement);
            if (flow != Flow.On)
            {
                return flow;
            }
        }

        return Flow.On;
    }

    Flow Run(TemplateStatement statement)
    {
        switch (statement)
        {
            case TemplateStatement.Data data:
                _to.Append(data.Text);
                return Flow.On;
            case TemplateStatement.Output output:
                _to.Append(TemplateText.Of(Value(output.Value)));
                return Flow.On;
            case TemplateStatement.If branch:
                foreach ((TemplateExpression condition, IReadOnlyList<TemplateStatement> body) in branch.Branches)
                {
                    if (IsTrue(Value(condition)))
                    {
                        return Run(body);
                    }
                }

                return Run(branch.Else);
            case TemplateStatement.For loop:
                return Run(loop);
            case TemplateStatement.Set set:
                Set(set);
                return Flow.On;
            case TemplateStatement.Capture capture:
                _scope.Names[capture.Name] = new TemplateValue.Text(Captured(() => Within(new(_scope), () => Run(capture.Body))));
                return Flow.On;
            case TemplateStatement.Macro macro:
                Scope home = _scope;
                _scope.Names[macro.Name] = new TemplateValue.Callable(macro.Name, with => Call(macro, home, with));
                return Flow.On;
            case TemplateStatement.Generation generation:
                return Run(generation.Body);
            case TemplateStatement.Break:
                return Flow.Break;
            default:
                return Flow.Continue;
        }
    }

    Flow Run(TemplateStatement.For loop)
    {
        List<TemplateValue> items = [.. At(loop.Line, () => Items(Value(loop.Items)))];
        if (loop.Where is { } where)
        {
            items = [.. items.Where(item => Within(new(_scope), () =>
            {
                Bind(loop, item);
                return IsTrue(Value(where));
            }))];
        }

        if (items.Count == 0)
        {
            return Run(loop.Else);
        }

        for (int i = 0; i < items.Count; i++)
        {
            int at = i;
            Flow flow = Within(new(_scope), () =>
            {
                Bind(loop, items[at]);
                _scope.Names["loop"] = Loop(items, at);
                return Run(loop.Body);
            });
            if (flow == Flow.Break)
            {
                break;
            }
        }

        return Flow.On;
    }

    void Bind(TemplateStatement.For loop, TemplateValue item)
    {
        Count(loop.Line);
        if (loop.Names.Count == 1)
        {
            _scope.Names[loop.Names[0]] = item;
            return;
        }

        Unpack(loop.Line, loop.Names, item);
    }

    void Unpack(int line, IReadOnlyList<string> names, TemplateValue value)
    {
        IReadOnlyList<TemplateValue> parts = At(line, () => Items(value));
        if (parts.Count != names.Count)
        {
            throw new TemplateException(line, $"{names.Count} names are given {parts.Count} values");
        }

        for (int i = 0; i < names.Count; i++)
        {
            _scope.Names[names[i]] = parts[i];
        }
    }

    static TemplateValue.Mapping Loop(List<TemplateValue> items, int i) => new(new(StringComparer.Ordinal)
    {
        ["index"] = new TemplateValue.Whole(i + 1),
        ["index0"] = new TemplateValue.Whole(i),
        ["revindex"] = new TemplateValue.Whole(items.Count - i),
        ["revindex0"] = new TemplateValue.Whole(items.Count - i - 1),
        ["first"] = TemplateValue.Boolean.Of(i == 0),
        ["last"] = TemplateValue.Boolean.Of(i == items.Count - 1),
        ["length"] = new TemplateValue.Whole(items.Count),
        ["previtem"] = i > 0 ? items[i - 1] : new TemplateValue.Undefined("previtem"),
        ["nextitem"] = i + 1 < items.Count ? items[i + 1] : new TemplateValue.Undefined("nextitem"),
        ["cycle"] = new TemplateValue.Callable("cycle", with => with.Positional.Count > 0 ? with.Positional[i % with.Positional.Count] : throw new ArgumentException("cycle has nothing to go through")),
    });

    void Set(TemplateStatement.Set set)
    {
        TemplateValue value = Value(set.Value);
        if (set.Field is { } field)
        {
            if (_scope.Find(set.Names[0]) is not TemplateValue.Mapping { IsNamespace: true } space)
            {
                throw new TemplateException(set.Line, $"{set.Names[0]} is no namespace; only those have fields to set");
            }

            space.Fields[field] = value;
        }
        else if (set.Names.Count == 1)
        {
            _scope.Names[set.Names[0]] = value;
        }
        else
        {
            Unpack(set.Line, set.Names, value);
        }
    }

    TemplateValue.Text Call(TemplateStatement.Macro macro, Scope home, TemplateArguments with)
    {
        Scope scope = new(home);
        for (int i = 0; i < macro.Parameters.Count; i++)
        {
            (string name, TemplateExpression? otherwise) = macro.Parameters[i];
            scope.Names[name] = with.Get(i, name) ?? (otherwise is null ? new TemplateValue.Undefined(name) : Within(scope, () => Value(otherwise)));
        }

        if (with.Positional.Count > macro.Parameters.Count)
        {
            throw new ArgumentException($"the macro {macro.Name} takes {macro.Parameters.Count} values");
        }

        return new(Captured(() => Within(scope, () => Run(macro.Body))));
    }

    string Captured(Action work)
    {
        StringBuilder outer = _to;
        _to = new();
        try
        {
            work();
            return _to.ToString();
        }
        finally
        {
            _to = outer;
        }
    }

    T Within<T>(Scope scope, Func<T> work)
    {
        Scope outer = _scope;
        _scope = scope;
        if (++_depth > Deepest)
        {
            throw new ArgumentException("blocks and macros stand too deep inside one another");
        }

        T result = work();
        _depth--;
        _scope = outer;
        return result;
    }

    TemplateValue Value(TemplateExpression expression)
    {
        Count(expression.Line);
        if (++_depth > Deepest)
        {
            throw new TemplateException(expression.Line, "expressions stand too deep inside one another");
        }

        TemplateValue value = At(expression.Line, () => Evaluate(expression));
        _done += value switch { TemplateValue.Text text => text.Value.Length >> 6, TemplateValue.Sequence list => list.Items.Count >> 4, _ => 0 };
        _depth--;
        return value;
    }

    static T At<T>(int line, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (ArgumentException e)
        {
            throw new TemplateException(line, e.Message);
        }
    }

    TemplateValue Evaluate(TemplateExpression expression)
    {
        switch (expression)
        {
            case TemplateExpression.Literal e: return e.Value;
            case TemplateExpression.Variable e: return _scope.Find(e.Spelling);
            case TemplateExpression.List e: return new TemplateValue.Sequence([.. e.Items.Select(Value)], e.IsTuple);
            case TemplateExpression.Map e: return Map(e);
            case TemplateExpression.Attribute e: return Attribute(Value(e.Of), e.Name);
            case TemplateExpression.Index e: return Index(Value(e.Of), Value(e.At));
            case TemplateExpression.Slice e: return Slice(Value(e.Of), Optional(e.From), Optional(e.To), Optional(e.Step));
            case TemplateExpression.Call e: return Value(e.Function) is TemplateValue.Callable f ? f.Call(Arguments(e.With)) : throw new ArgumentException($"{Spelling(e.Function)} is no function");
            case TemplateExpression.Filter e: return TemplateFilters.Apply(Value(e.Value), e.Name, Arguments(e.With));
            case TemplateExpression.Test e: return TemplateValue.Boolean.Of(TemplateTests.Holds(Value(e.Value), e.Name, [.. e.With.Positional.Select(Value)]));
            case TemplateExpression.Not e: return TemplateValue.Boolean.Of(!IsTrue(Value(e.Value)));
            case TemplateExpression.Negative e: return Negative(Value(e.Value));
            case TemplateExpression.And e: return Value(e.Left) is var left && IsTrue(left) ? Value(e.Right) : left;
            case TemplateExpression.Or e: return Value(e.Left) is var either && IsTrue(either) ? either : Value(e.Right);
            case TemplateExpression.Arithmetic e: return Arithmetic(e.Operator, Value(e.Left), Value(e.Right));
            case TemplateExpression.Comparison e: return Comparison(e);
            case TemplateExpression.Conditional e: return IsTrue(Value(e.Condition)) ? Value(e.Then) : e.Otherwise is null ? new TemplateValue.Undefined("the value of an if without else") : Value(e.Otherwise);
            default: throw new InvalidOperationException("An unknown expression.");
        }
    }

    TemplateValue? Optional(TemplateExpression? expression) => expression is null ? null : Value(expression);

    TemplateValue.Mapping Map(TemplateExpression.Map map)
    {
        OrderedDictionary<string, TemplateValue> fields = new(StringComparer.Ordinal);
        foreach ((TemplateExpression key, TemplateExpression value) in map.Fields)
        {
            fields[Value(key) is TemplateValue.Text text ? text.Value : throw new ArgumentException("a dictionary's keys must be texts")] = Value(value);
        }

        return new(fields);
    }

    TemplateValue.Boolean Comparison(TemplateExpression.Comparison comparison)
    {
        TemplateValue left = Value(comparison.First);
        foreach ((string op, TemplateExpression next) in comparison.Rest)
        {
            TemplateValue right = Value(next);
            if (!Compare(op, left, right))
            {
                return TemplateValue.Boolean.False;
            }

            left = right;
        }

        return TemplateValue.Boolean.True;
    }

    TemplateArguments Arguments(TemplateCall call)
    {
        if (call.Positional.Count + call.Named.Count == 0)
        {
            return TemplateArguments.Nothing;
        }

        Dictionary<string, TemplateValue> named = new(StringComparer.Ordinal);
        foreach ((string name, TemplateExpression value) in call.Named)
        {
            named[name] = Value(value);
        }

        return new([.. call.Positional.Select(Value)], named);
    }

    static string Spelling(TemplateExpression expression) => expression switch
    {
        TemplateExpression.Variable name => name.Spelling,
        TemplateExpression.Attribute attribute => attribute.Name,
        _ => "the value called",
    };
}
