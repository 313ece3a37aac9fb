using System.Text.Json;

namespace Retort.Model.Files;

/// <summary>The safetensors files of a Hugging Face folder, opened: one, or the shards that an index names.</summary>
sealed class WeightFiles : IDisposable
{
    public const string Single = "model.safetensors";
    public const string Index = "model.safetensors.index.json";

    readonly List<Safetensors> _shards = [];
    readonly Dictionary<string, (Safetensors Shard, TensorEntry Entry)> _tensors = new(StringComparer.Ordinal);

    WeightFiles(string folder) => Folder = folder;

    public string Folder { get; }

    public IReadOnlyDictionary<string, (Safetensors Shard, TensorEntry Entry)> Tensors => _tensors;

    /// <summary>The weight files' paths in ordinal order of their names; model.safetensors goes before an index, as in transformers.</summary>
    /// <exception cref="UserError">There are none, or the index is broken.</exception>
    public static IReadOnlyList<string> Paths(string folder) =>
        File.Exists(Path.Combine(folder, Single)) ? [Path.Combine(folder, Single)]
        : [.. Map(folder).Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(f => Path.Combine(folder, f))];

    public static WeightFiles Open(string folder)
    {
        WeightFiles? files = new(folder);
        try
        {
            files.OpenAll();
            WeightFiles opened = files;
            files = null;
            return opened;
        }
        finally
        {
            files?.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (Safetensors shard in _shards)
        {
            shard.Dispose();
        }
    }

    void OpenAll()
    {
        bool sharded = !File.Exists(Path.Combine(Folder, Single));
        Dictionary<string, string> map = sharded ? Map(Folder) : [];
        foreach (string path in Paths(Folder))
        {
            Safetensors shard = Safetensors.Open(path);
            _shards.Add(shard);
            foreach (TensorEntry entry in shard.Entries)
            {
                if (sharded && map.GetValueOrDefault(entry.Name) != Path.GetFileName(path))
                {
                    throw new UserError($"The index does not place tensor {JsonFields.Short(entry.Name)} in this file", path, $"Copy the shards and {Index} from the same model.");
                }

                _tensors.Add(entry.Name, (shard, entry));
            }
        }

        if (map.Keys.FirstOrDefault(name => !_tensors.ContainsKey(name)) is { } missing)
        {
            throw new UserError($"{map[missing]} does not hold tensor {JsonFields.Short(missing)}", Path.Combine(Folder, Index), "Copy the shards and the index from the same model.");
        }
    }

    static Dictionary<string, string> Map(string folder)
    {
        string index = Path.Combine(folder, Index);
        if (!File.Exists(index))
        {
            throw new UserError($"There is neither {Single} nor {Index}", folder, "Retort reads safetensors; convert other weights first.");
        }

        JsonFields json = JsonFields.Read(index, 64 << 20);
        Dictionary<string, string> map = new(StringComparer.Ordinal);
        foreach ((string tensor, JsonElement value) in (json.Object("weight_map") ?? throw json.Missing("weight_map")).All)
        {
            string? file = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            map.Add(tensor, FileNames.IsPlain(file) && file.EndsWith(".safetensors", StringComparison.Ordinal) ? file : throw new UserError(
                $"Tensor {JsonFields.Short(tensor)} is placed in {JsonFields.Short(value.GetRawText())}", $"{index}, weight_map", "It must be the name of a .safetensors file in the same folder."));
        }

        return map.Count > 0 ? map : throw json.Wrong("weight_map", "It names no tensor.");
    }
}
