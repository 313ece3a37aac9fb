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
    const string Trainable = "is_trainable_text", Nano = "distillationPolicy";

    /// <summary>The field and its value, as the endpoint has them.</summary>
    public string Field => Source == Trainable
        ? $"{Trainable}: {Class switch { TermsClass.Allow => "true", TermsClass.TrainingBanned => "false", _ => "null" }}"
        : $"{Nano}.status: {Class switch { TermsClass.Allow => "allowed", TermsClass.TrainingBanned => "disallowed", _ => "unknown" }}";

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
            // What is wrong with another model's record is no reason to read none.
            if (list[i].ValueKind == JsonValueKind.Object && (Is(list[i], "id", model) || Is(list[i], "slug", model)))
            {
                return root.Nested($"data[{i}]", list[i]);
            }
        }

        throw new UserError($"the model '{JsonFields.Short(model)}' is not in the endpoint's list", root.Where, "Check the name after the # of the reference.");
    }

    static bool Is(JsonElement record, string name, string model) => record.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.ValueEquals(model);

    /// <summary>The stricter of both; a field that forbids holds whatever is wrong with the other.</summary>
    static EndpointPolicy? Read(JsonFields record)
    {
        EndpointPolicy? strictest = null;
        UserError? fault = null;
        foreach (Func<JsonFields, EndpointPolicy?> field in (Func<JsonFields, EndpointPolicy?>[])[OfNano, OfTrainable])
        {
            try
            {
                EndpointPolicy? says = field(record);
                strictest = strictest is null || says?.Class > strictest.Class ? says ?? strictest : strictest;
            }
            catch (UserError e)
            {
                fault ??= e;
            }
        }

        return fault is null || strictest?.Class == TermsClass.TrainingBanned ? strictest : throw fault;
    }

    static EndpointPolicy? OfTrainable(JsonFields record) => !record.Names.Contains(Trainable, StringComparer.Ordinal) ? null
        : new(!record.Has(Trainable) ? TermsClass.Unknown : record.Bool(Trainable, false) ? TermsClass.Allow : TermsClass.TrainingBanned, Trainable, null, null, null, null);

    static EndpointPolicy? OfNano(JsonFields record) => record.Object(Nano) is { } policy ? Status(policy) : null;

    static EndpointPolicy Status(JsonFields p) => new(
        p.Text("status") switch
        {
            "allowed" => TermsClass.Allow,
            "disallowed" => TermsClass.TrainingBanned,
            "unknown" => TermsClass.Unknown,
            _ => throw p.Wrong("status", "It must be allowed, disallowed or unknown."),
        },
        Nano, Optional(p, "label"), Optional(p, "basis"), Optional(p, "sourceUrl"), Optional(p, "note"));

    /// <summary>A text that explains; what is none explains nothing, and changes nothing.</summary>
    static string? Optional(JsonFields fields, string name) => fields.Find(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
