using System.Text.Json;

namespace Retort.Evidence.Terms;

/// <summary>
/// What an endpoint's own list of models says of training on one model's answers. OpenRouter has is_trainable_text, true, false or nothing
/// (https://openrouter.ai/docs/guides/guides/distillation); NanoGPT has distillationPolicy
/// (https://docs.nano-gpt.com/api-reference/miscellaneous/distillation-policy). Both call it their reading of others' terms, so it may close the gate
/// and does not open it.
/// </summary>
/// <param name="Class"><see cref="TermsClass.Allow"/>, <see cref="TermsClass.Unknown"/> or <see cref="TermsClass.TrainingBanned"/>.</param>
/// <param name="Source">The field it was read from.</param>
public sealed record EndpointPolicy(TermsClass Class, string Source, string? Label, string? Basis, string? Link, string? Note)
{
    /// <param name="utf8">A model's record, or a list of them under "data".</param>
    /// <param name="where">Address or file, for errors.</param>
    /// <param name="model">Its id or slug in a list.</param>
    /// <returns>Null when the record has neither field.</returns>
    /// <exception cref="UserError">It is not JSON of that form, or the model is not in the list.</exception>
    public static EndpointPolicy? Parse(ReadOnlySpan<byte> utf8, string where, string model)
    {
        JsonFields root = JsonFields.Parse(utf8, where);
        return Read(root.Array("data") is { } list ? Find(root, list, model) : root.Object("data") ?? root);
    }

    static JsonFields Find(JsonFields root, IReadOnlyList<JsonElement> list, string model)
    {
        for (int i = 0; i < list.Count; i++)
        {
            JsonFields record = root.Nested($"data[{i}]", list[i]);
            if (record.Text("id", "") == model || record.Text("slug", "") == model)
            {
                return record;
            }
        }

        throw new UserError($"the model '{JsonFields.Short(model)}' is not in the endpoint's list", root.Where, "Check the name after the # of the reference.");
    }

    static EndpointPolicy? Read(JsonFields record)
    {
        EndpointPolicy? nano = record.Object("distillationPolicy") is { } p
            ? new(
                p.Text("status") switch
                {
                    "allowed" => TermsClass.Allow,
                    "disallowed" => TermsClass.TrainingBanned,
                    "unknown" => TermsClass.Unknown,
                    _ => throw p.Wrong("status", "It must be allowed, disallowed or unknown."),
                },
                "distillationPolicy", Optional(p, "label"), Optional(p, "basis"), Optional(p, "sourceUrl"), Optional(p, "note"))
            : null;
        if (!record.Names.Contains("is_trainable_text", StringComparer.Ordinal))
        {
            return nano;
        }

        TermsClass says = !record.Has("is_trainable_text") ? TermsClass.Unknown : record.Bool("is_trainable_text", false) ? TermsClass.Allow : TermsClass.TrainingBanned;
        return nano is not null && nano.Class >= says ? nano : new(says, "is_trainable_text", null, null, null, null);
    }

    static string? Optional(JsonFields fields, string name) => fields.Has(name) ? fields.Text(name) : null;
}
