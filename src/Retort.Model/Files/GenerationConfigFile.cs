using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>Hugging Face's <c>generation_config.json</c>, which lies beside config.json or not at all.</summary>
public static class GenerationConfigFile
{
    internal const string Name = "generation_config.json";

    /// <param name="model">A model's path; only a folder can hold the file.</param>
    /// <exception cref="UserError">The file is broken, or a value is none that sampling can have.</exception>
    public static GenerationDefaults Read(string model)
    {
        string path = Path.Combine(model, Name);
        if (!Directory.Exists(model) || !File.Exists(path))
        {
            return GenerationDefaults.None;
        }

        JsonFields json = JsonFields.Read(path);
        double? Number(string name) => json.Has(name) ? json.Double(name) : null;
        GenerationDefaults made = new(
            json.Bool("do_sample", true) ? Number("temperature") : 0, json.Has("top_k") ? json.Int("top_k") : null, Number("top_p"), Number("min_p"), Number("repetition_penalty"));
        made.Over(new SamplingOptions()).Validate(path);
        return made;
    }
}
