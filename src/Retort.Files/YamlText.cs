using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Retort.Files;

/// <summary>
/// YAML from outside as nodes. Aliases and deep nesting are refused before a node is built: a few lines of aliases stand for millions of nodes,
/// and YamlDotNet compares and nests nodes by recursion.
/// </summary>
public static class YamlText
{
    const int Deepest = 16;

    const string KeyAndValue = "A key and its value are separated by a colon and a space.";

    /// <summary>The text's one document; null when it holds nothing.</summary>
    /// <param name="where">The file, or the option it was typed in.</param>
    /// <param name="lines">Whether a line means anything to the reader.</param>
    /// <exception cref="UserError">It is not YAML, or uses what nothing here needs.</exception>
    public static YamlNode? Parse(string text, string where, bool lines)
    {
        string At(Mark mark) => lines && mark.Line > 0 ? $"{where}, line {mark.Line}" : where;
        try
        {
            Check(text, At);
            YamlStream stream = [];
            using StringReader reader = new(text);
            stream.Load(reader);
            return stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
        }
        catch (YamlException e)
        {
            throw new UserError($"this is not YAML: {e.Message.TrimEnd('.')}", At(e.Start), e.Message.Contains("tab", StringComparison.Ordinal) ? "YAML indents with spaces, never with tabs." : KeyAndValue);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or FormatException)
        {
            // What YamlDotNet throws at some brackets that are never closed, and at some tags.
            throw new UserError("this is not YAML", where, $"Close every bracket and quote. {KeyAndValue}");
        }
    }

    static void Check(string text, Func<Mark, string> at)
    {
        Parser parser = new(new StringReader(text));
        int depth = 0, documents = 0;
        while (parser.MoveNext())
        {
            ParsingEvent now = parser.Current!;
            depth += now.NestingIncrease;
            documents += now is DocumentStart ? 1 : 0;
            if (now is AnchorAlias alias)
            {
                throw new UserError($"the alias *{alias.Value} is not read here", at(now.Start), "Write the value itself.");
            }

            if (now is DocumentStart && documents > 1)
            {
                throw new UserError("a second document begins", at(now.Start), "A file is one document here: take out the line of three dashes.");
            }

            // Stream and document are two levels.
            if (depth > Deepest + 2)
            {
                throw new UserError($"brackets or blocks are nested more than {Deepest} deep", at(now.Start), "No key needs that.");
            }
        }
    }
}
