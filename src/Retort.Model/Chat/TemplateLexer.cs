using System.Globalization;
using System.Text;

namespace Retort.Model.Chat;

enum TemplateTokenKind
{
    /// <summary>Text outside of any tag.</summary>
    Data,

    /// <summary>{{, and the tag's tokens follow up to <see cref="End"/>.</summary>
    OutputBegin,

    /// <summary>{%.</summary>
    StatementBegin,
    End,
    Name,
    Text,
    Whole,
    Real,
    Operator,
}

/// <param name="Text">The spelling; of a text, its value.</param>
readonly record struct TemplateToken(TemplateTokenKind Kind, string Text, int Line);

/// <summary>
/// Cuts a template into text and the tokens of its tags. White space goes as the models' templates expect it: a line break after a
/// statement is dropped, and blanks before a statement that begins its line (Jinja's trim_blocks and lstrip_blocks); a minus inside a tag's
/// bracket drops all white space on its side, a plus keeps it.
/// </summary>
sealed class TemplateLexer
{
    static readonly string[] s_operators =
        ["==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|"];

    readonly string _source;
    readonly List<TemplateToken> _tokens = [];
    int _at;
    int _line = 1;

    TemplateLexer(string source)
    {
        _source = source;
    }

    /// <exception cref="TemplateException">A tag does not end, or holds what is no token.</exception>
    public static IReadOnlyList<TemplateToken> Read(string source)
    {
        source = source.ReplaceLineEndings("\n");
        TemplateLexer lexer = new(source.EndsWith('\n') ? source[..^1] : source);
        lexer.Run();
        return lexer._tokens;
    }

    void Run()
    {
        bool afterBlock = false, dropAfter = false;
        while (_at < _source.Length)
        {
            int open = Open(_at);
            string data = _source[_at..open];
            int line = _line;
            Advance(open);
            if (dropAfter)
            {
                data = data.TrimStart();
            }
            else if (afterBlock && data.StartsWith('\n'))
            {
                data = data[1..];
            }

            if (open == _source.Length)
            {
                Data(data, line);
                return;
            }

            char kind = _source[open + 1], mark = open + 2 < _source.Length ? _source[open + 2] : ' ';
            if (mark == '-')
            {
                data = data.TrimEnd();
            }
            else if (kind != '{' && mark != '+')
            {
                // Of the untrimmed text: what stands before the blanks decides whether the tag begins its line.
                int from = data.Length;
                while (from > 0 && data[from - 1] is ' ' or '\t')
                {
                    from--;
                }

                if (from > 0 ? data[from - 1] == '\n' : BeginsLine(open - data.Length))
                {
                    data = data[..from];
                }
            }

            Data(data, line);
            Advance(open + 2 + (mark is '-' or '+' ? 1 : 0));
            afterBlock = kind != '{';
            (dropAfter, bool keep) = kind switch
            {
                '#' => Comment(line),
                '%' when Raw() is { } raw => raw,
                '%' => Tag(TemplateTokenKind.StatementBegin, "%}"),
                _ => Tag(TemplateTokenKind.OutputBegin, "}}"),
            };
            afterBlock &= !keep;
        }
    }

    /// <summary>Whether nothing stands before this place in its line.</summary>
    bool BeginsLine(int at) => at == 0 || _source[at - 1] == '\n';

    int Open(int from)
    {
        for (int i = from; i + 1 < _source.Length; i++)
        {
            if (_source[i] == '{' && _source[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return _source.Length;
    }

    void Data(string text, int line)
    {
        if (text.Length > 0)
        {
            _tokens.Add(new(TemplateTokenKind.Data, text, line));
        }
    }

    void Advance(int to)
    {
        to = Math.Min(to, _source.Length);
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        _at = to;
    }

    (bool Drop, bool Keep) Comment(int line)
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new TemplateException(line, "a comment does not end");
        }

        char mark = end > _at ? _source[end - 1] : ' ';
        Advance(end + 2);
        return (mark == '-', mark == '+');
    }

    /// <summary>A stretch between {% raw %} and {% endraw %} is text as it stands; null where the tag is another.</summary>
    (bool Drop, bool Keep)? Raw()
    {
        int at = _at;
        if (Word(ref at) != "raw" || !Close(ref at, out bool drop, out _))
        {
            return null;
        }

        int line = _line;
        for (int open = _source.IndexOf("{%", at, StringComparison.Ordinal); open >= 0; open = _source.IndexOf("{%", open + 2, StringComparison.Ordinal))
        {
            int inside = open + 2;
            bool dropBefore = inside < _source.Length && _source[inside] == '-';
            inside += inside < _source.Length && _source[inside] is '-' or '+' ? 1 : 0;
            if (Word(ref inside) == "endraw" && Close(ref inside, out bool dropAfter, out bool keep))
            {
                string text = _source[at..open];
                text = drop ? text.TrimStart() : text.StartsWith('\n') ? text[1..] : text;
                Data(dropBefore ? text.TrimEnd() : text, line);
                Advance(inside);
                return (dropAfter, keep);
            }
        }

        throw new TemplateException(line, "raw has no endraw");
    }

    string Word(ref int at)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at]))
        {
            at++;
        }

        int from = at;
        while (at < _source.Length && char.IsAsciiLetter(_source[at]))
        {
            at++;
        }

        return _source[from..at];
    }

    bool Close(ref int at, out bool drop, out bool keep)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at]))
        {
            at++;
        }

        drop = at < _source.Length && _source[at] == '-';
        keep = at < _source.Length && _source[at] == '+';
        int end = at + (drop || keep ? 1 : 0);
        if (string.CompareOrdinal(_source, end, "%}", 0, 2) != 0)
        {
            return false;
        }

        at = end + 2;
        return true;
    }

    (bool Drop, bool Keep) Tag(TemplateTokenKind begin, string end)
    {
        int line = _line, depth = 0;
        _tokens.Add(new(begin, "", line));
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
            {
                Advance(_at + 1);
            }

            if (_at >= _source.Length)
            {
                throw new TemplateException(line, $"a tag does not end with {end}");
            }

            char c = _source[_at];
            int mark = c is '-' or '+' ? 1 : 0;
            if (depth == 0 && string.CompareOrdinal(_source, _at + mark, end, 0, 2) == 0)
            {
                Advance(_at + mark + 2);
                _tokens.Add(new(TemplateTokenKind.End, end, _line));
                return (mark > 0 && c == '-', mark > 0 && c == '+');
            }

            TemplateToken token = Token(c);
            depth += token.Kind != TemplateTokenKind.Operator ? 0 : token.Text is "(" or "[" or "{" ? 1 : token.Text is ")" or "]" or "}" ? -1 : 0;
            _tokens.Add(token);
        }
    }

    TemplateToken Token(char c)
    {
        int from = _at, line = _line;
        if (c is '\'' or '"')
        {
            return new(TemplateTokenKind.Text, Quoted(c), line);
        }

        if (char.IsAsciiDigit(c))
        {
            int at = from;
            while (at < _source.Length && (char.IsAsciiDigit(_source[at]) || (_source[at] == '.' && at + 1 < _source.Length && char.IsAsciiDigit(_source[at + 1]))))
            {
                at++;
            }

            string number = _source[from..at];
            Advance(at);
            return new(number.Contains('.', StringComparison.Ordinal) ? TemplateTokenKind.Real : TemplateTokenKind.Whole, number, line);
        }

        if (char.IsLetter(c) || c == '_')
        {
            int at = from;
            while (at < _source.Length && (char.IsLetterOrDigit(_source[at]) || _source[at] == '_'))
            {
                at++;
            }

            Advance(at);
            return new(TemplateTokenKind.Name, _source[from..at], line);
        }

        foreach (string known in s_operators)
        {
            if (string.CompareOrdinal(_source, from, known, 0, known.Length) == 0)
            {
                Advance(from + known.Length);
                return new(TemplateTokenKind.Operator, known, line);
            }
        }

        throw new TemplateException(line, $"'{c}' is nothing a tag may hold");
    }

    string Quoted(char quote)
    {
        int line = _line;
        StringBuilder text = new();
        for (int i = _at + 1; i < _source.Length; i++)
        {
            char c = _source[i];
            if (c == quote)
            {
                Advance(i + 1);
                return text.ToString();
            }

            if (c == '\\' && i + 1 < _source.Length)
            {
                i = Escape(text, i + 1);
                continue;
            }

            text.Append(c);
        }

        throw new TemplateException(line, "a text does not end");
    }

    /// <summary>Appends what stands behind a backslash, as Python reads it, and returns the place of its last character.</summary>
    int Escape(StringBuilder text, int at)
    {
        char c = _source[at];
        int digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0 && at + digits < _source.Length && uint.TryParse(_source.AsSpan(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code)
            && (code <= char.MaxValue || Rune.IsValid(code)))
        {
            text.Append(code <= char.MaxValue ? ((char)code).ToString() : new Rune(code).ToString());
            return at + digits;
        }

        switch (c)
        {
            case '\n': break;
            case 'n': text.Append('\n'); break;
            case 't': text.Append('\t'); break;
            case 'r': text.Append('\r'); break;
            case 'b': text.Append('\b'); break;
            case 'f': text.Append('\f'); break;
            case 'v': text.Append('\v'); break;
            case 'a': text.Append('\a'); break;
            case '0': text.Append('\0'); break;
            case '\\' or '\'' or '"': text.Append(c); break;
            default: text.Append('\\').Append(c); break;
        }

        return at;
    }
}
