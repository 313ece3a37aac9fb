using System.Globalization;
using System.Text.Json;
using Retort.Asking;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Step 3: what of the teacher's distribution the student learns from.</summary>
public sealed partial class DistillJob
{
    TeacherSignal Signal(LlamaWeights? teacher, string teacherHash, RunData data, int vocabulary, IReadOnlyDictionary<string, IReadOnlyList<ServedToken>>? served)
    {
        (Tokenizer tokenizer, Dataset train) = (data.Tokenizer, data.Train);
        if (_recipe.Signal.Kind == "text" || (teacher is null && _recipe.Ask is null))
        {
            return new TeacherSignal.Text();
        }

        if (teacher is null)
        {
            return Served(data, vocabulary, served);
        }

        if (_recipe.Signal.Kind == "live")
        {
            return new TeacherSignal.Dense(teacher);
        }

        int k = Math.Min(_recipe.Signal.K, teacher.Config.Vocabulary);
        string path = Path.Combine(_options.Out, SignalsFile);
        SignalHeader expected = SignalFile.Describe(teacherHash, tokenizer.Hash, train, teacher.Config.Vocabulary, k, _recipe.Loss.Temperature, _recipe.Signal.Tail);
        if (File.Exists(path))
        {
            return new TeacherSignal.Sparse(SignalFile.Open(path, expected));
        }

        SignalFile file = SignalFile.Compute(teacher, expected, train, _recipe.Signal.Tail, _recipe.Data.Seed, _workers, done => Show(SignalsFile, (double)done / train.Tokens.Length, "store the teacher’s signals", string.Create(CultureInfo.InvariantCulture, $"{done:n0} of {train.Tokens.Length:n0} tokens")), _stop);
        file.Save(path);
        _manifest.Add("signals", new Dictionary<string, string> { ["teacher"] = teacherHash, ["tokenizer"] = tokenizer.Hash, ["data"] = train.Hash }, SignalsFile);
        return new TeacherSignal.Sparse(file);
    }

    /// <summary>Step 3 where the teacher was asked: the probabilities it answered with.</summary>
    /// <param name="served">From <see cref="CheckServed"/>.</param>
    /// <exception cref="UserError">The text comes from a dataset that has no signals beside it.</exception>
    TeacherSignal.Sparse Served(RunData data, int vocabulary, IReadOnlyDictionary<string, IReadOnlyList<ServedToken>>? served)
    {
        AskRecipe ask = _recipe.Ask!;
        string path = Path.Combine(_options.Out, SignalsFile);
        SignalHeader expected = SignalFile.Describe($"asked {string.Join(" and ", ask.Teachers.Select(t => t.Model))}", data.Tokenizer.Hash, data.Train, vocabulary, Math.Min(_recipe.Signal.K, vocabulary), 1, _recipe.Signal.Tail);
        string alignment = path + ".json";
        TakeSignals(path, alignment);
        if (!File.Exists(path) || !File.Exists(alignment))
        {
            if (served is null)
            {
                throw new UserError("there are no signals beside this dataset", _options.Dataset ?? path, "Name the dataset of a run that learned from probabilities, or set signal.kind: text and loss: {cross_entropy: 1}.");
            }

            (SignalFile file, SignalAlignment met) = ServedSignal.Of(data.Train, data.Corpus.Train, id => served.GetValueOrDefault(id), data.Tokenizer, expected);
            file.Save(path);
            AtomicFile.WriteAllBytes(alignment, JsonSerializer.SerializeToUtf8Bytes(met));
            _manifest.Add("signals", new Dictionary<string, string> { ["teacher"] = expected.Teacher, ["tokenizer"] = data.Tokenizer.Hash, ["data"] = data.Train.Hash }, SignalsFile, SignalsFile + ".json");
        }

        _alignment = JsonSerializer.Deserialize<SignalAlignment>(File.ReadAllBytes(alignment));
        if (_alignment is { AsText: > 0 } some)
        {
            _warnings.Add(string.Create(CultureInfo.InvariantCulture, $"{some.AsText:n0} of {some.Documents:n0} answers could not be laid onto the student's tokens and are learned as text alone."));
        }

        return new TeacherSignal.Sparse(SignalFile.Open(path, expected));
    }

    /// <summary>Beside a dataset that is trained on again lie the signals made for it.</summary>
    void TakeSignals(params IEnumerable<string> files)
    {
        foreach (string file in files.Where(f => _options.Dataset is not null && !File.Exists(f)))
        {
            string made = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_options.Dataset!))!, Path.GetRelativePath(_options.Out, file));
            if (File.Exists(made))
            {
                AtomicFile.WriteAllBytes(file, File.ReadAllBytes(made));
            }
        }
    }

    /// <summary>The probabilities that came with the answers trained on, each found to belong to them; null where none are learned from, or they lie in the
    /// folder already. Before the folder is taken: a run that is refused leaves it free for one with another recipe.</summary>
    /// <exception cref="UserError">Some do not hold, and nothing is trained from them.</exception>
    Dictionary<string, IReadOnlyList<ServedToken>>? CheckServed(Corpus corpus)
    {
        if (_recipe.Ask is not { } ask || _recipe.Signal.Kind != "top_k" || _options.Dataset is not null || File.Exists(Path.Combine(_options.Out, SignalsFile)))
        {
            return null;
        }

        HashSet<string> trained = [.. corpus.Train.Select(d => d.Id).OfType<string>()];
        Dictionary<string, IReadOnlyList<ServedToken>> tokens = new(StringComparer.Ordinal);
        List<(string Id, SignalFault Fault)> faults = [];
        using Transcripts store = Transcripts.Open(StorePath, _time);
        foreach (StoredAnswer answer in store.Answers().Where(a => trained.Contains(a.Id)))
        {
            if (SignalCheck.Of(answer.Choice, ask.Parameters.TopLogProbabilities ?? 0, ask.Parameters.Stop ?? [], out IReadOnlyList<ServedToken> read) is { } fault)
            {
                faults.Add((answer.Id, fault));
            }
            else
            {
                tokens[answer.Id] = read;
            }
        }

        return faults.Count == 0 || _recipe.Signal.Faulty == "text" ? tokens : throw new UserError(
            string.Create(CultureInfo.InvariantCulture, $"the probabilities of {faults.Count:n0} of {trained.Count:n0} answers do not hold, the first of them those of {faults[0].Id}: {SignalCheck.Sentence(faults[0].Fault)}"), StorePath,
            "See them all with: retort verify signals RUN. signal: {faulty: text} learns these answers as text alone.");
    }
}
