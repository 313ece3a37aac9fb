using System.Text;

namespace Retort.Model.Grammars;

/// <summary>One step of a grammar: a byte out of a set, or a rule by its number.</summary>
abstract record GrammarElement
{
    GrammarElement()
    {
    }

    /// <summary>Any byte of the set.</summary>
    public sealed record OneOf(ByteSet Bytes) : GrammarElement;

    /// <summary>Whatever a rule allows.</summary>
    public sealed record Reference(int Rule) : GrammarElement;
}

/// <summary>A set of bytes.</summary>
sealed class ByteSet
{
    readonly bool[] _has = new bool[256];

    public bool this[byte value] => _has[value];

    public static ByteSet Of(params ReadOnlySpan<byte> bytes)
    {
        ByteSet set = new();
        foreach (byte b in bytes)
        {
            set._has[b] = true;
        }

        return set;
    }

    public static ByteSet Range(byte from, byte to)
    {
        ByteSet set = new();
        for (int b = from; b <= to; b++)
        {
            set._has[b] = true;
        }

        return set;
    }

    public ByteSet Except(params ReadOnlySpan<byte> bytes)
    {
        ByteSet set = new();
        _has.CopyTo(set._has, 0);
        foreach (byte b in bytes)
        {
            set._has[b] = false;
        }

        return set;
    }

    public ByteSet And(ByteSet other)
    {
        ByteSet set = new();
        for (int b = 0; b < 256; b++)
        {
            set._has[b] = _has[b] || other._has[b];
        }

        return set;
    }
}

/// <summary>A context-free grammar over the bytes of UTF-8: rules, each with alternatives, each a row of elements. Rule 0 is where a text begins.</summary>
sealed class Grammar
{
    readonly List<GrammarElement[][]> _rules = [[]];

    public IReadOnlyList<GrammarElement[][]> Rules => _rules;

    /// <summary>A number for a rule that is defined later, as a recursive one must.</summary>
    public int Declare()
    {
        _rules.Add([]);
        return _rules.Count - 1;
    }

    public void Define(int rule, params GrammarElement[][] alternatives) => _rules[rule] = alternatives;

    public GrammarElement Rule(params GrammarElement[][] alternatives)
    {
        _rules.Add(alternatives);
        return new GrammarElement.Reference(_rules.Count - 1);
    }

    /// <summary>Whether any text at all comes to an end by these rules.</summary>
    public bool CanEnd()
    {
        bool[] ends = new bool[_rules.Count];
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int i = 0; i < ends.Length; i++)
            {
                if (!ends[i] && _rules[i].Any(row => row.All(e => e is not GrammarElement.Reference r || ends[r.Rule])))
                {
                    ends[i] = changed = true;
                }
            }
        }

        return ends[0];
    }

    /// <summary>A rule that takes no bytes.</summary>
    public GrammarElement Nothing()
    {
        GrammarElement[] none = [];
        return Rule(none);
    }

    /// <summary>Just this text.</summary>
    public static GrammarElement[] Literal(string text) => [.. Encoding.UTF8.GetBytes(text).Select(b => new GrammarElement.OneOf(ByteSet.Of(b)))];

    /// <summary>One of some texts, after at most one space.</summary>
    /// <exception cref="UserError">There are none, or one is empty.</exception>
    public static Grammar Labels(IReadOnlyList<string> labels, string where)
    {
        if (labels.Count == 0 || labels.Any(string.IsNullOrEmpty))
        {
            throw new UserError(labels.Count == 0 ? "there are no labels" : "a label is empty", where, "Give the texts of which the answer is to be one.");
        }

        Grammar grammar = new();
        GrammarElement space = grammar.Rule([], Literal(" "));
        grammar.Define(0, [.. labels.Select(l => (GrammarElement[])[space, .. Literal(l)])]);
        return grammar;
    }
}
