using System.Buffers.Binary;
using System.Text;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

/// <summary>A folder of a test's own, gone afterwards, and the small files tests put into it.</summary>
sealed class Scratch : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("retort-files-").FullName;

    public static LlamaConfig Tiny(LlamaFamily family, bool tied) => new()
    {
        Family = family,
        Hidden = 16,
        Layers = 2,
        Heads = 4,
        KeyValueHeads = 2,
        HeadSize = family == LlamaFamily.Qwen3 ? 6 : 4,
        FeedForward = 24,
        Vocabulary = 40,
        Context = 32,
        TiedHead = tied,
        AttentionBias = family == LlamaFamily.Qwen2,
        RopeTheta = 500000,
        NormEpsilon = 1e-6f,
        BeginToken = 1,
        EndTokens = [2, 7],
    };

    public static LlamaWeights Weights(LlamaConfig config, ulong seed = 5)
    {
        LlamaWeights weights = new(config);
        weights.Initialize(seed);
        return weights;
    }

    public string this[string name] => Path.Combine(Folder, name);

    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    /// <summary>A safetensors file with any header and that many bytes of data.</summary>
    public string Safetensors(string header, int dataBytes, string name = "a.safetensors") => Write(name, Joined(header, dataBytes));

    public static byte[] Joined(string header, int dataBytes)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + text.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, text.Length);
        text.CopyTo(file, 8);
        return file;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
