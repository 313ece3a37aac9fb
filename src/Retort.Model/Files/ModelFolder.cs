using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>
/// A Hugging Face model folder: config.json and its weights, in model.safetensors or in shards with an index.
/// Tensor names are those of <see cref="LlamaWeights.Slices"/>.
/// </summary>
public static class ModelFolder
{
    /// <summary>Bytes of values a file holds before another is begun.</summary>
    public const long ShardBytes = 5_000_000_000;

    /// <summary>The shape in config.json, with the end tokens of generation_config.json where it names some.</summary>
    /// <exception cref="UserError">A file is missing or broken, or the model is one that Retort does not compute.</exception>
    public static LlamaConfig ReadConfig(string folder)
    {
        string config = Path.Combine(folder, "config.json"), generation = Path.Combine(folder, "generation_config.json");
        return ModelConfigJson.Parse(JsonFields.Read(config), File.Exists(generation) ? JsonFields.Read(generation) : null);
    }

    /// <summary>Reads the weights, having compared every name and shape with the configuration before anything is allocated.</summary>
    /// <param name="memory">Bytes that may be used; by default what the runtime says is there.</param>
    /// <exception cref="UserError">A tensor is missing, surplus, misshapen or not finite, or the model does not fit in memory.</exception>
    public static LlamaWeights ReadWeights(string folder, LlamaConfig config, long? memory = null)
    {
        config.Validate(folder);
        using WeightFiles files = WeightFiles.Open(folder);
        CheckTensors(files, config);
        MemoryLimit.Check(config, folder, memory);
        LlamaWeights weights = new(config);
        foreach (WeightSlice slice in weights.Slices())
        {
            (Safetensors shard, TensorEntry entry) = files.Tensors[slice.Name];
            shard.Read(entry, slice.Span);
            CheckFinite(slice.Span, slice.Name, shard.Path, Damaged);
        }

        if (config.TiedHead && files.Tensors.TryGetValue(Head, out (Safetensors Shard, TensorEntry Entry) head))
        {
            CheckTied(head.Shard, head.Entry, weights.Embedding.Span);
        }

        return weights;
    }

    /// <summary>Reads the weights narrow, piece by piece, checked as <see cref="ReadWeights"/> does.</summary>
    /// <exception cref="UserError">As there, or a weight is beyond the format's range.</exception>
    public static FrozenWeights ReadFrozen(string folder, LlamaConfig config, NarrowFormat format)
    {
        config.Validate(folder);
        using WeightFiles files = WeightFiles.Open(folder);
        CheckTensors(files, config);
        MemoryLimit.Check(NarrowRows.Words(format, config.Parameters) * sizeof(ushort), folder);
        FrozenWeights weights = new(config, format);
        float[] head = [];
        weights.Fill((name, to, first) =>
        {
            (Safetensors shard, TensorEntry entry) = files.Tensors[name];
            shard.Read(entry, to, first);
            CheckFinite(to, name, shard.Path, Damaged);
            if (config.TiedHead && name == LlamaWeights.EmbeddingName && files.Tensors.TryGetValue(Head, out (Safetensors Shard, TensorEntry Entry) tied))
            {
                Array.Resize(ref head, to.Length);
                tied.Shard.Read(tied.Entry, head, first);
                CheckTied(tied.Shard, to, head);
            }
        }, folder);
        return weights;
    }

    /// <summary>
    /// Writes config.json and the weights; each file appears whole or not at all, the configuration last. A model that stood in the folder
    /// is replaced, its tokenizer left alone.
    /// </summary>
    /// <param name="folder">Created when missing.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="shardBytes">Bytes of values from which on the weights are split into shards.</param>
    /// <exception cref="UserError">A weight is not finite or beyond the type's range, no Hugging Face model has these biases, or a file cannot be written.</exception>
    public static void Write(string folder, LlamaWeights weights, NumberType type, long shardBytes = ShardBytes, CancellationToken stop = default)
    {
        LlamaConfig config = weights.Config;
        config.Validate(folder);
        if (config.AttentionBias != (config.Family == LlamaFamily.Qwen2))
        {
            throw new UserError($"A {config.Family} model {(config.AttentionBias ? "has no" : "needs")} query, key and value biases", folder, "Only Qwen2 models carry them; change the student's family.");
        }

        foreach (WeightSlice slice in weights.Slices())
        {
            CheckFinite(slice.Span, slice.Name, folder, "Training diverged; go back to an earlier checkpoint.");
        }

        try
        {
            Directory.CreateDirectory(folder);
            WriteShards(folder, [.. weights.Slices().Select(s => new NewTensor(s.Name, s.Shape, s.Arena.Memory.Slice(s.Start, s.Length)))], type, shardBytes, stop);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(folder, e);
        }

        AtomicFile.WriteAllBytes(Path.Combine(folder, "config.json"), ModelConfigJson.Write(config, type));
    }

    const string Head = LlamaWeights.HeadName, Damaged = "The file is damaged, or the model's training diverged.";

    static void WriteShards(string folder, List<NewTensor> tensors, NumberType type, long shardBytes, CancellationToken stop)
    {
        List<List<NewTensor>> shards = [[]];
        long filled = 0;
        foreach (NewTensor tensor in tensors)
        {
            long bytes = (long)tensor.Values.Length * type.Size;
            if (filled > 0 && filled + bytes > shardBytes)
            {
                shards.Add([]);
                filled = 0;
            }

            shards[^1].Add(tensor);
            filled += bytes;
        }

        string single = Path.Combine(folder, WeightFiles.Single), index = Path.Combine(folder, WeightFiles.Index);
        string[] names = shards.Count == 1 ? [WeightFiles.Single] : [.. Enumerable.Range(1, shards.Count).Select(i => $"model-{i:d5}-of-{shards.Count:d5}.safetensors")];
        for (int i = 0; i < names.Length; i++)
        {
            SafetensorsWriter.Write(Path.Combine(folder, names[i]), shards[i], type, stop: stop);
        }

        if (shards.Count == 1)
        {
            File.Delete(index);
        }
        else
        {
            AtomicFile.WriteAllBytes(index, IndexJson(names, shards, type));
            File.Delete(single);
        }

        // What an earlier model in this folder left.
        foreach (string old in Directory.EnumerateFiles(folder, "model-?????-of-?????.safetensors").Where(f => !names.Contains(Path.GetFileName(f))).ToArray())
        {
            File.Delete(old);
        }
    }

    static byte[] IndexJson(string[] names, List<List<NewTensor>> shards, NumberType type)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", shards.Sum(s => SafetensorsWriter.DataBytes(s, type)));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach ((string file, NewTensor tensor) in shards.SelectMany((s, i) => s.Select(t => (names[i], t))))
            {
                json.WriteString(tensor.Name, file);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Compares every name, shape and type with the configuration.</summary>
    internal static void CheckTensors(WeightFiles files, LlamaConfig config)
    {
        HashSet<string> known = new(StringComparer.Ordinal);
        foreach ((string name, int[] shape) in LlamaWeights.Plan(config))
        {
            if (!files.Tensors.TryGetValue(name, out (Safetensors Shard, TensorEntry Entry) found))
            {
                throw new UserError($"Tensor {name} is missing", files.Folder, "Check that config.json and the weights belong to the same model.");
            }

            CheckShape(found.Shard, found.Entry, shape);
            known.Add(name);
        }

        foreach ((string name, (Safetensors shard, TensorEntry entry)) in files.Tensors)
        {
            if (config.TiedHead && name == Head)
            {
                CheckShape(shard, entry, [config.Vocabulary, config.Hidden]);
            }
            else if (!known.Contains(name) && !name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal))
            {
                // Old checkpoints store the rotary frequencies, which follow from rope_theta; transformers passes over them too.
                throw new UserError($"Tensor {JsonFields.Short(name)} is not part of a {config.Family} model of this shape", shard.Path, "Check that config.json and the weights belong to the same model.");
            }
        }
    }

    static void CheckShape(Safetensors shard, TensorEntry entry, int[] shape)
    {
        if (!entry.Shape.SequenceEqual(shape.Select(s => (long)s)))
        {
            throw new UserError($"Tensor {entry.Name} has the shape [{string.Join(", ", entry.Shape.Take(8))}], config.json asks for [{string.Join(", ", shape)}]", shard.Path, "Check that config.json and the weights belong to the same model.");
        }

        if (!entry.Type.HoldsWeights)
        {
            throw new UserError($"Tensor {entry.Name} is of type {entry.Type}", shard.Path, "Weights are F32, F16 or BF16.");
        }
    }

    static void CheckTied(Safetensors shard, TensorEntry head, ReadOnlySpan<float> embedding)
    {
        float[] part = new float[1 << 16];
        for (int at = 0; at < embedding.Length; at += part.Length)
        {
            Span<float> values = part.AsSpan(0, Math.Min(part.Length, embedding.Length - at));
            shard.Read(head, values, at);
            CheckTied(shard, embedding.Slice(at, values.Length), values);
        }
    }

    static void CheckTied(Safetensors shard, ReadOnlySpan<float> embedding, ReadOnlySpan<float> head)
    {
        if (!head.SequenceEqual(embedding))
        {
            throw new UserError($"{Head} differs from the embedding, yet tie_word_embeddings is true", shard.Path, "Set tie_word_embeddings to false in config.json if the head is its own.");
        }
    }

    /// <summary>x·0 is NaN for exactly the values that are not finite.</summary>
    /// <param name="first">Position of the first value in its tensor.</param>
    internal static void CheckFinite(ReadOnlySpan<float> values, string name, string where, string hint, long first = 0)
    {
        Vector<float> fault = Vector<float>.Zero;
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (Vector<float> v in vectors)
        {
            fault += v * Vector<float>.Zero;
        }

        if (Vector.EqualsAll(fault, Vector<float>.Zero) && !values[(vectors.Length * Vector<float>.Count)..].ContainsAnyExceptFinite())
        {
            return;
        }

        int at = 0;
        while (float.IsFinite(values[at]))
        {
            at++;
        }

        throw new UserError($"{name} holds {values[at]} at position {first + at}", where, hint);
    }

    static bool ContainsAnyExceptFinite(this ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                return true;
            }
        }

        return false;
    }
}
