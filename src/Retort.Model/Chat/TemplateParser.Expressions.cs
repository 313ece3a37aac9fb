using System.Globalization;

namespace Retort.Model.Chat;

/// <summary>Expressions, from the loosest binding to the tightest.</summary>
sealed partial class TemplateParser
{
    /// <summary>An expression, or several with commas between, which are a tuple.</summary>
    TemplateExpression Tuple()
    {
        TemplateExpression first = Expression();
        return Is(",") ? Rest(first) : first;
    }

    TemplateExpression.List Rest(TemplateExpression first)
    {
        List<TemplateExpression> items = [first];
        while (Take(","))
        {
            if (IsEnd() || Is(")"))
            {
                break;
            }

            items.Add(Expression());
        }

        return new(first.Line, items, IsTuple: true);
    }

    TemplateExpression Expression()
    {
        if (++_depth > Deepest)
        {
            throw Fault($"more than {Deepest} brackets and blocks stand inside one another");
        }

        TemplateExpression value = Or();
        while (TakeWord("if"))
        {
            TemplateExpression condition = Or();
            value = new TemplateExpression.Conditional(value.Line, condition, value, TakeWord("else") ? Expression() : null);
        }

        _depth--;
        return value;
    }

    TemplateExpression Or()
    {
        TemplateExpression left = And();
        while (TakeWord("or"))
        {
            left = new TemplateExpression.Or(left.Line, left, And());
        }

        return left;
    }

    TemplateExpression And()
    {
        TemplateExpression left = Not();
        while (TakeWord("and"))
        {
            left = new TemplateExpression.And(left.Line, left, Not());
        }

        return left;
    }

    TemplateExpression Not()
    {
        int line = Line, count = 0;
        while (TakeWord("not"))
        {
            count++;
        }

        TemplateExpression value = Comparison();
        if (count == 0)
        {
            return value;
        }

        // Two cancel, but what they leave is a truth value.
        TemplateExpression once = new TemplateExpression.Not(line, value);
        return count % 2 == 1 ? once : new TemplateExpression.Not(line, once);
    }

    TemplateExpression Comparison()
    {
        TemplateExpression first = Sum();
        List<(string, TemplateExpression)> rest = [];
        while (ComparisonOperator() is { } op)
        {
            rest.Add((op, Sum()));
        }

        return rest.Count == 0 ? first : new TemplateExpression.Comparison(first.Line, first, rest);
    }

    string? ComparisonOperator()
    {
        foreach (string op in (string[])["==", "!=", "<=", ">=", "<", ">"])
        {
            if (Take(op))
            {
                return op;
            }
        }

        if (TakeWord("in"))
        {
            return "in";
        }

        if (PeekWord("not") && _at + 1 < _tokens.Count && _tokens[_at + 1] is { Kind: TemplateTokenKind.Name, Text: "in" })
        {
            _at += 2;
            return "not in";
        }

        return null;
    }

    TemplateExpression Sum() => Binary(Joined, "+", "-");

    TemplateExpression Joined() => Binary(Product, "~");

    TemplateExpression Product() => Binary(Signed, "*", "/", "//", "%");

    TemplateExpression Binary(Func<TemplateExpression> tighter, params ReadOnlySpan<string> operators)
    {
        TemplateExpression left = tighter();
        while (true)
        {
            string? found = null;
            foreach (string op in operators)
            {
                if (Take(op))
                {
                    found = op;
                    break;
                }
            }

            if (found is null)
            {
                return left;
            }

            left = new TemplateExpression.Arithmetic(left.Line, found, left, tighter());
        }
    }

    TemplateExpression Signed()
    {
        int line = Line;
        bool negative = false;
        while (Is("-") || Is("+"))
        {
            negative ^= Take("-");
            Take("+");
        }

        TemplateExpression value = Power();
        value = negative ? new TemplateExpression.Negative(line, value) : value;
        return Filters(value);
    }

    TemplateExpression Power()
    {
        TemplateExpression value = Postfix(Primary());
        while (Take("**"))
        {
            value = new TemplateExpression.Arithmetic(value.Line, "**", value, Is("-") ? Signed() : Postfix(Primary()));
        }

        return value;
    }

    TemplateExpression Postfix(TemplateExpression value)
    {
        while (true)
        {
            if (Take("."))
            {
                value = new TemplateExpression.Attribute(value.Line, value, Field());
            }
            else if (Take("["))
            {
                value = Subscript(value);
            }
            else if (Is("("))
            {
                value = new TemplateExpression.Call(value.Line, value, Arguments());
            }
            else
            {
                return value;
            }
        }
    }

    string Field() => _at < _tokens.Count && _tokens[_at].Kind == TemplateTokenKind.Whole ? _tokens[_at++].Text : Word("a field");

    TemplateExpression Subscript(TemplateExpression of)
    {
        TemplateExpression? from = Is(":") ? null : Expression();
        if (Take("]"))
        {
            return new TemplateExpression.Index(of.Line, of, from!);
        }

        Expect(":");
        TemplateExpression? to = Is(":") || Is("]") ? null : Expression(), step = Take(":") && !Is("]") ? Expression() : null;
        Expect("]");
        return new TemplateExpression.Slice(of.Line, of, from, to, step);
    }

    TemplateCall Arguments()
    {
        Expect("(");
        List<TemplateExpression> positional = [];
        List<(string, TemplateExpression)> named = [];
        while (!Take(")"))
        {
            if (PeekWord() && _at + 1 < _tokens.Count && _tokens[_at + 1] is { Kind: TemplateTokenKind.Operator, Text: "=" })
            {
                string name = _tokens[_at].Text;
                _at += 2;
                named.Add((name, Expression()));
            }
            else if (named.Count > 0)
            {
                throw Fault("an argument without a name stands behind one with a name");
            }
            else
            {
                positional.Add(Expression());
            }

            if (!Is(")"))
            {
                Expect(",");
            }
        }

        return new(positional, named);
    }

    TemplateExpression Filters(TemplateExpression value)
    {
        while (true)
        {
            if (Take("|"))
            {
                value = new TemplateExpression.Filter(value.Line, value, Word("a filter"), Is("(") ? Arguments() : TemplateCall.Nothing);
            }
            else if (TakeWord("is"))
            {
                value = Test(value);
            }
            else
            {
                return value;
            }
        }
    }

    TemplateExpression Test(TemplateExpression value)
    {
        bool not = TakeWord("not");
        string name = Is("==") || Is("!=") || Is("<") || Is(">") || Is("<=") || Is(">=") ? _tokens[_at++].Text : Word("a test");
        TemplateCall with = Is("(") ? Arguments() : BeginsOperand() ? new([Postfix(Primary())], []) : TemplateCall.Nothing;
        TemplateExpression test = new TemplateExpression.Test(value.Line, value, name, with);
        return not ? new TemplateExpression.Not(value.Line, test) : test;
    }

    /// <summary>A test may have one argument without brackets: x is divisibleby 3.</summary>
    bool BeginsOperand() => _at < _tokens.Count && _tokens[_at] switch
    {
        { Kind: TemplateTokenKind.Text or TemplateTokenKind.Whole or TemplateTokenKind.Real } => true,
        { Kind: TemplateTokenKind.Operator, Text: "[" or "{" } => true,
        { Kind: TemplateTokenKind.Name, Text: not ("and" or "or" or "not" or "if" or "else" or "is" or "in") } => true,
        _ => false,
    };

    TemplateExpression Primary()
    {
        if (_at >= _tokens.Count)
        {
            throw Fault("an expression is missing");
        }

        TemplateToken token = _tokens[_at++];
        switch (token.Kind)
        {
            case TemplateTokenKind.Text:
                string text = token.Text;
                while (_at < _tokens.Count && _tokens[_at].Kind == TemplateTokenKind.Text)
                {
                    text += _tokens[_at++].Text;
                }

                return new TemplateExpression.Literal(token.Line, new TemplateValue.Text(text));
            case TemplateTokenKind.Whole:
                return new TemplateExpression.Literal(
                    token.Line, long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long whole) ? new TemplateValue.Whole(whole) : throw new TemplateException(token.Line, $"{token.Text} is too large"));
            case TemplateTokenKind.Real:
                return new TemplateExpression.Literal(
                    token.Line, double.TryParse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double real) ? new TemplateValue.Real(real) : throw new TemplateException(token.Line, $"{token.Text} is no number"));
            case TemplateTokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new TemplateExpression.Literal(token.Line, TemplateValue.Boolean.True),
                    "false" or "False" => new TemplateExpression.Literal(token.Line, TemplateValue.Boolean.False),
                    "none" or "None" => new TemplateExpression.Literal(token.Line, TemplateValue.None.Value),
                    "and" or "or" or "not" or "if" or "else" or "is" or "in" => throw new TemplateException(token.Line, $"an expression is missing before {token.Text}"),
                    _ => new TemplateExpression.Variable(token.Line, token.Text),
                };
            case TemplateTokenKind.Operator when token.Text == "(":
                if (Take(")"))
                {
                    return new TemplateExpression.List(token.Line, [], IsTuple: true);
                }

                TemplateExpression inner = Tuple();
                Expect(")");
                return inner;
            case TemplateTokenKind.Operator when token.Text == "[":
                return List(token.Line);
            case TemplateTokenKind.Operator when token.Text == "{":
                return Map(token.Line);
            default:
                throw new TemplateException(token.Line, token.Kind == TemplateTokenKind.End ? "an expression is missing" : $"'{token.Text}' stands where an expression should");
        }
    }

    TemplateExpression.List List(int line)
    {
        List<TemplateExpression> items = [];
        while (!Take("]"))
        {
            items.Add(Expression());
            if (!Is("]"))
            {
                Expect(",");
            }
        }

        return new(line, items, IsTuple: false);
    }

    TemplateExpression.Map Map(int line)
    {
        List<(TemplateExpression, TemplateExpression)> fields = [];
        while (!Take("}"))
        {
            TemplateExpression key = Expression();
            Expect(":");
            fields.Add((key, Expression()));
            if (!Is("}"))
            {
                Expect(",");
            }
        }

        return new(line, fields);
    }
}
