using Retort.Kernels;
using Retort.Model.Tokenizers;

namespace Retort.Model.Files;

/// <param name="Path">The folder or file that was written.</param>
/// <param name="Bytes">Of the weight files.</param>
/// <param name="Tokenizer">Whether one was written too.</param>
public sealed record ConvertedModel(string Path, long Parameters, long Bytes, bool Tokenizer);

/// <summary>Writes any model that can be read as a Hugging Face folder, or as a GGUF file.</summary>
public static class ModelConversion
{
    /// <summary>
    /// A new folder appears whole or not at all: it is made beside its place and renamed. An existing model is replaced file by file, each whole.
    /// </summary>
    /// <param name="tokenizer">A tokenizer's path that goes before the one beside the model.</param>
    /// <param name="adapter">A PEFT folder whose adapter is merged into the model, or null.</param>
    /// <param name="replace">Whether a folder that is there may be written into.</param>
    /// <exception cref="UserError">The model cannot be read, the folder is taken, a weight is beyond the type's range, or the disk refuses.</exception>
    public static ConvertedModel Run(string from, string to, NumberType type, string? tokenizer, string? adapter, bool replace, CancellationToken stop)
    {
        bool taken = File.Exists(to) || (Directory.Exists(to) && Directory.EnumerateFileSystemEntries(to).Any());
        if (File.Exists(to) || (taken && !replace))
        {
            throw new UserError(File.Exists(to) ? "this is a file, not a folder" : "the folder is not empty", to, File.Exists(to) ? "Name a folder." : "Name another folder, or replace the model in it with --force.");
        }

        OpenModel model = Open(from, tokenizer, adapter);
        Tokenizer? words = model.TokenizerPath is { } path ? Tokenizer.Open(path) : null;
        stop.ThrowIfCancellationRequested();
        if (taken)
        {
            Fill(to, model, words, type, stop);
        }
        else
        {
            string place = Path.TrimEndingDirectorySeparator(Path.GetFullPath(to)), made = place + AtomicFile.Suffix;
            try
            {
                Directory.CreateDirectory(made);
                Fill(made, model, words, type, stop);
                if (Directory.Exists(place))
                {
                    Directory.Delete(place);
                }

                Directory.Move(made, place);
            }
            catch (Exception e) when (FileFault.Is(e))
            {
                throw FileFault.Writing(to, e);
            }
            finally
            {
                if (Directory.Exists(made))
                {
                    Directory.Delete(made, recursive: true);
                }
            }
        }

        return new(to, model.Weights.Config.Parameters, WeightFiles.Paths(to).Sum(f => new FileInfo(f).Length), words is not null);
    }

    /// <summary>One GGUF file, whole or not at all.</summary>
    /// <param name="tokenizer">A tokenizer's path that goes before the one beside the model.</param>
    /// <param name="adapter">A PEFT folder whose adapter is merged into the model, or null.</param>
    /// <param name="replace">Whether a file that is there may be replaced.</param>
    /// <exception cref="UserError">The model cannot be read, has no tokenizer or one llama.cpp does not know, the file is taken, or the disk refuses.</exception>
    public static ConvertedModel ToGguf(string from, string to, GgufType type, string? tokenizer, string? adapter, bool replace, CancellationToken stop)
    {
        if (Directory.Exists(to) || (File.Exists(to) && !replace))
        {
            throw new UserError(Directory.Exists(to) ? "this is a folder, not a file" : "the file is there already", to, Directory.Exists(to) ? "Name a file." : "Name another file, or replace it with --force.");
        }

        OpenModel model = Open(from, tokenizer, adapter);
        Tokenizer words = Tokenizer.Open(model.TokenizerPath ?? throw new UserError("the model has no tokenizer beside it, and a GGUF file carries one", from, "Name one with --tokenizer FILE."));
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(from)));
        GgufWriter.Write(to, model.Weights, words, ChatTemplateFile.Read(model.Path), name, type, stop);
        return new(to, model.Weights.Config.Parameters, new FileInfo(to).Length, Tokenizer: true);
    }

    static OpenModel Open(string from, string? tokenizer, string? adapter)
    {
        if (adapter is not null && !Directory.Exists(adapter))
        {
            throw new UserError("there is no such folder", adapter, "An adapter is a folder as PEFT writes it.");
        }

        OpenModel model = ModelReference.Open(from, tokenizer);
        if (adapter is not null)
        {
            using Workers workers = new(Environment.ProcessorCount);
            AdapterFolder.Read(adapter, model.Weights.Config, model.Hash).MergeInto(model.Weights, workers);
        }

        return model;
    }

    static void Fill(string folder, OpenModel model, Tokenizer? tokenizer, NumberType type, CancellationToken stop)
    {
        ModelFolder.Write(folder, model.Weights, type, stop: stop);
        tokenizer?.Save(folder);
        ModelCompanions.Copy(model.Path, folder);
    }
}
