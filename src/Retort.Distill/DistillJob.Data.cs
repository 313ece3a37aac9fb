using System.Globalization;
using System.Text;
using System.Text.Json;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Steps 1 and 2: the teacher's weights, and the text as rows of tokens.</summary>
public sealed partial class DistillJob
{
    (LlamaWeights?, ModelFacts?, string, Tokenizer?) OpenTeacher()
    {
        if (_recipe.TeacherOnDisk is not { } reference)
        {
            ModelFacts? asked = _recipe.Ask is { } ask ? new(string.Join(" and ", ask.Teachers.Select(t => t.Model)), "asked behind an interface", null, null) : null;
            Tokenizer? named = _recipe.TeacherTokenizer is { } file ? Tokenizer.Open(file) : null;
            return (null, asked, "", named);
        }

        OpenModel model = ModelReference.Open(reference, _recipe.TeacherTokenizer);
        if (model.TokenizerPath is null)
        {
            throw new UserError("the teacher has no tokenizer beside it", reference, "Put its tokenizer.json or tok*.bin beside it, or name one under teacher_tokenizer.");
        }

        Tokenizer tokenizer = Tokenizer.Open(model.TokenizerPath);
        StudentModel.CheckVocabulary(_recipe, tokenizer, model.Weights.Config, Frozen);
        return (model.Weights, new ModelFacts(Relative(reference), Shape(model.Weights.Config), model.Weights.Config.Parameters, model.Bytes), model.Hash, tokenizer);
    }

    RunData Gather(LlamaWeights? teacher, Tokenizer? teacherTokenizer)
    {
        Corpus corpus = _options.Dataset is { } dataset ? DatasetFile.Read(dataset)
            : _recipe.Ask is { } ask ? Admitted(ask)
            : _recipe.Data.TeacherSamples is { } count ? SampleTeacher(teacher!, teacherTokenizer!, count)
            : Corpus.Read(_recipe.Data, _samples);
        corpus = _task is not null ? OfTask(corpus, _task) : _recipe.Ask is not null ? WithScores(corpus) : corpus;
        Tokenizer tokenizer = teacher is not null ? teacherTokenizer! : StudentTokenizer(corpus, teacherTokenizer);
        Dataset Pack(IReadOnlyList<Document> documents, string part) => Dataset.Pack(documents, tokenizer, _recipe.Train.Context, _recipe.Data.MaskPrompts, part);
        Dataset train = Pack(corpus.Train, "data"), heldOut = Pack([.. corpus.HeldOut.Where(d => !d.Untaught)], "data.held_out");
        if (train.Cut + heldOut.Cut > 0)
        {
            _warnings.Add($"{train.Cut + heldOut.Cut} documents were longer than a row of {_recipe.Train.Context} tokens and were cut; raise train.context to keep them whole.");
        }

        return _recipe.Ask is null
            ? new(corpus, tokenizer, train, null, Pack(corpus.Validation, "data.validation"), heldOut, corpus.HeldOut, null, _recipe.Data.TeacherSamples is not null, true)
            : BesideAskedTeacher(corpus, tokenizer, train, heldOut, Pack);
    }

    /// <summary>Text drawn from the teacher itself, kept in the run folder so that a resumed run reads the same.</summary>
    Corpus SampleTeacher(LlamaWeights teacher, Tokenizer tokenizer, int count)
    {
        string path = Path.Combine(_options.Out, SamplesFile);
        if (!File.Exists(path))
        {
            TakeFolder();
            int context = _recipe.Train.Context;
            Plan(StudentModel.Config(_recipe, tokenizer, teacher, Frozen), teacher, (long)count * context, (long)count * context, (long)_recipe.Data.HeldOut * context, context, context / 2.0, _recipe.Twin is not null);
            Generator generator = new(teacher, tokenizer, _workers);
            int[] begin = generator.Encode("");
            SamplingOptions options = new() { Temperature = _recipe.Data.SampleTemperature, MaxTokens = Math.Min(teacher.Config.Context, _recipe.Train.Context) - begin.Length, Seed = _recipe.Data.Seed };
            IReadOnlyList<Generation> made = generator.GenerateMany(
                [.. Enumerable.Repeat(begin, count)], options, onProgress: p => Show(SamplesFile, (double)p.Finished / p.Total, "sample the teacher", string.Create(CultureInfo.InvariantCulture, $"text {p.Finished:n0} of {p.Total:n0}  {p.Tokens:n0} tokens")), cancel: _stop);
            AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(string.Concat(made.Select(m => JsonSerializer.Serialize(m.EndToken is null ? m.Text : m.Text + Corpus.End) + "\n"))));
            _manifest.Add("sample teacher", new Dictionary<string, string> { ["recipe"] = _recipeHash }, SamplesFile);
        }

        Document[] documents = [.. File.ReadLines(path).Select(line => new Document("", JsonSerializer.Deserialize<string>(line) ?? "")).Where(d => d.Answer.Length > 0)];
        string source = $"{documents.Length} samples of the teacher at temperature {_recipe.Data.SampleTemperature.ToString(CultureInfo.InvariantCulture)}";
        return Corpus.Split(documents, _recipe.Data, source) with { Sampled = documents.Sum(d => (long)tokenizer.Encode(d.Answer, addSpecial: false).Length) };
    }

    /// <summary>Answers in the task's one spelling. Served probabilities belong to an answer as it was served: there it stays so.</summary>
    Corpus OfTask(Corpus corpus, TaskForm task)
    {
        Document[] Spelled(IReadOnlyList<Document> documents) =>
        [
            .. documents.Select(d => d.Untaught ? task.OfGold(d) : task.Of(d, ownGold: _recipe.Ask is null) is { } made
                ? _recipe is { Ask: not null, Signal.Kind: "top_k" } ? made with { Answer = d.Answer } : made
                : throw new UserError($"an answer is none to the task: {task.Fault(d.Said)}", $"{corpus.Source}: {JsonFields.Short(d.Answer)}", "Mend the answers, or what task says they are.")),
        ];
        return corpus with { Train = Spelled(corpus.Train), Validation = Spelled(corpus.Validation), HeldOut = Spelled(corpus.HeldOut) };
    }

    Tokenizer StudentTokenizer(Corpus corpus, Tokenizer? teacherTokenizer)
    {
        if (_recipe.Student is StudentRecipe.From from)
        {
            return OwnTokenizer(from);
        }

        if (_recipe.Student is StudentRecipe.Shape { TrainTokenizer: null } && teacherTokenizer is not null)
        {
            return teacherTokenizer;
        }

        int size = ((StudentRecipe.Shape)_recipe.Student).TrainTokenizer ?? throw new UserError("there is no tokenizer", "student.train_tokenizer", "Give the size of a vocabulary to train.");
        return BytePairTrainer.Train(corpus.Train.Select(d => d.Prompt + d.Answer), size, corpus.SpecialTokens);
    }

    /// <summary>The tokenizer beside the weights a student begins from.</summary>
    Tokenizer OwnTokenizer(StudentRecipe.From from) =>
        Tokenizer.Open((Frozen is null ? ModelReference.Open(from.Reference).TokenizerPath : Frozen.TokenizerPath) ?? throw new UserError("there is no tokenizer beside the student", from.Reference, "Put its tokenizer.json into the folder."));

    /// <summary>Puts the documents into the folder; a resumed run finds the same there.</summary>
    void WriteDataset(Corpus corpus)
    {
        DatasetFile.Write(Path.Combine(_options.Out, DocumentsFile), corpus);
        _manifest.Add("dataset", new Dictionary<string, string> { ["recipe"] = _trainingHash }, DocumentsFile);
    }
}
