using System.Runtime.InteropServices;

namespace Retort.Kernels;

/// <summary>Machine code made at run time: written while the memory can be written, run while it cannot.</summary>
sealed unsafe partial class ExecutableMemory
{
    const int Read = 1, Write = 2, Execute = 4, PrivateAnonymous = 0x22;
    const uint Commit = 0x3000, ReadWrite = 0x04, ExecuteRead = 0x20;

    ExecutableMemory(nint address) => Address = address;

    /// <summary>Where the code begins.</summary>
    public nint Address { get; }

    /// <summary>Makes code ready to run; it stays for the life of the process.</summary>
    /// <returns>Null where the system is not Linux or Windows, or forbids such memory.</returns>
    public static ExecutableMemory? TryCreate(ReadOnlySpan<byte> code)
    {
        if (OperatingSystem.IsLinux())
        {
            nint at = Map(0, (nuint)code.Length, Read | Write, PrivateAnonymous, -1, 0);
            if (at == -1)
            {
                return null;
            }

            code.CopyTo(new Span<byte>((void*)at, code.Length));
            return Protect(at, (nuint)code.Length, Read | Execute) == 0 ? new(at) : null;
        }

        if (OperatingSystem.IsWindows())
        {
            nint at = VirtualAlloc(0, (nuint)code.Length, Commit, ReadWrite);
            if (at == 0)
            {
                return null;
            }

            code.CopyTo(new Span<byte>((void*)at, code.Length));
            return VirtualProtect(at, (nuint)code.Length, ExecuteRead, out _) != 0 ? new(at) : null;
        }

        return null;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("kernel32")]
    private static partial nint VirtualAlloc(nint address, nuint length, uint type, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualProtect(nint address, nuint length, uint protection, out uint before);
}
