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
        WeightMatrix embedding = Matrix("model.embed_tokens.weight", config.Vocabulary, config.Hidden);
        InferenceLayer[] layers = [.. Enumerable.Range(0, config.Layers).Select(Layer)];
        return new(config, embedding, layers, Vector("model.norm.weight")!, config.TiedHead ? embedding : Matrix("lm_head.weight", config.Vocabulary, config.Hidden));

        InferenceLayer Layer(int layer)
        {
            string at = $"model.layers.{layer}.", attention = at + "self_attn.", forward = at + "mlp.";
            return new(
                Vector(at + "input_layernorm.weight")!,
                Matrix(attention + "q_proj.weight", config.QueryWidth, config.Hidden),
                Matrix(attention + "k_proj.weight", config.KeyWidth, config.Hidden),
                Matrix(attention + "v_proj.weight", config.KeyWidth, config.Hidden),
                Matrix(attention + "o_proj.weight", config.Hidden, config.QueryWidth),
                Vector(at + "post_attention_layernorm.weight")!,
                Matrix(forward + "gate_proj.weight", config.FeedForward, config.Hidden),
                Matrix(forward + "up_proj.weight", config.FeedForward, config.Hidden),
                Matrix(forward + "down_proj.weight", config.Hidden, config.FeedForward),
                config.AttentionBias ? Vector(attention + "q_proj.bias") : null,
                config.AttentionBias ? Vector(attention + "k_proj.bias") : null,
                config.AttentionBias ? Vector(attention + "v_proj.bias") : null,
                config.HeadNorm ? Vector(attention + "q_norm.weight") : null,
                config.HeadNorm ? Vector(attention + "k_norm.weight") : null);
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
