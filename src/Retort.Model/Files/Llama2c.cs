using System.Runtime.InteropServices;
using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>
/// Models of karpathy/llama2.c in its first file format: seven 32-bit integers, then 32-bit floats, tensor by tensor over all layers
/// (github.com/karpathy/llama2.c, run.c, memory_map_weights; export.py, legacy_export).
/// </summary>
public static class Llama2c
{
    const int HeaderBytes = 7 * sizeof(int);

    /// <summary>"ak42", which begins the later formats.</summary>
    const int LaterMagic = 0x616b3432;

    const string Hint = "Check that this is a llama2.c model, not a tokenizer, and copy or download it again.";

    /// <summary>The header as a shape. llama2.c ends a text at token 1, which begins the next story, and a chat turn at token 2: both end here.</summary>
    /// <exception cref="UserError">The file is not such a model, or its length is not what the header implies.</exception>
    public static LlamaConfig ReadConfig(string path)
    {
        using InputFile file = InputFile.Open(path);
        return ReadConfig(file);
    }

    /// <summary>Reads the weights with query and key rows moved into Hugging Face's order (<see cref="HeadOrder"/>).</summary>
    /// <param name="memory">Bytes that may be used; by default what the runtime says is there.</param>
    /// <exception cref="UserError">As for <see cref="ReadConfig(string)"/>, or a weight is not finite, or they do not fit in memory.</exception>
    public static LlamaWeights Read(string path, long? memory = null)
    {
        using InputFile file = InputFile.Open(path);
        LlamaConfig config = ReadConfig(file);
        MemoryLimit.Check(config, path, memory);
        LlamaWeights weights = new(config);
        long at = HeaderBytes;
        void Take(WeightSlice slice) => at = Fill(file, slice, at);
        void TakeAll(Func<LayerWeights, WeightSlice> part)
        {
            foreach (LayerWeights layer in weights.Layers)
            {
                Take(part(layer));
            }
        }

        Take(weights.Embedding);
        TakeAll(l => l.AttentionNorm);
        TakeAll(l => l.Query);
        TakeAll(l => l.Key);
        TakeAll(l => l.Value);
        TakeAll(l => l.Output);
        TakeAll(l => l.FeedForwardNorm);
        TakeAll(l => l.Gate);
        TakeAll(l => l.Down);
        TakeAll(l => l.Up);
        Take(weights.FinalNorm);
        at += RotaryBytes(config);
        if (!config.TiedHead)
        {
            Take(weights.Head);
        }

        foreach (LayerWeights layer in weights.Layers)
        {
            HeadOrder.Split(layer.Query, config.HeadSize);
            HeadOrder.Split(layer.Key, config.HeadSize);
        }

        return weights;
    }

    static LlamaConfig ReadConfig(InputFile file)
    {
        int[] header = new int[7];
        if (file.Length < HeaderBytes)
        {
            throw new UserError($"The file has {file.Length} bytes, too few for a llama2.c header", file.Path, Hint);
        }

        file.Read(MemoryMarshal.AsBytes(header.AsSpan()), 0);
        if (header[0] == LaterMagic)
        {
            throw new UserError("The file is in a later llama2.c format", file.Path, "Export it with llama2.c's export.py --version 0.");
        }

        (int hidden, int heads, int vocabulary) = (header[0], header[3], header[5]);
        if (hidden < 1 || heads < 1 || hidden % heads != 0 || vocabulary is 0 or int.MinValue)
        {
            throw new UserError($"The header says dim {hidden}, n_heads {heads}, vocab_size {vocabulary}", file.Path, Hint);
        }

        LlamaConfig config = new()
        {
            Hidden = hidden,
            FeedForward = header[1],
            Layers = header[2],
            Heads = heads,
            KeyValueHeads = header[4],
            HeadSize = hidden / heads,
            Vocabulary = Math.Abs(vocabulary),
            Context = header[6],
            TiedHead = vocabulary > 0,
            NormEpsilon = 1e-5f,
            RopeTheta = 10000,
            BeginToken = 1,
            EndTokens = [1, 2],
        };
        config.Validate($"{file.Path}, header");
        long length = HeaderBytes + LlamaWeights.Bytes(config) + RotaryBytes(config);
        return file.Length == length
            ? config
            : throw new UserError($"The header implies {length} bytes, the file has {file.Length}", file.Path, Hint);
    }

    /// <summary>Two tables of cosines and sines, Context × HeadSize/2 each, that are computed afresh.</summary>
    static long RotaryBytes(LlamaConfig config) => (long)config.Context * config.HeadSize * sizeof(float);

    static long Fill(InputFile file, WeightSlice slice, long at)
    {
        const int Chunk = 1 << 20;
        Span<float> values = slice.Span;
        for (int i = 0; i < values.Length; i += Chunk)
        {
            file.Read(MemoryMarshal.AsBytes(values.Slice(i, Math.Min(Chunk, values.Length - i))), at + ((long)i * sizeof(float)));
        }

        ModelFolder.CheckFinite(values, slice.Name, file.Path, "The file is damaged; copy or download it again.");
        return at + ((long)values.Length * sizeof(float));
    }
}
