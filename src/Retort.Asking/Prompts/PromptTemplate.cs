using System.Text;

namespace Retort.Asking;

/// <summary>A text with the names of columns in braces, such as "Translate {text} to French"; {{ and }} stand for a brace.</summary>
sealed class PromptTemplate
{
    const string Where = "data.template", Hint = "Write a column as {name}, and a brace as {{ or }}.";

    /// <summary>Texts at even places, columns' names at odd ones.</summary>
    readonly List<string> _parts = [];

    /// <exception cref="UserError">A brace is not closed or not opened, or no column is named.</exception>
    public PromptTemplate(string text)
    {
        StringBuilder part = new();
        for (int i = 0; i < text.Length; i++)
        {
            bool inside = _parts.Count % 2 == 1, twice = !inside && i + 1 < text.Length && text[i + 1] == text[i];
            if (text[i] is not ('{' or '}') || twice)
            {
                part.Append(text[i]);
                i += twice && text[i] is '{' or '}' ? 1 : 0;
            }
            else if ((text[i] == '}') == inside && (!inside || part.Length > 0))
            {
                _parts.Add(part.ToString());
                part.Clear();
            }
            else
            {
                throw new UserError("a brace is not closed, not opened, or names nothing", Where, Hint);
            }
        }

        _parts.Add(part.ToString());
        if (_parts.Count % 2 == 0 || _parts.Count == 1)
        {
            throw new UserError(_parts.Count == 1 ? "the template names no column" : "a brace is not closed", Where, Hint);
        }
    }

    /// <summary>The columns it names, each once.</summary>
    public IReadOnlyList<string> Columns => [.. _parts.Where((_, i) => i % 2 == 1).Distinct(StringComparer.Ordinal)];

    /// <param name="value">A column's value.</param>
    public string Fill(Func<string, string> value) => string.Concat(_parts.Select((p, i) => i % 2 == 1 ? value(p) : p));
}
