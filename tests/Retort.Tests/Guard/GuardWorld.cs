using Retort.Guard;
using Retort.Model.Files;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using Retort.Tests.Model.Files;
using Retort.Tests.Model.Llama;
using TokenizerSamples = Retort.Tests.Model.Tokenizers.Samples;

namespace Retort.Tests.Guard;

/// <summary>A small random model, served on a free port of this machine alone.</summary>
sealed class GuardWorld : IAsyncDisposable
{
    public const string Name = "small";

    const string Template = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    readonly Scratch _folder;

    GuardWorld(Scratch folder, GuardHost host) => (_folder, Host) = (folder, host);

    public GuardHost Host { get; }

    /// <summary>The model that is served, on disk.</summary>
    public string Model => _folder.Folder;

    public string Url => Host.Addresses[0];

    /// <param name="template">Whether the model has a chat template.</param>
    /// <param name="generation">Its generation_config.json, if it has one.</param>
    public static async Task<GuardWorld> Start(bool template = true, int answers = 4, int queue = 8, int context = 2048, TimeSpan? grace = null, string? generation = null)
    {
        Scratch folder = new();
        Folder(folder.Folder, template, context);
        if (generation is not null)
        {
            folder.Write("generation_config.json", generation);
        }

        ServeOptions options = new(Name, "http://127.0.0.1:0", Threads: 1, CacheTokens: answers * context, answers, queue, MostTokens: 512, grace);
        return new(folder, await GuardHost.Start(InferenceModel.Open(folder.Folder), options, TimeProvider.System));
    }

    /// <summary>Writes the model's folder.</summary>
    public static void Folder(string path, bool template, int context)
    {
        // No token ends an answer, so that tests say how long each is.
        Tokenizer words = TokenizerSamples.Trained(600, "<|system|>", "<|user|>", "<|assistant|>");
        LlamaWeights random = SmallModels.Random(LlamaFamily.Llama, words.VocabularySize, context), endless = new(random.Config with { EndTokens = [] });
        foreach ((WeightSlice from, WeightSlice to) in random.Slices().Zip(endless.Slices()))
        {
            from.Span.CopyTo(to.Span);
        }

        ModelFolder.Write(path, endless, NumberType.F32);
        words.Save(Path.Combine(path, "tokenizer.json"));
        if (template)
        {
            File.WriteAllText(Path.Combine(path, "chat_template.jinja"), Template);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _folder.Dispose();
    }
}
