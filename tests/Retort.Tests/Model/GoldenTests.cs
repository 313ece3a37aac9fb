using System.Text.Json;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model;

/// <summary>Logits, losses and every gradient against PyTorch in float64 (error: max|difference| / max|reference| of the tensor).</summary>
public class GoldenTests
{
    const int L = MatMul.L;
    const double Tolerance = 1e-4;

    [Theory]
    [InlineData("llama", 1)]
    [InlineData("llama", 2)]
    [InlineData("qwen2", 2)]
    [InlineData("qwen3", 2)]
    [InlineData("long", 2)]
    public void LogitsLossesAndGradientsEqualTheOracle(string name, int threads) => Check(Shared.Folder("golden/" + name), threads);

    /// <summary>The same on the project's own files, which are there wherever the project is.</summary>
    [Theory]
    [InlineData("llama-tied", 1)]
    [InlineData("llama-tied", 2)]
    [InlineData("llama-untied", 2)]
    [InlineData("qwen2", 2)]
    [InlineData("qwen3", 2)]
    [InlineData("llama3", 2)]
    [InlineData("yarn", 2)]
    [InlineData("lora", 1)]
    [InlineData("lora", 2)]
    public void LogitsLossesAndGradientsEqualTheProjectsOwnFiles(string name, int threads) => Check(Repository.PathOf("tests/golden/engine/" + name), threads);

    static void Check(string folder, int threads)
    {
        LlamaConfig config = ModelFolder.ReadConfig(folder);
        LlamaWeights weights = ModelFolder.ReadWeights(folder, config);
        using Safetensors golden = Safetensors.Open(Path.Combine(folder, "golden.safetensors"));
        using JsonDocument losses = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "losses.json")));
        using Workers workers = new(threads);
        LoraAdapter? adapter = File.Exists(Path.Combine(folder, "adapter_config.json")) ? AdapterFolder.Read(folder, config) : null;
        LlamaParts model = adapter is null ? weights.Parts : FrozenWeights.Of(weights, NarrowFormat.BFloat16, folder).Parts;

        IReadOnlyList<long> shape = [.. golden.Get("input_ids").Shape.Select(x => (long)x)];
        int sequences = (int)shape[0], length = (int)shape[1], blocks = (length + L - 1) / L, v = config.Vocabulary;
        int[] tokens = Padded(golden.ReadArray<long>("input_ids"), sequences, length, blocks);
        int[] targets = Padded(golden.ReadArray<long>("targets"), sequences, length, blocks);
        double[] given = Doubles(golden, "loss_weight");
        double total = given.Sum();
        float[] tokenWeights = new float[tokens.Length];
        for (int s = 0; s < sequences; s++)
        {
            for (int t = 0; t < length; t++)
            {
                tokenWeights[(s * blocks * L) + t] = (float)(given[(s * length) + t] / total);
            }
        }

        double[] teacher = Doubles(golden, "teacher_logits");
        LlamaActivations a = new(config, sequences, blocks, workers, keep: true);
        LlamaBackward backward = new(config, a, workers, frozen: adapter is not null);
        LlamaHead head = new(config, a.Blocks, workers, teacher: true, frozen: adapter is not null);
        a.Lora = adapter is null ? null : new(adapter, a, workers, new LoraAdapter(config, adapter.Options));
        LlamaForward.Run(model, a, tokens, workers);

        float[] logits = new float[sequences * length * v];
        head.Run(model, a, null, null, null, static _ => true, (block, z, _) => Gather(logits, z, block, blocks, length, v), workers);
        AssertClose(Doubles(golden, "logits"), logits, "logits");

        foreach (JsonProperty loss in losses.RootElement.EnumerateObject())
        {
            LossWeights terms = Parse(loss.Name);
            LlamaWeights? gradients = adapter is null ? new(config) : null;
            float[] dLogits = new float[logits.Length];
            double[] perBlock = new double[a.Blocks];
            head.Run(model, a, gradients, backward.DFinal, null, static _ => true, (block, z, _) =>
            {
                float[] each = new float[L], u = new float[v * L];
                Scatter(u, teacher, block, blocks, length, v);
                int at = block * L;
                if (terms.NeedsTeacher)
                {
                    Divergence.LossAndGradient(each, z, u, targets.AsSpan(at, L), tokenWeights.AsSpan(at, L), v, terms);
                }
                else
                {
                    CrossEntropy.LossAndGradient(each, z, targets.AsSpan(at, L), tokenWeights.AsSpan(at, L), v);
                }

                for (int l = 0; l < L; l++)
                {
                    perBlock[block] += (double)each[l] * tokenWeights[at + l];
                }

                Gather(dLogits, z, block, blocks, length, v);
            }, workers);
            Assert.Equal(loss.Value.GetDouble(), perBlock.Sum(), Math.Abs(loss.Value.GetDouble()) * Tolerance);
            if (golden.Find($"grad.{loss.Name}.logits") is not null)
            {
                AssertClose(Doubles(golden, $"grad.{loss.Name}.logits"), dLogits, loss.Name);
            }

            string[] deep = [.. golden.Entries.Select(e => e.Name).Where(n => n.StartsWith($"grad.{loss.Name}.", StringComparison.Ordinal) && !n.EndsWith(".logits", StringComparison.Ordinal))];
            if (deep.Length == 0)
            {
                continue;
            }

            backward.Run(model, gradients, a, tokens, workers);
            (string Name, float[] Values)[] made =
            [
                .. (gradients?.Slices() ?? []).Select(s => (s.Name, s.Span.ToArray())),
                .. (a.Lora?.Gradients?.All ?? []).SelectMany(p => new[] { ("base_model.model." + p.A.Name, Turned(p.A)), ("base_model.model." + p.B.Name, p.B.Span.ToArray()) }),
            ];
            Assert.Equal(deep.Order(), made.Select(m => $"grad.{loss.Name}.{m.Name}").Order());
            foreach ((string name, float[] values) in made)
            {
                AssertClose(Doubles(golden, $"grad.{loss.Name}.{name}"), values, $"{loss.Name} {name}");
            }

            foreach (FloatBuffer arena in a.Lora?.Gradients?.Arenas ?? [])
            {
                arena.Span.Clear();
            }
        }
    }

    /// <summary>A is held wide side first, and written as [r, K].</summary>
    static float[] Turned(WeightSlice a) => [.. Enumerable.Range(0, a.Length).Select(i => a.Span[(i % a.Shape[0] * a.Shape[1]) + (i / a.Shape[0])])];

    static LossWeights Parse(string name)
    {
        string[] parts = name.Split('_');
        float temperature = name.EndsWith("t2", StringComparison.Ordinal) ? 2f : 1f;
        return name switch
        {
            "cross_entropy" => new(1, 0, 0, 0, 0.5f, 1),
            _ when name.StartsWith("forward", StringComparison.Ordinal) => new(0, 1, 0, 0, 0.5f, temperature),
            _ when name.StartsWith("reverse", StringComparison.Ordinal) => new(0, 0, 1, 0, 0.5f, temperature),
            _ => new(0, 0, 0, 1, float.Parse(parts[1][1..], System.Globalization.CultureInfo.InvariantCulture), temperature),
        };
    }

    static int[] Padded(long[] ids, int sequences, int length, int blocks)
    {
        int[] padded = new int[sequences * blocks * L];
        for (int i = 0; i < ids.Length; i++)
        {
            padded[(i / length * blocks * L) + (i % length)] = (int)ids[i];
        }

        return padded;
    }

    static double[] Doubles(Safetensors file, string name) =>
        file.Get(name).Type == NumberType.F64 ? file.ReadArray<double>(name) : [.. file.ReadArray<float>(name).Select(x => (double)x)];

    static void Gather(float[] to, ReadOnlySpan<float> z, int block, int blocks, int length, int v)
    {
        for (int l = 0; l < L && (block % blocks * L) + l < length; l++)
        {
            int row = (block / blocks * length) + (block % blocks * L) + l;
            for (int i = 0; i < v; i++)
            {
                to[(row * v) + i] = z[(i * L) + l];
            }
        }
    }

    static void Scatter(float[] u, double[] from, int block, int blocks, int length, int v)
    {
        for (int l = 0; l < L && (block % blocks * L) + l < length; l++)
        {
            int row = (block / blocks * length) + (block % blocks * L) + l;
            for (int i = 0; i < v; i++)
            {
                u[(i * L) + l] = (float)from[(row * v) + i];
            }
        }
    }

    static void AssertClose(double[] expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double difference = 0, most = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs(expected[i] - actual[i]));
            most = Math.Max(most, Math.Abs(expected[i]));
        }

        Assert.True(difference <= Tolerance * most, $"{what}: error {difference / most:g3}");
    }
}
