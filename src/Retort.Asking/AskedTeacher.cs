namespace Retort.Asking;

/// <summary>One of the models a recipe asks.</summary>
/// <param name="Model">Whom to ask.</param>
/// <param name="Key">The environment variable that holds its key; null where none is sent.</param>
/// <param name="Terms">The entry of the terms register that is said to apply; null where the endpoint's own is meant.</param>
/// <param name="Price">What its tokens cost; null where a table says, or nothing.</param>
public sealed record AskedTeacher(Endpoint Model, string? Key, string? Terms, Price? Price)
{
    /// <summary>Reads <c>more_teachers</c>: <c>{model, key, terms, price: {prompt, completion, since, source}}</c> each, or the endpoint alone.</summary>
    /// <param name="first">The recipe's <c>teacher</c>; one at its address is sent its key where it names none.</param>
    internal static IReadOnlyList<AskedTeacher> Read(YamlFields root, AskedTeacher first)
    {
        List<AskedTeacher> all = [first];
        foreach (YamlFields fields in root.Maps("more_teachers", "model"))
        {
            AskedTeacher one = One(fields, first);
            if (one.Model.Model.Length > 0 && all.Any(t => t.Model == one.Model))
            {
                fields.Fault("model", $"is a teacher already: {one.Model}");
            }

            all.Add(one);
        }

        return all[1..];
    }

    static AskedTeacher One(YamlFields fields, AskedTeacher first)
    {
        fields.Require("model");
        Endpoint model = Parse(fields);
        YamlFields price = fields.Map("price");
        AskedTeacher one = new(
            model, fields.Has("key") ? AskRecipe.Variable(fields) : model.Address == first.Model.Address ? first.Key : null, fields.Text("terms"),
            price.Present ? new((decimal)price.Number("prompt", 0, 0, 1e6), (decimal)price.Number("completion", 0, 0, 1e6), price.Date("since") ?? DateOnly.MinValue, price.Text("source")) : null);
        price.Close();
        fields.Close();
        return one;
    }

    static Endpoint Parse(YamlFields fields)
    {
        string? model = fields.Text("model");
        if (model is not null && !Endpoint.Is(model))
        {
            fields.Fault("model", "must be an endpoint, as https://host/v1#model; retort serve makes one of a model on disk");
            return new("", "");
        }

        try
        {
            return model is null ? new("", "") : Endpoint.Parse(model);
        }
        catch (UserError fault)
        {
            fields.Fault("model", $"is at fault: {fault.What}");
            return new("", "");
        }
    }
}
