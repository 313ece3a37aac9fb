namespace Retort.Model.Files;

/// <summary>Which files of a repository are fetched.</summary>
public static class HubFiles
{
    static readonly string[] OtherWeights =
        [".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".gguf", ".ggml", ".tflite", ".mlmodel", ".ot", ".npz", ".pkl", ".pickle"];

    static readonly string[] OtherFolders = ["onnx", "openvino", "coreml", "original", "gguf", "tensorrt"];

    /// <summary>
    /// The rule: files and folders whose name begins with a dot are never fetched. Where a *.safetensors lies at the top, the same weights in
    /// other formats are passed over: files with an ending of <c>OtherWeights</c>, the folders of <c>OtherFolders</c>, and consolidated*.safetensors
    /// beside model*.safetensors. Everything else is fetched.
    /// </summary>
    /// <param name="names">Paths as the hub gives them.</param>
    /// <param name="where">The hub's address, for errors.</param>
    /// <exception cref="UserError">A name would leave the folder or meet another's, or nothing is left to fetch.</exception>
    public static IReadOnlyList<string> Choose(IEnumerable<string> names, string where)
    {
        List<string> all = [];
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase);
        foreach (string name in names)
        {
            if (!FileNames.IsPlainPath(name))
            {
                throw new UserError($"The hub names a file {JsonFields.Short(name)}", where, "Such a name could leave the folder; do not trust this hub.");
            }

            if (!seen.Add(name) || seen.Contains(name + Download.Part) || (name.EndsWith(Download.Part, StringComparison.OrdinalIgnoreCase) && seen.Contains(name[..^Download.Part.Length])))
            {
                throw new UserError($"The hub names {JsonFields.Short(name)} twice", where, "The files would overwrite each other; fetch them one by one with pull URL --sha256.");
            }

            all.Add(name);
        }

        bool safe = all.Exists(IsTopSafetensors), model = all.Exists(n => IsTopSafetensors(n) && n.StartsWith("model", StringComparison.Ordinal));
        List<string> chosen = all.FindAll(n => !n.Split('/').Any(p => p.StartsWith('.')) && !(safe && IsOther(n, model)));
        return chosen.Count > 0 ? chosen : throw new UserError("The hub names no file to fetch", where, "Check the name and the revision.");
    }

    static bool IsTopSafetensors(string name) => !name.Contains('/', StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal);

    static bool IsOther(string name, bool model) =>
        OtherWeights.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)
        || OtherFolders.Contains(name.Split('/')[0], StringComparer.OrdinalIgnoreCase) && name.Contains('/', StringComparison.Ordinal)
        || (model && IsTopSafetensors(name) && name.StartsWith("consolidated", StringComparison.Ordinal));
}
