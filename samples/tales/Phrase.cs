using System.Numerics;
using System.Text;

namespace Retort.Samples.Tales;

/// <summary>
/// A sentence pattern: text, facts in braces ("{hero}"; a capital first letter asks for one in the text) and free choices in
/// brackets ("[so|very]", not nested). The same pattern is written by the generator and read by the checker.
/// </summary>
sealed class Phrase
{
    readonly Node? head;

    public Phrase(string pattern)
    {
        Pattern = pattern;
        Variants = BigInteger.One;
        head = Parse(pattern, null);
    }

    public string Pattern { get; }

    /// <summary>How many texts the free choices allow once the facts are fixed.</summary>
    public BigInteger Variants { get; private set; }

    public void Write(StringBuilder text, Plot plot, SplitMix64 random)
    {
        for (var node = head; node is not null;)
        {
            switch (node)
            {
                case Node.Literal literal:
                    text.Append(literal.Text);
                    break;
                case Node.Blank blank:
                    blank.Slot.Write(text, plot, random, blank.Capital);
                    break;
                case Node.Choice choice:
                    node = random.Pick(choice.Options) ?? choice.Next;
                    continue;
            }
            node = node.Next;
        }
    }

    /// <summary>Matches at <paramref name="start"/>; returns where the match ends or −1, and adds what the sentence states to <paramref name="stated"/>.</summary>
    public int Read(string text, int start, List<(Fact Fact, int Value)> stated) => Read(head, text, start, stated);

    static int Read(Node? node, string text, int at, List<(Fact Fact, int Value)> stated)
    {
        for (; node is not null; node = node.Next)
        {
            switch (node)
            {
                case Node.Literal literal:
                    if (string.CompareOrdinal(text, at, literal.Text, 0, literal.Text.Length) != 0)
                    {
                        return -1;
                    }
                    at += literal.Text.Length;
                    break;
                case Node.Blank { Slot: ReasonSlot } blank:
                    return ReadReason(blank, text, at, stated);
                case Node.Blank blank:
                    at = blank.Slot.Read(text, at, blank.Capital, stated);
                    if (at < 0)
                    {
                        return -1;
                    }
                    break;
                case Node.Choice choice:
                    var mark = stated.Count;
                    foreach (var option in choice.Options)
                    {
                        var end = Read(option ?? choice.Next, text, at, stated);
                        if (end >= 0)
                        {
                            return end;
                        }
                        stated.RemoveRange(mark, stated.Count - mark);
                    }
                    return -1;
            }
        }
        return at;
    }

    /// <summary>A reason may begin like another, so each is tried together with what follows it.</summary>
    static int ReadReason(Node.Blank blank, string text, int at, List<(Fact Fact, int Value)> stated)
    {
        var mark = stated.Count;
        for (var reason = 0; reason < World.Reasons.Length; reason++)
        {
            var end = World.Reasons[reason].Read(text, at, stated);
            if (end >= 0)
            {
                stated.Add((Fact.Why, reason));
                end = Read(blank.Next, text, end, stated);
                if (end >= 0)
                {
                    return end;
                }
            }
            stated.RemoveRange(mark, stated.Count - mark);
        }
        return -1;
    }

    Node? Parse(string pattern, Node? next)
    {
        if (pattern.Length == 0)
        {
            return next;
        }
        switch (pattern[0])
        {
            case '{':
                var close = pattern.IndexOf('}', StringComparison.Ordinal);
                var name = pattern[1..close];
                var slot = Slot.Named(char.ToLowerInvariant(name[0]) + name[1..]);
                return new Node.Blank(slot, char.IsUpper(name[0])) { Next = Parse(pattern[(close + 1)..], next) };
            case '[':
                var end = pattern.IndexOf(']', StringComparison.Ordinal);
                var options = pattern[1..end].Split('|');
                Variants *= options.Length;
                var rest = Parse(pattern[(end + 1)..], next);
                return new Node.Choice([.. options.Select(option => Parse(option, rest))]) { Next = rest };
            default:
                var stop = pattern.AsSpan().IndexOfAny('{', '[');
                var length = stop < 0 ? pattern.Length : stop;
                return new Node.Literal(pattern[..length]) { Next = Parse(pattern[length..], next) };
        }
    }

    abstract class Node
    {
        public Node? Next { get; init; }

        public sealed class Literal(string text) : Node
        {
            public string Text { get; } = text;
        }

        public sealed class Blank(Slot slot, bool capital) : Node
        {
            public Slot Slot { get; } = slot;

            public bool Capital { get; } = capital;
        }

        /// <summary>The last node of every option goes on to what follows the choice.</summary>
        public sealed class Choice(Node?[] options) : Node
        {
            public Node?[] Options { get; } = options;
        }
    }
}
