using System.Globalization;
using System.Text;
using Retort.Evidence.Terms;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Step 8: the student, with its papers.</summary>
public sealed partial class DistillJob
{
    const int MostPapers = 1 << 22;

    /// <returns>Whether the student's papers meet what the terms ask for; where they do not, nothing is handed out.</returns>
    ExportVerdict Export(Trained trained, RunData data, RunReport report, IReadOnlyList<Obligation> obligations)
    {
        (Tokenizer tokenizer, Corpus corpus) = (data.Tokenizer, data.Corpus);
        string notices = Notices(obligations);
        (string Name, byte[] Text)[] licences = [.. Licences()];
        ExportVerdict verdict = ExportGate.Check(obligations, new(_recipe.Export.Name, notices, [.. licences.Select(l => Encoding.UTF8.GetString(l.Text))]));
        if (verdict is ExportVerdict.Unmet)
        {
            return verdict;
        }

        LlamaWeights student = trained.Students[0];
        string folder = Path.Combine(_options.Out, "student");
        ModelFolder.Write(folder, student, _recipe.Export.Type switch { "f32" => NumberType.F32, "f16" => NumberType.F16, _ => NumberType.BF16 }, stop: _stop);
        tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
        AtomicFile.WriteAllBytes(Path.Combine(folder, "README.md"), Encoding.UTF8.GetBytes(ModelCard.Write(report, _recipe.Export.Name, _recipe.Export.Type, verdict.Conditions)));
        if (_recipe.Student is StudentRecipe.From from)
        {
            ModelCompanions.Copy(from.Reference, folder);
        }

        // What the weights it began from were made for is not what these are for.
        File.Delete(Path.Combine(folder, AnswerFormFile.Name));
        if (_task is { } task)
        {
            AnswerFormFile.Write(folder, task.Form);
        }

        foreach ((string name, byte[] text) in notices.Length == 0 ? licences : [.. licences, ("NOTICE", Encoding.UTF8.GetBytes(notices))])
        {
            AtomicFile.WriteAllBytes(Path.Combine(folder, name), text);
        }

        List<string> files = [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(f => "student/" + Path.GetFileName(f))];
        if (trained.Adapter is { } adapter)
        {
            string beside = Path.Combine(folder, "adapter");
            AdapterFolder.Write(beside, adapter, Relative(((StudentRecipe.From)_recipe.Student).Reference), Frozen!.Hash);
            files.AddRange(Directory.GetFiles(beside).Order(StringComparer.Ordinal).Select(f => "student/adapter/" + Path.GetFileName(f)));
        }

        if (corpus.HeldOutPrompts() is { Length: > 0 } prompts)
        {
            AtomicFile.WriteAllBytes(Path.Combine(_options.Out, HeldOutFile), prompts);
            files.Add(HeldOutFile);
        }

        _manifest.Add("export", new Dictionary<string, string> { ["tokenizer"] = tokenizer.Hash }, [.. files]);
        return verdict;
    }

    /// <summary>The recipe's own notices, and those the terms ask for that it does not hold; of several that will do the first.</summary>
    string Notices(IReadOnlyList<Obligation> obligations)
    {
        string own = _recipe.Export.Notices is { } file ? TextFile.Read(file, MostPapers) : "";
        string[] missing = [.. obligations.OfType<Obligation.Notice>().Where(n => !n.Choices.Any(c => own.Contains(c, StringComparison.Ordinal))).Select(n => n.Choices[0]).Distinct()];
        return missing.Length == 0 ? own : string.Join("\n", own.Length == 0 ? missing : [own.TrimEnd(), .. missing]) + "\n";
    }

    /// <summary>The recipe's licence files, and those that lie beside the models it read.</summary>
    IEnumerable<(string Name, byte[] Text)> Licences()
    {
        string?[] folders = [_recipe.TeacherOnDisk, (_recipe.Student as StudentRecipe.From)?.Reference];
        IEnumerable<string> beside = folders.OfType<string>().Where(Directory.Exists).SelectMany(f => Directory.GetFiles(f).Order(StringComparer.Ordinal))
            .Where(f => Path.GetFileName(f).StartsWith("LICEN", StringComparison.OrdinalIgnoreCase) || Path.GetFileName(f).StartsWith("USE_POLICY", StringComparison.OrdinalIgnoreCase));
        HashSet<string> taken = new(StringComparer.OrdinalIgnoreCase);
        foreach (string file in _recipe.Export.Licences.Concat(beside).Distinct(StringComparer.Ordinal))
        {
            byte[] text = InputFile.ReadAll(file, MostPapers);
            string name = Path.GetFileName(file), bare = name.StartsWith("LICEN", StringComparison.OrdinalIgnoreCase) ? name : "LICENSE-" + name;
            for (int i = 2; !taken.Add(bare); i++)
            {
                bare = string.Create(CultureInfo.InvariantCulture, $"LICENSE-{i}-{name}");
            }

            yield return (bare, text);
        }
    }
}
