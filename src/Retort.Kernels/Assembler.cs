using System.Buffers.Binary;

namespace Retort.Kernels;

/// <summary>General registers that neither calling convention of x64 asks a function to restore.</summary>
enum Register
{
    Rax = 0,
    Rcx = 1,
    Rdx = 2,
    R8 = 8,
    R9 = 9,
    R10 = 10,
    R11 = 11,
}

/// <summary>The few instructions of x64 and AVX-512 that our own machine code is made of, as bytes (Intel's manual, volume 2, chapter 2.7 for EVEX).
/// Vectors are 512 bits wide and named by number.</summary>
sealed class Assembler
{
    const int NoPrefix = 0, Prefix66 = 1, Map0F = 1, Map0F38 = 2;

    readonly List<byte> _code = [];

    public ReadOnlySpan<byte> Code => _code.ToArray();

    /// <summary>Where the next instruction begins.</summary>
    public int Here => _code.Count;

    public void Load(int to, Register from, int offset) => Memory(NoPrefix, Map0F, 0x10, to, 0, from, offset);

    public void Store(Register to, int offset, int from) => Memory(NoPrefix, Map0F, 0x11, from, 0, to, offset);

    public void BroadcastWhole(int to, Register from, int offset) => Memory(Prefix66, Map0F38, 0x58, to, 0, from, offset);

    public void BroadcastSingle(int to, Register from, int offset) => Memory(Prefix66, Map0F38, 0x18, to, 0, from, offset);

    /// <summary>Sixteen halves to floats.</summary>
    public void LoadHalves(int to, Register from, int offset) => Memory(Prefix66, Map0F38, 0x13, to, 0, from, offset);

    /// <summary>sum += Σ of four products of bytes, <paramref name="unsigned"/> ones with signed ones, in every lane (AVX512-VNNI).</summary>
    public void DotBytes(int sum, int unsigned, int signed) => Vectors(Prefix66, Map0F38, 0x50, sum, unsigned, signed);

    public void ToSingle(int to, int from) => Vectors(NoPrefix, Map0F, 0x5b, to, 0, from);

    public void Multiply(int to, int a, int b) => Vectors(NoPrefix, Map0F, 0x59, to, a, b);

    /// <summary>to += a · b, rounded once.</summary>
    public void MultiplyAdd(int to, int a, int b) => Vectors(Prefix66, Map0F38, 0xb8, to, a, b);

    public void AddFrom(int to, int a, Register from, int offset) => Memory(NoPrefix, Map0F, 0x58, to, a, from, offset);

    public void Subtract(int to, int a, int b) => Vectors(Prefix66, Map0F, 0xfa, to, a, b);

    public void And(int to, int a, int b) => Vectors(Prefix66, Map0F, 0xdb, to, a, b);

    public void Xor(int to, int a, int b) => Vectors(Prefix66, Map0F, 0xef, to, a, b);

    public void ShiftLeft(int to, int from, byte bits) => Shift(6, to, from, bits);

    public void ShiftRight(int to, int from, byte bits) => Shift(2, to, from, bits);

    public void LoadAddress(Register to, Register from, int offset)
    {
        Put((byte)(0x48 | (High((int)to) << 2) | High((int)from)), 0x8b, (byte)(0x80 | (Low((int)to) << 3) | Low((int)from)));
        Put32(offset);
    }

    public void Copy(Register to, Register from) => Put((byte)(0x48 | (High((int)to) << 2) | High((int)from)), 0x8b, (byte)(0xc0 | (Low((int)to) << 3) | Low((int)from)));

    /// <summary>The first argument where System V passes it, which is no register named here.</summary>
    public void CopyFromRdi(Register to) => Put((byte)(0x48 | (High((int)to) << 2)), 0x8b, (byte)(0xc0 | (Low((int)to) << 3) | 7));

    public void Add(Register to, int value)
    {
        Put((byte)(0x48 | High((int)to)), 0x81, (byte)(0xc0 | Low((int)to)));
        Put32(value);
    }

    /// <summary>Counts a register down and jumps back while it is not zero.</summary>
    public void Loop(Register counter, int start)
    {
        Put((byte)(0x48 | High((int)counter)), 0xff, (byte)(0xc8 | Low((int)counter)));
        Put(0x0f, 0x85);
        Put32(start - (Here + 4));
    }

    /// <summary>Leaves the wide state, without which older code after it would be slow.</summary>
    public void Return() => Put(0xc5, 0xf8, 0x77, 0xc3);

    void Vectors(int prefix, int map, byte opcode, int register, int second, int third)
    {
        Evex(prefix, map, register, second, baseBit: (third >> 3) & 1, indexBit: (third >> 4) & 1);
        Put(opcode, (byte)(0xc0 | ((register & 7) << 3) | (third & 7)));
    }

    void Memory(int prefix, int map, byte opcode, int register, int second, Register at, int offset)
    {
        Evex(prefix, map, register, second, High((int)at), indexBit: 0);
        Put(opcode, (byte)(0x80 | ((register & 7) << 3) | Low((int)at)));
        Put32(offset);
    }

    void Shift(int operation, int to, int from, byte bits)
    {
        Evex(Prefix66, Map0F, operation, to, (from >> 3) & 1, (from >> 4) & 1);
        Put(0x72, (byte)(0xc0 | (operation << 3) | (from & 7)), bits);
    }

    /// <summary>The four bytes before the opcode; register numbers' upper bits go in inverted.</summary>
    void Evex(int prefix, int map, int register, int second, int baseBit, int indexBit)
    {
        int inverted = (((register >> 3) & 1) << 7) | (indexBit << 6) | (baseBit << 5) | (((register >> 4) & 1) << 4);
        Put(0x62, (byte)((inverted ^ 0xf0) | map), (byte)(((~second & 15) << 3) | 4 | prefix), (byte)(0x40 | ((~second >> 4 & 1) << 3)));
    }

    static int High(int register) => register >> 3;

    static int Low(int register) => register & 7;

    void Put(params ReadOnlySpan<byte> bytes) => _code.AddRange(bytes);

    void Put32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _code.AddRange(bytes);
    }
}
