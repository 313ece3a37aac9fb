using System.Globalization;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Step 3: what of the teacher's distribution the student learns from.</summary>
public sealed partial class DistillJob
{
    TeacherSignal Signal(LlamaWeights? teacher, string teacherHash, RunData data)
    {
        (Tokenizer tokenizer, Dataset train) = (data.Tokenizer, data.Train);
        if (teacher is null || _recipe.Signal.Kind == "text")
        {
            return new TeacherSignal.Text();
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
}
