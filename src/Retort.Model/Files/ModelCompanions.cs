using System.Text;

namespace Retort.Model.Files;

/// <summary>What lies beside a model's weights and says how it is to be talked to: its chat template and its makers' defaults for drawing texts.</summary>
public static class ModelCompanions
{
    /// <summary>Puts them into another model's folder, as chat_template.jinja and generation_config.json; what the model has not is left out.</summary>
    /// <param name="from">A model's folder or file.</param>
    /// <exception cref="UserError">One cannot be read or written.</exception>
    public static void Copy(string from, string folder)
    {
        if (ChatTemplateFile.Read(from) is { } template)
        {
            AtomicFile.WriteAllBytes(Path.Combine(folder, "chat_template.jinja"), Encoding.UTF8.GetBytes(template));
        }

        string generation = Path.Combine(from, GenerationConfigFile.Name);
        if (File.Exists(generation))
        {
            AtomicFile.WriteAllBytes(Path.Combine(folder, GenerationConfigFile.Name), InputFile.ReadAll(generation, 1 << 20));
        }
    }
}
