using System.Text.Json;

namespace Retort.Model.Files;

/// <summary>Where a model's chat template stands: in a GGUF file's metadata, in chat_template.jinja, or in tokenizer_config.json.</summary>
static class ChatTemplateFile
{
    const int Longest = 1 << 24;

    /// <summary>The template's source, or null where the model has none.</summary>
    /// <param name="model">The model's folder or file.</param>
    /// <exception cref="UserError">A file cannot be read.</exception>
    public static string? Read(string model)
    {
        if (GgufHeader.IsAt(model))
        {
            using InputFile file = InputFile.Open(model);
            return GgufHeader.Read(file).Text("tokenizer.chat_template");
        }

        string folder = Directory.Exists(model) ? model : Path.GetDirectoryName(Path.GetFullPath(model))!;
        string alone = Path.Combine(folder, "chat_template.jinja"), config = Path.Combine(folder, "tokenizer_config.json");
        if (File.Exists(alone))
        {
            return TextFile.Read(alone, Longest);
        }

        if (!File.Exists(config))
        {
            return null;
        }

        JsonFields fields = JsonFields.Parse(InputFile.ReadAll(config, Longest), config);
        foreach ((string name, JsonElement value) in fields.All)
        {
            if (name == "chat_template")
            {
                return value.ValueKind switch
                {
                    JsonValueKind.String => value.GetString(),
                    JsonValueKind.Null => null,
                    _ => Named(value) ?? throw fields.Wrong("chat_template", "It must be a text, or a list of templates with one named default."),
                };
            }
        }

        return null;
    }

    /// <summary>Of several templates, the one named default.</summary>
    static string? Named(JsonElement list) => list.ValueKind != JsonValueKind.Array ? null : list.EnumerateArray()
        .Where(t => t.ValueKind == JsonValueKind.Object && t.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String && name.GetString() == "default")
        .Select(t => t.TryGetProperty("template", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null).FirstOrDefault();
}
