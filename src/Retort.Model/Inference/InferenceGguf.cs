using System.Runtime.InteropServices;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Model.Inference;

/// <summary>
/// A GGUF file as <see cref="InferenceWeights"/>: floats stay in the mapped file, Q8_0 and Q4_0 are packed as they are, Q4_K and Q6_K become Q8_0, whose
/// error is a small part of theirs. Query and key rows of Llama are moved into Hugging Face's order on the way.
/// </summary>
static class InferenceGguf
{
    /// <exception cref="UserError">The file is no model of these families, or is broken.</exception>
    public static InferenceWeights Open(string path)
    {
        using InputFile file = InputFile.Open(path);
        GgufHeader header = GgufHeader.Read(file);
        LlamaConfig config = GgufRope.Read(file, header, GgufModel.Config(header));
        config.Validate($"{path}, metadata");
        GgufModel.CheckTensors(header, config);
        ByteBuffer bytes = MappedFile.Open(path);
        try
        {
            return InferenceWeights.Read(config, Matrix, Vector);
        }
        catch (UserError)
        {
            bytes.Dispose();
            throw;
        }
        float[] Vector(string name)
        {
            GgufTensor tensor = header.Tensors[GgufModel.NameOf(name)];
            float[] values = new float[tensor.Length];
            GgufBlocks.Read(values, bytes.Slice(tensor.Start, (int)tensor.Bytes), tensor.Type);
            ModelFolder.CheckFinite(values, tensor.Name, path, "The file is damaged; copy or download it again.");
            return values;
        }

        WeightMatrix Matrix(string name, int rows, int columns)
        {
            bool turned = config.Family == LlamaFamily.Llama && (name.EndsWith("q_proj.weight", StringComparison.Ordinal) || name.EndsWith("k_proj.weight", StringComparison.Ordinal));
            GgufTensor tensor = header.Tensors[GgufModel.NameOf(name)];
            int rowBytes = columns / tensor.Type.BlockLength * tensor.Type.BlockBytes, head = config.HeadSize;
            Span<byte> Row(int row) => bytes.Slice(tensor.Start + ((long)(turned ? HeadOrder.JoinedRow(row, head) : row) * rowBytes), rowBytes);
            bool packs = WeightMatrix.CanPack(columns);
            if (packs && (tensor.Type == GgufType.Q8_0 || tensor.Type == GgufType.Q4_0))
            {
                return MatrixPacking.Coded(tensor.Type == GgufType.Q8_0 ? WeightBits.Eight : WeightBits.Four, rows, columns, (row, to) => Row(row).CopyTo(to));
            }

            FloatFormat? stored = tensor.Type.Name switch { "F32" => FloatFormat.F32, "F16" => FloatFormat.F16, "BF16" => FloatFormat.BF16, _ => null };
            if (packs && stored is null)
            {
                return MatrixPacking.Code(WeightBits.Eight, rows, columns, (row, to) => GgufBlocks.Read(to, Row(row), tensor.Type), tensor.Name, path);
            }

            if (stored is { } format && !turned)
            {
                WeightMatrix matrix = WeightMatrix.Of(bytes, tensor.Start, format, rows, columns);
                if (bytes.Length <= InferenceModel.LookedThrough)
                {
                    matrix.CheckFinite(tensor.Name, path);
                }

                return matrix;
            }

            ByteBuffer moved = new((long)rows * (stored is null ? columns * sizeof(float) : rowBytes));
            for (int row = 0; row < rows; row++)
            {
                if (stored is null)
                {
                    GgufBlocks.Read(MemoryMarshal.Cast<byte, float>(moved.Slice((long)row * columns * sizeof(float), columns * sizeof(float))), Row(row), tensor.Type);
                }
                else
                {
                    Row(row).CopyTo(moved.Slice((long)row * rowBytes, rowBytes));
                }
            }

            return WeightMatrix.Of(moved, 0, stored ?? FloatFormat.F32, rows, columns);
        }
    }
}
