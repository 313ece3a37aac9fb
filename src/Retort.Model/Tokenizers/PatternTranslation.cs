using System.Globalization;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>
/// Turns an Oniguruma (Ruby syntax) regular expression, as Hugging Face tokenizers compiles it, into the .NET expression that matches the
/// same, and refuses by name what it cannot turn.
/// </summary>
ref struct PatternTranslation
{
    const int LongestPattern = 20_000, DeepestNesting = 100;

    static readonly HashSet<string> Categories = new(
        "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Cs Co Cn".Split(' '), StringComparer.Ordinal);

    readonly ReadOnlySpan<char> _pattern;
    readonly string _where;
    readonly StringBuilder _output = new();
    readonly Stack<int> _groups = new();
    int _at;
    int _atom = -1;

    /// <summary>How many groups were open when the outermost of those without regard to case began; 0 outside of it.</summary>
    int _anyCase;

    PatternTranslation(ReadOnlySpan<char> pattern, string where)
    {
        _pattern = pattern;
        _where = where;
    }

    /// <exception cref="UserError">The expression uses what is not supported.</exception>
    internal static string Translate(string pattern, string where) => new PatternTranslation(pattern, where).Run();

    string Run()
    {
        if (_pattern.Length > LongestPattern)
        {
            throw Refuse($"a regular expression of {_pattern.Length} characters");
        }

        while (_at < _pattern.Length)
        {
            char c = _pattern[_at];
            int start = _output.Length;
            switch (c)
            {
                case '(':
                    Open();
                    continue;
                case ')':
                    if (!_groups.TryPop(out _atom))
                    {
                        throw Refuse("a closing bracket that nothing opens");
                    }

                    _anyCase = _groups.Count < _anyCase ? 0 : _anyCase;
                    Take(1);
                    continue;
                case '[':
                    Class();
                    break;
                case '\\':
                    Escape(inClass: false);
                    break;
                case '*' or '+' or '?' or '{':
                    Quantify();
                    continue;
                case '|':
                    Take(1);
                    _atom = -1;
                    continue;
                case '^' or '$':
                    throw Refuse($"the anchor \"{c}\"");
                default:
                    if (char.IsSurrogate(c))
                    {
                        throw Refuse("a character beyond U+FFFF");
                    }

                    Letter(c, inClass: false);
                    break;
            }

            _atom = start;
        }

        return _output.ToString();
    }

    void Open()
    {
        if (_groups.Count == DeepestNesting)
        {
            throw Refuse($"groups nested more than {DeepestNesting} deep");
        }

        _groups.Push(_output.Length);
        _atom = -1;
        ReadOnlySpan<char> rest = _pattern[_at..];
        foreach (string opening in (ReadOnlySpan<string>)["(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"])
        {
            if (rest.StartsWith(opening, StringComparison.Ordinal))
            {
                _anyCase = _anyCase == 0 && opening == "(?i:" ? _groups.Count : _anyCase;
                Take(opening.Length);
                return;
            }
        }

        if (rest.StartsWith("(?", StringComparison.Ordinal))
        {
            throw Refuse($"the group \"{rest[..Math.Min(4, rest.Length)]}\"");
        }

        Take(1);
    }

    void Quantify()
    {
        int length = 1;
        if (_pattern[_at] == '{')
        {
            int close = _pattern[_at..].IndexOf('}');
            ReadOnlySpan<char> bounds = close < 0 ? [] : _pattern[(_at + 1)..(_at + close)];
            if (bounds.IsEmpty || !IsBounds(bounds) || bounds[0] == ',' || bounds.Count(',') > 1 || bounds.Length > 9)
            {
                throw Refuse("a brace that is no quantifier such as {1,3}");
            }

            length = close + 1;
        }

        if (_atom < 0)
        {
            throw Refuse("a quantifier with nothing before it");
        }

        bool braces = length > 1;
        Take(length);
        char next = _at < _pattern.Length ? _pattern[_at] : '\0';
        if (next == '+')
        {
            _output.Insert(_atom, braces ? "(?:" : "(?>").Append(braces ? ")+" : ")");
            _at++;
        }
        else if (next == '?')
        {
            Take(1);
        }

        if (_at < _pattern.Length && _pattern[_at] is '*' or '+' or '?' or '{')
        {
            throw Refuse("a quantifier upon a quantifier");
        }

        _atom = -1;
    }

    void Class()
    {
        Take(1);
        if (_at < _pattern.Length && _pattern[_at] == '^')
        {
            Take(1);
        }

        for (bool first = true; ; first = false)
        {
            if (_at >= _pattern.Length)
            {
                throw Refuse("a character class without its end");
            }

            char c = _pattern[_at];
            if (c == ']' && !first)
            {
                Take(1);
                return;
            }

            if (c == '\\')
            {
                Escape(inClass: true);
            }
            else if (c is '[' or ']' || _pattern[_at..].StartsWith("&&", StringComparison.Ordinal))
            {
                throw Refuse("a character class within a character class");
            }
            else if (char.IsSurrogate(c))
            {
                throw Refuse("a character beyond U+FFFF");
            }
            else
            {
                Letter(c, inClass: true);
            }
        }
    }

    /// <summary>Without regard to case Oniguruma takes the long s, U+017F, for an s, which .NET does not.</summary>
    void Letter(char c, bool inClass)
    {
        bool ends = inClass && _pattern[_at - 1] == '-', begins = inClass && _at + 1 < _pattern.Length && _pattern[_at + 1] == '-';
        char first = ends ? _pattern[_at - 2] : c;
        bool both = _anyCase > 0 && !begins && ((first <= 's' && c >= 's') || (first <= 'S' && c >= 'S'));
        _output.Append(both && !inClass ? "[" : "").Append(c).Append(both ? "\u017F" : "").Append(both && !inClass ? "]" : "");
        _at++;
    }

    void Escape(bool inClass)
    {
        char c = _at + 1 < _pattern.Length ? _pattern[_at + 1] : '\0';
        if (c is 's' or 'S' or 'd' or 'D' or 'r' or 'n' or 't' or 'f' or 'v' or 'a' or 'e' || (char.IsAscii(c) && !char.IsAsciiLetterOrDigit(c) && c != '\0'))
        {
            Take(2);
        }
        else if (c == 'w' || (c == 'W' && !inClass))
        {
            const string word = @"\p{L}\p{M}\p{N}\p{Pc}";
            _output.Append(inClass ? word : c == 'w' ? $"[{word}]" : $"[^{word}]");
            _at += 2;
        }
        else if (c is 'p' or 'P')
        {
            Property(c);
        }
        else if (c is 'x' or 'u')
        {
            CodePoint(c);
        }
        else
        {
            throw Refuse($"the escape \"\\{c}\"");
        }
    }

    void Property(char kind)
    {
        ReadOnlySpan<char> rest = _pattern[(_at + 2)..];
        int close = rest.IndexOf('}');
        ReadOnlySpan<char> name = close > 0 && rest[0] == '{' ? rest[1..close] : [];
        bool negated = name.StartsWith("^", StringComparison.Ordinal);
        string category = (negated ? name[1..] : name).ToString();
        if (!Categories.Contains(category))
        {
            throw Refuse($"the property \"\\{kind}{rest[..Math.Min(rest.Length, Math.Clamp(close + 1, 1, 40))]}\"");
        }

        _output.Append(kind == 'p' == negated ? @"\P{" : @"\p{").Append(category).Append('}');
        _at += 3 + close;
    }

    void CodePoint(char kind)
    {
        ReadOnlySpan<char> rest = _pattern[(_at + 2)..];
        bool braces = kind == 'x' && rest.StartsWith("{", StringComparison.Ordinal);
        int length = braces ? rest.IndexOf('}') - 1 : kind == 'x' ? 2 : 4;
        ReadOnlySpan<char> digits = length > 0 && rest.Length >= length + (braces ? 2 : 0) ? rest.Slice(braces ? 1 : 0, length) : [];
        if (!int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int point)
            || point is < 0 or (>= 0xD800 and <= 0xDFFF) or > 0xFFFF)
        {
            throw Refuse("a code point escape that is malformed or beyond U+FFFF");
        }

        _output.Append($"\\u{point:X4}");
        _at += 2 + length + (braces ? 2 : 0);
    }

    static bool IsBounds(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c) && c != ',')
            {
                return false;
            }
        }

        return true;
    }

    void Take(int count)
    {
        _output.Append(_pattern.Slice(_at, count));
        _at += count;
    }

    readonly UserError Refuse(string construct) => new(
        $"the regular expression has {construct} at character {_at}, which is not supported",
        _where,
        "Use a tokenizer whose pattern keeps to categories, literal characters, classes, groups and quantifiers.");
}
