using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace Retort.Distill;

/// <summary>
/// HTML. Every hole of an interpolated string that becomes one is escaped, unless it is Markup already: text from a model, a recipe or a
/// file can only ever appear as text.
/// </summary>
readonly record struct Markup(string Html)
{
    public static Markup None => new("");

    public static Markup Of(MarkupHandler html) => new(html.ToString());

    public static Markup Join(IEnumerable<Markup> parts) => new(string.Concat(parts.Select(p => p.Html)));

    public override string ToString() => Html;
}

/// <summary>Builds <see cref="Markup"/> from an interpolated string.</summary>
[InterpolatedStringHandler]
readonly struct MarkupHandler
{
    readonly StringBuilder html;

    public MarkupHandler(int literalLength, int formattedCount) => html = new StringBuilder(literalLength + (formattedCount * 16));

    public void AppendLiteral(string literal) => html.Append(literal);

    public void AppendFormatted(Markup markup) => html.Append(markup.Html);

    public void AppendFormatted(string? text) => html.Append(Escape(text));

    public void AppendFormatted(long number) => html.Append(number);

    /// <summary>A coordinate of a drawing, to a hundredth.</summary>
    public void AppendFormatted(double coordinate) => html.Append(coordinate.ToString("0.##"));

    public override string ToString() => html.ToString();

    /// <summary>Control characters have no place in HTML, and WebUtility leaves them; line breaks and tabs stay.</summary>
    static string Escape(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        char[] clean = text.ToCharArray();
        for (int i = 0; i < clean.Length; i++)
        {
            if (char.IsControl(clean[i]) && clean[i] is not ('\n' or '\t'))
            {
                clean[i] = '\uFFFD';
            }
        }

        return WebUtility.HtmlEncode(new string(clean));
    }
}
