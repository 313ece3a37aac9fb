using System.Runtime.Intrinsics.X86;
using static Retort.Kernels.QuantizedMatMul;

namespace Retort.Kernels;

/// <summary>
/// The tile of four rows of activations and one group of weights in machine code of our own, for processors with AVX512-VNNI: its dot product of
/// bytes does in one instruction what takes four without, and .NET gives no other way to it. The same bits as <see cref="QuantizedTile"/>.
/// See decisions/0004.
/// </summary>
static unsafe class VnniTile
{
    /// <summary>Rows of activations of a tile.</summary>
    public const int Rows = 4;

    const int ScaleBytes = Group * 2, StepBytes = Group * 4, HalfStep = StepBytes / 2, HalfScales = ScaleBytes / 2;
    const int Sums = 24, Floats = 16, W0 = 0, W1 = 1, X = 2, Y = 3, Zero = 4, Mask = 5;

    static readonly nint[] s_entries = Assemble();

    /// <summary>Whether the processor has the instruction and the system lets code be made.</summary>
    public static bool IsSupported => s_entries.Length > 0;

    /// <summary>What the code is given.</summary>
    internal struct Arguments
    {
        public byte* Weights;
        public sbyte* Activations;
        public float* Scales;
        public int* Sums;
        public long Blocks;
        public float* Y0;
        public float* Y1;
        public float* Y2;
        public float* Y3;
        public long Mask;
    }

    public static void Run(ref Arguments arguments, WeightBits bits, bool accumulate)
    {
        arguments.Mask = 0x0f0f0f0f;
        nint entry = s_entries[(bits == WeightBits.Eight ? 0 : 2) + (accumulate ? 1 : 0)];
        fixed (Arguments* at = &arguments)
        {
            ((delegate* unmanaged<Arguments*, void>)entry)(at);
        }
    }

    static nint[] Assemble()
    {
        if (!Avx512BW.IsSupported || !X86Base.X64.IsSupported || X86Base.CpuId(0, 0).Eax < 7 || (X86Base.CpuId(7, 0).Ecx & (1 << 11)) == 0)
        {
            return [];
        }

        Assembler code = new();
        int[] starts = [Tile(code, WeightBits.Eight, false), Tile(code, WeightBits.Eight, true), Tile(code, WeightBits.Four, false), Tile(code, WeightBits.Four, true)];
        return ExecutableMemory.TryCreate(code.Code) is { } memory ? [.. starts.Select(s => memory.Address + s)] : [];
    }

    /// <summary>One function: float sums of 4 × 32 over all blocks, then to the four rows of output.</summary>
    /// <returns>Where it begins.</returns>
    internal static int Tile(Assembler code, WeightBits bits, bool accumulate)
    {
        int start = code.Here, blockBytes = ScaleBytes + (StepBytes * (bits == WeightBits.Eight ? 8 : 4));
        if (OperatingSystem.IsWindows())
        {
            code.Copy(Register.Rax, Register.Rcx);
        }
        else
        {
            code.CopyFromRdi(Register.Rax);
        }

        code.LoadAddress(Register.Rcx, Register.Rax, 0);
        code.LoadAddress(Register.Rdx, Register.Rax, 8);
        code.LoadAddress(Register.R8, Register.Rax, 16);
        code.LoadAddress(Register.R9, Register.Rax, 24);
        code.LoadAddress(Register.R10, Register.Rax, 32);
        code.Xor(Zero, Zero, Zero);
        code.BroadcastWhole(Mask, Register.Rax, 72);
        for (int i = 0; i < 2 * Rows; i++)
        {
            code.Xor(Floats + i, Floats + i, Floats + i);
        }

        int loop = code.Here;
        for (int t = 0; t < Rows; t++)
        {
            // What the weights' offset of 128 or 8 adds to each sum is taken off at its start.
            code.BroadcastWhole(X, Register.R9, 4 * t);
            code.ShiftLeft(X, X, (byte)(bits == WeightBits.Eight ? 7 : 3));
            code.Subtract(Sums + (2 * t), Zero, X);
            code.Subtract(Sums + (2 * t) + 1, Zero, X);
        }

        if (bits == WeightBits.Eight)
        {
            EightSteps(code);
        }
        else
        {
            FourSteps(code);
        }

        code.LoadHalves(W0, Register.Rcx, 0);
        code.LoadHalves(W1, Register.Rcx, HalfScales);
        for (int t = 0; t < Rows; t++)
        {
            code.BroadcastSingle(X, Register.R8, 4 * t);
            for (int half = 0; half < 2; half++)
            {
                int sum = Sums + (2 * t) + half;
                code.ToSingle(sum, sum);
                code.Multiply(Y, half == 0 ? W0 : W1, X);
                code.MultiplyAdd(Floats + (2 * t) + half, sum, Y);
            }
        }

        code.Add(Register.Rcx, blockBytes);
        code.Add(Register.Rdx, Rows * Block);
        code.Add(Register.R8, Rows * sizeof(float));
        code.Add(Register.R9, Rows * sizeof(int));
        code.Loop(Register.R10, loop);
        for (int t = 0; t < Rows; t++)
        {
            code.LoadAddress(Register.R11, Register.Rax, 40 + (8 * t));
            for (int half = 0; half < 2; half++)
            {
                int sum = Floats + (2 * t) + half;
                if (accumulate)
                {
                    code.AddFrom(sum, sum, Register.R11, 64 * half);
                }

                code.Store(Register.R11, 64 * half, sum);
            }
        }

        code.Return();
        return start;
    }

    static void EightSteps(Assembler code)
    {
        for (int step = 0; step < 8; step++)
        {
            int at = ScaleBytes + (step * StepBytes);
            code.Load(W0, Register.Rcx, at);
            code.Load(W1, Register.Rcx, at + HalfStep);
            for (int t = 0; t < Rows; t++)
            {
                code.BroadcastWhole(X, Register.Rdx, (t * Block) + (4 * step));
                code.DotBytes(Sums + (2 * t), W0, X);
                code.DotBytes(Sums + (2 * t) + 1, W1, X);
            }
        }
    }

    static void FourSteps(Assembler code)
    {
        for (int step = 0; step < 4; step++)
        {
            for (int half = 0; half < 2; half++)
            {
                code.Load(W0, Register.Rcx, ScaleBytes + (step * StepBytes) + (half * HalfStep));
                code.ShiftRight(W1, W0, 4);
                code.And(W0, W0, Mask);
                code.And(W1, W1, Mask);
                for (int t = 0; t < Rows; t++)
                {
                    code.BroadcastWhole(X, Register.Rdx, (t * Block) + (4 * step));
                    code.BroadcastWhole(Y, Register.Rdx, (t * Block) + (Block / 2) + (4 * step));
                    code.DotBytes(Sums + (2 * t) + half, W0, X);
                    code.DotBytes(Sums + (2 * t) + half, W1, Y);
                }
            }
        }
    }
}
