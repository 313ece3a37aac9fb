namespace Retort.Model.Chat;

/// <summary>Reads the tokens of a template into statements and expressions, by recursive descent with Jinja's precedences.</summary>
sealed partial class TemplateParser
{
    /// <summary>Brackets and blocks inside one another; deeper than any model's template, and far from the end of the stack.</summary>
    const int Deepest = 100;

    readonly IReadOnlyList<TemplateToken> _tokens;
    int _at;
    int _depth;
    int _loops;

    TemplateParser(IReadOnlyList<TemplateToken> tokens)
    {
        _tokens = tokens;
    }

    /// <exception cref="TemplateException">It is no template, or uses what is not supported, which is named.</exception>
    public static IReadOnlyList<TemplateStatement> Read(string source)
    {
        TemplateParser parser = new(TemplateLexer.Read(source));
        IReadOnlyList<TemplateStatement> body = parser.Body(out string? end);
        return end is null ? body : throw parser.Fault($"{end} closes nothing");
    }

    int Line => _at < _tokens.Count ? _tokens[_at].Line : _tokens.Count > 0 ? _tokens[^1].Line : 1;

    TemplateException Fault(string message) => new(Line, message);

    /// <summary>Statements up to a word that is none, such as endif, which <paramref name="end"/> holds; null at the template's end.</summary>
    List<TemplateStatement> Body(out string? end)
    {
        if (++_depth > Deepest)
        {
            throw Fault($"more than {Deepest} blocks stand inside one another");
        }

        List<TemplateStatement> body = [];
        end = null;
        while (_at < _tokens.Count && end is null)
        {
            TemplateToken token = _tokens[_at++];
            switch (token.Kind)
            {
                case TemplateTokenKind.Data:
                    body.Add(new TemplateStatement.Data(token.Line, token.Text));
                    break;
                case TemplateTokenKind.OutputBegin:
                    body.Add(new TemplateStatement.Output(token.Line, Tuple()));
                    End();
                    break;
                default:
                    string word = Word("a statement");
                    if (Statement(word, token.Line) is { } statement)
                    {
                        body.Add(statement);
                    }
                    else
                    {
                        end = word;
                    }

                    break;
            }
        }

        _depth--;
        return body;
    }

    TemplateStatement? Statement(string word, int line) => word switch
    {
        "if" => If(line),
        "for" => For(line),
        "set" => Set(line),
        "macro" => Macro(line),
        "generation" => Generation(line),
        "break" or "continue" => Jump(word, line),
        "elif" or "else" or "endif" or "endfor" or "endset" or "endmacro" or "endgeneration" => null,
        _ => throw new TemplateException(line, $"the statement {word} is not supported"),
    };

    TemplateStatement.If If(int line)
    {
        List<(TemplateExpression, IReadOnlyList<TemplateStatement>)> branches = [];
        IReadOnlyList<TemplateStatement> otherwise = [];
        string? end = "elif";
        while (end == "elif")
        {
            TemplateExpression condition = Expression();
            End();
            branches.Add((condition, Body(out end)));
        }

        if (end == "else")
        {
            End();
            otherwise = Body(out end);
        }

        Close(end, "endif", line, "if");
        return new(line, branches, otherwise);
    }

    TemplateStatement.For For(int line)
    {
        List<string> names = Names();
        if (Word("in") != "in")
        {
            throw new TemplateException(line, "a for needs 'in'");
        }

        // No condition here: the if behind the items filters them.
        TemplateExpression items = Or(), first = items;
        if (Is(","))
        {
            items = Rest(first);
        }

        TemplateExpression? where = TakeWord("if") ? Expression() : null;
        if (PeekWord("recursive"))
        {
            throw Fault("a recursive for is not supported");
        }

        End();
        _loops++;
        IReadOnlyList<TemplateStatement> body = Body(out string? end), otherwise = [];
        _loops--;
        if (end == "else")
        {
            End();
            otherwise = Body(out end);
        }

        Close(end, "endfor", line, "for");
        return new(line, names, items, where, body, otherwise);
    }

    TemplateStatement Set(int line)
    {
        List<string> names = Names();
        string? field = Take(".") ? Word("a field") : null;
        if (Take("="))
        {
            TemplateExpression value = Tuple();
            End();
            return new TemplateStatement.Set(line, names, field, value);
        }

        if (field is not null || names.Count > 1 || !IsEnd())
        {
            throw Fault("a set needs '='");
        }

        End();
        IReadOnlyList<TemplateStatement> body = Body(out string? end);
        Close(end, "endset", line, "set");
        return new TemplateStatement.Capture(line, names[0], body);
    }

    TemplateStatement.Macro Macro(int line)
    {
        string name = Word("the macro's name");
        List<(string, TemplateExpression?)> parameters = [];
        Expect("(");
        while (!Take(")"))
        {
            parameters.Add((Word("a parameter"), Take("=") ? Expression() : null));
            if (!Is(")"))
            {
                Expect(",");
            }
        }

        End();
        (int loops, _loops) = (_loops, 0);
        IReadOnlyList<TemplateStatement> body = Body(out string? end);
        _loops = loops;
        Close(end, "endmacro", line, "macro");
        return new(line, name, parameters, body);
    }

    TemplateStatement.Generation Generation(int line)
    {
        End();
        IReadOnlyList<TemplateStatement> body = Body(out string? end);
        Close(end, "endgeneration", line, "generation");
        return new(line, body);
    }

    TemplateStatement Jump(string word, int line)
    {
        if (_loops == 0)
        {
            throw new TemplateException(line, $"{word} stands outside of a for");
        }

        End();
        return word == "break" ? new TemplateStatement.Break(line) : new TemplateStatement.Continue(line);
    }

    void Close(string? end, string wanted, int line, string what)
    {
        if (end != wanted)
        {
            throw new TemplateException(line, end is null ? $"{what} has no {wanted}" : $"{what} ends with {end} instead of {wanted}");
        }

        End();
    }

    List<string> Names()
    {
        bool bracket = Take("(");
        List<string> names = [Word("a name")];
        while (Take(","))
        {
            names.Add(Word("a name"));
        }

        if (bracket)
        {
            Expect(")");
        }

        return names;
    }

    bool Is(string op) => _at < _tokens.Count && _tokens[_at].Kind == TemplateTokenKind.Operator && _tokens[_at].Text == op;

    bool Take(string op)
    {
        if (!Is(op))
        {
            return false;
        }

        _at++;
        return true;
    }

    void Expect(string op)
    {
        if (!Take(op))
        {
            throw Fault($"'{op}' is missing{(_at < _tokens.Count && _tokens[_at].Text.Length > 0 ? $" before '{_tokens[_at].Text}'" : "")}");
        }
    }

    bool PeekWord(string? word = null) => _at < _tokens.Count && _tokens[_at].Kind == TemplateTokenKind.Name && (word is null || _tokens[_at].Text == word);

    bool TakeWord(string word)
    {
        if (!PeekWord(word))
        {
            return false;
        }

        _at++;
        return true;
    }

    string Word(string what) => PeekWord() ? _tokens[_at++].Text : throw Fault($"{what} is missing");

    bool IsEnd() => _at < _tokens.Count && _tokens[_at].Kind == TemplateTokenKind.End;

    void End()
    {
        if (!IsEnd())
        {
            throw Fault(_at < _tokens.Count && _tokens[_at].Text.Length > 0 ? $"'{_tokens[_at].Text}' is not expected here" : "the tag does not end");
        }

        _at++;
    }
}
