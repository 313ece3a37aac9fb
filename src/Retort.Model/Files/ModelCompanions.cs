using System.Text;

namespace Retort.Model.Files;

/// <summary>What lies beside a model's weights and says how it is to be talked to: its chat template, its makers' defaults for drawing texts, and the form of
/// its answers where it was made for one task.</summary>
public static class ModelCompanions
{
    /// <summary>Puts them into another model's folder, as chat_template.jinja, generation_config.json and answer_form.json; what the model has not is left out.</summary>
    /// <param name="from">A model's folder or file.</param>
    /// <exception cref="UserError">One cannot be read or written.</exception>
    public static void Copy(string from, string folder)
    {
        if (ChatTemplateFile.Read(from) is { } template)
        {
            AtomicFile.WriteAllBytes(Path.Combine(folder, "chat_template.jinja"), Encoding.UTF8.GetBytes(template));
        }

        foreach (string name in (string[])[GenerationConfigFile.Name, AnswerFormFile.Name])
        {
            if (File.Exists(Path.Combine(from, name)))
            {
                AtomicFile.WriteAllBytes(Path.Combine(folder, name), InputFile.ReadAll(Path.Combine(from, name), 1 << 20));
            }
        }
    }
}
