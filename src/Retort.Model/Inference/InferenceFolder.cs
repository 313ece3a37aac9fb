using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Model.Inference;

/// <summary>A Hugging Face folder as <see cref="InferenceWeights"/>: matrices stay in the mapped files.</summary>
static class InferenceFolder
{
    /// <exception cref="UserError">A file is missing or broken, or the model is one that Retort does not compute.</exception>
    public static InferenceWeights Open(string folder)
    {
        LlamaConfig config = ModelFolder.ReadConfig(folder);
        using WeightFiles files = WeightFiles.Open(folder);
        ModelFolder.CheckTensors(files, config);
        Dictionary<string, ByteBuffer> mapped = files.Tensors.Values.Select(t => t.Shard.Path).Distinct(StringComparer.Ordinal).ToDictionary(p => p, MappedFile.Open, StringComparer.Ordinal);
        bool looked = files.Tensors.Values.Sum(t => t.Entry.Length) <= InferenceModel.LookedThrough;
        try
        {
            return InferenceWeights.Read(config, Matrix, Vector);
        }
        catch (UserError)
        {
            mapped.Values.ToList().ForEach(b => b.Dispose());
            throw;
        }
        float[] Vector(string name)
        {
            (Safetensors shard, TensorEntry entry) = files.Tensors[name];
            float[] values = new float[entry.Count];
            shard.Read(entry, values);
            ModelFolder.CheckFinite(values, name, shard.Path, "The file is damaged, or the model's training diverged.");
            return values;
        }

        WeightMatrix Matrix(string name, int rows, int columns)
        {
            (Safetensors shard, TensorEntry entry) = files.Tensors[name];
            FloatFormat format = entry.Type switch { NumberType.F32 => FloatFormat.F32, NumberType.F16 => FloatFormat.F16, _ => FloatFormat.BF16 };
            WeightMatrix matrix = WeightMatrix.Of(mapped[shard.Path], entry.Start, format, rows, columns);
            if (looked)
            {
                matrix.CheckFinite(name, shard.Path);
            }

            return matrix;
        }
    }
}
