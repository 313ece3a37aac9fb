using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>
/// A low-rank adapter as PEFT keeps it: adapter_config.json and adapter_model.safetensors, A as [r, K] and B as [N, r]. What Retort writes also
/// says, in the metadata of the weights, the hash of the model it was trained on.
/// </summary>
public static class AdapterFolder
{
    const string ConfigName = "adapter_config.json", WeightsName = "adapter_model.safetensors", Prefix = "base_model.model.", BaseHash = "base_sha256";

    /// <summary>Writes the folder; each file appears whole or not at all, the configuration last.</summary>
    /// <param name="baseName">The model the adapter belongs to, for people.</param>
    /// <param name="baseHash">Its hash, as <see cref="OpenModel"/> has it.</param>
    /// <exception cref="UserError">A number is not finite, or a file cannot be written.</exception>
    public static void Write(string folder, LoraAdapter adapter, string baseName, string baseHash)
    {
        List<NewTensor> tensors = [];
        foreach (LowRank part in adapter.All)
        {
            int r = adapter.Options.Rank;
            ModelFolder.CheckFinite(part.A.Span, part.A.Name, folder, "Training diverged; go back to an earlier checkpoint.");
            ModelFolder.CheckFinite(part.B.Span, part.B.Name, folder, "Training diverged; go back to an earlier checkpoint.");
            tensors.Add(new(Prefix + part.A.Name, [r, part.Inputs], Turned(part.A.Span, part.Inputs, r)));
            tensors.Add(new(Prefix + part.B.Name, [part.Outputs, r], part.B.Arena.Memory.Slice(part.B.Start, part.B.Length)));
        }

        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(folder, e);
        }

        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), tensors, NumberType.F32, metadata: new Dictionary<string, string> { [BaseHash] = baseHash });
        AtomicFile.WriteAllBytes(Path.Combine(folder, ConfigName), AdapterConfigJson.Write(adapter.Options, baseName));
    }

    /// <summary>Reads an adapter of a model, having compared every name and shape before anything is allocated.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="baseHash">Its hash; null compares none.</param>
    /// <exception cref="UserError">A file is missing or broken, it is of a kind not computed here, or it belongs to another model.</exception>
    public static LoraAdapter Read(string folder, LlamaConfig config, string? baseHash = null)
    {
        string weights = Path.Combine(folder, WeightsName), options = Path.Combine(folder, ConfigName);
        foreach (string path in (string[])[options, weights])
        {
            if (!File.Exists(path))
            {
                throw new UserError($"The folder holds no {Path.GetFileName(path)}", folder, $"An adapter's folder holds {ConfigName} and {WeightsName}, as PEFT writes them.");
            }
        }

        LoraOptions lora = AdapterConfigJson.Read(JsonFields.Read(options));
        using Safetensors file = Safetensors.Open(weights);
        if (baseHash is not null && file.Metadata.TryGetValue(BaseHash, out string? trained) && trained != baseHash)
        {
            throw new UserError("The adapter was trained on another model than this base", folder, $"{ConfigName} says which under base_model_name_or_path; its weight files have the SHA-256 {JsonFields.Short(trained)}.");
        }

        CheckTensors(file, config, lora);
        LoraAdapter adapter = new(config, lora);
        float[] turned = [];
        foreach (LowRank part in adapter.All)
        {
            Array.Resize(ref turned, part.A.Length);
            file.Read(file.Get(Prefix + part.A.Name), turned);
            Turned(turned, lora.Rank, part.Inputs).CopyTo(part.A.Span);
            file.Read(file.Get(Prefix + part.B.Name), part.B.Span);
            ModelFolder.CheckFinite(part.A.Span, part.A.Name, weights, "The file is damaged, or the adapter's training diverged.");
            ModelFolder.CheckFinite(part.B.Span, part.B.Name, weights, "The file is damaged, or the adapter's training diverged.");
        }

        return adapter;
    }

    static void CheckTensors(Safetensors file, LlamaConfig config, LoraOptions lora)
    {
        HashSet<string> known = new(StringComparer.Ordinal);
        for (int layer = 0; layer < config.Layers; layer++)
        {
            foreach (LoraTarget target in lora.Targets)
            {
                (int n, int k) = LoraOptions.ShapeOf(config, target);
                string module = $"{Prefix}model.layers.{layer}.{LoraOptions.ModuleOf(target)}.";
                Check(file, module + "lora_A.weight", rank: 0, lora.Rank, width: 1, k);
                Check(file, module + "lora_B.weight", rank: 1, lora.Rank, width: 0, n);
                known.UnionWith([module + "lora_A.weight", module + "lora_B.weight"]);
            }
        }

        if (file.Entries.FirstOrDefault(e => !known.Contains(e.Name)) is { } surplus)
        {
            throw new UserError(
                $"Tensor {JsonFields.Short(surplus.Name)} belongs to no target of a base of {config.Layers} layers", file.Path, "The adapter belongs to another base, or its adapter_config.json to another adapter.");
        }
    }

    /// <param name="rank">Which extent is the rank.</param>
    /// <param name="width">Which is the matrix' own.</param>
    static void Check(Safetensors file, string name, int rank, int needed, int width, int extent)
    {
        TensorEntry entry = file.Find(name) ?? throw new UserError($"Tensor {name} is missing", file.Path, "The file is another adapter's, or the adapter belongs to a base of fewer layers.");
        if (entry.Shape.Count != 2 || entry.Shape[width] != extent)
        {
            throw new UserError($"Tensor {name} has the shape [{string.Join(", ", entry.Shape.Take(8))}], and the base's matrix is {extent} wide there", file.Path, "The adapter belongs to another base.");
        }

        if (entry.Shape[rank] != needed)
        {
            throw new UserError($"Tensor {name} has the rank {entry.Shape[rank]}, {ConfigName} says {needed}", file.Path, "Take both files from the same adapter.");
        }

        if (!entry.Type.HoldsWeights)
        {
            throw new UserError($"Tensor {name} is of type {entry.Type}", file.Path, "Weights are F32, F16 or BF16.");
        }
    }

    /// <summary>The transpose of a matrix [rows, columns].</summary>
    static float[] Turned(ReadOnlySpan<float> matrix, int rows, int columns)
    {
        float[] turned = new float[matrix.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                turned[(column * rows) + row] = matrix[(row * columns) + column];
            }
        }

        return turned;
    }
}
