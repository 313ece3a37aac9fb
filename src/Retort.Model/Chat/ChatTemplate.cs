using System.Text.Json;

namespace Retort.Model.Chat;

/// <summary>
/// How a model wants a conversation laid out: the Jinja template its makers put beside it, interpreted. What a template uses beyond the
/// subset that models' templates are written in is refused by its name.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>Characters.</summary>
    const int Longest = 1 << 20;

    readonly IReadOnlyList<TemplateStatement> _body;
    readonly string _where;

    ChatTemplate(IReadOnlyList<TemplateStatement> body, string where, string source)
    {
        _body = body;
        _where = where;
        Source = source;
    }

    /// <summary>As its makers wrote it.</summary>
    public string Source { get; }

    /// <param name="source">The template.</param>
    /// <param name="where">The file it stands in, for errors.</param>
    /// <exception cref="UserError">It is no template, or needs what is not supported.</exception>
    public static ChatTemplate Parse(string source, string where)
    {
        if (source.Length > Longest)
        {
            throw new UserError($"the chat template has more than {Longest} characters", where, "Check that it is a template.");
        }

        try
        {
            return new(TemplateParser.Read(source), where, source);
        }
        catch (TemplateException e)
        {
            throw Fault(e, where);
        }
    }

    /// <param name="variables">What the template may read: messages, tools, add_generation_prompt, bos_token and the like, as one JSON object.</param>
    /// <param name="time">For templates that state the date.</param>
    /// <exception cref="UserError">The template refuses the conversation, or goes wrong with it.</exception>
    public string Render(JsonElement variables, TimeProvider time)
    {
        try
        {
            return TemplateEvaluation.Render(_body, variables.EnumerateObject().ToDictionary(f => f.Name, f => TemplateValue.Of(f.Value), StringComparer.Ordinal), time);
        }
        catch (TemplateException e)
        {
            throw Fault(e, _where);
        }
    }

    static UserError Fault(TemplateException e, string where) => new($"the chat template, line {e.Line}: {e.Message}", where, "Mend the conversation, or give another template.");
}
