using System.Text.Json;

namespace Retort.Model.Grammars;

/// <summary>What an answer must keep to while it is written.</summary>
public abstract record AnswerForm
{
    AnswerForm()
    {
    }

    /// <summary>Any text.</summary>
    public sealed record Free : AnswerForm;

    /// <summary>Any JSON object.</summary>
    public sealed record AnyJson : AnswerForm;

    /// <summary>A JSON value that a schema allows.</summary>
    public sealed record Schema(JsonElement Json) : AnswerForm;

    /// <summary>One of some texts.</summary>
    public sealed record Labels(IReadOnlyList<string> Texts) : AnswerForm;

    /// <summary>Looks whether answers can be kept to it, whatever the model.</summary>
    /// <inheritdoc cref="Constraint"/>
    public void Check(string where) => _ = this switch
    {
        Schema schema => JsonSchemaGrammar.Of(schema.Json, where),
        Labels labels => Grammar.Labels(labels.Texts, where),
        _ => null,
    };

    /// <summary>What keeps one answer to it; null where nothing need be kept.</summary>
    /// <param name="ends">The model's end tokens.</param>
    /// <param name="where">What errors call it.</param>
    /// <exception cref="UserError">There is no label, one is empty, or the schema is none or asks for what cannot be promised.</exception>
    public TokenConstraint? Constraint(TokenIndex index, IReadOnlyCollection<int> ends, string where) => this switch
    {
        Schema schema => TokenConstraint.OfSchema(schema.Json, index, ends, where),
        AnyJson => TokenConstraint.OfAnyObject(index, ends),
        Labels labels => TokenConstraint.OfLabels(labels.Texts, index, ends, where),
        _ => null,
    };
}
