namespace Retort.Files;

/// <summary>Turns what the operating system says about a file into a <see cref="UserError"/>.</summary>
public static class FileFault
{
    /// <summary>Whether an exception is the operating system's refusal rather than a bug.</summary>
    public static bool Is(Exception e) => e is IOException or UnauthorizedAccessException or NotSupportedException || IsTooLarge(e);

    /// <summary>A file or folder that could not be read.</summary>
    public static UserError Reading(string path, Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => new("There is no such file", path, "Check the path."),
        UnauthorizedAccessException => new("The file may not be read", path, "It must be a file, not a folder, that this user may read."),
        NotSupportedException => new("This is not a plain file", path, "Save it as a file first; a pipe or device cannot be read at an offset."),
        _ => new($"The file cannot be read ({e.Message.TrimEnd('.')})", path, "Check the disk and the path."),
    };

    /// <summary>A file that could not be written.</summary>
    public static UserError Writing(string path, Exception e) => e switch
    {
        DirectoryNotFoundException => new("The folder does not exist", path, "Create it first, or choose another place."),
        UnauthorizedAccessException => new("The file may not be written", path, "Choose a folder that this user may write to."),
        _ when IsDiskFull(e) => new("The disk is full", path, "Free some space or choose another place; what was there before is untouched."),
        _ when IsTooLarge(e) => new("There is no room for a file of this size", path, "The file system or a limit (ulimit -f) allows only smaller ones: choose another place; what was there before is untouched."),
        _ => new($"The file cannot be written ({e.Message.TrimEnd('.')})", path, "Check the disk and the path; what was there before is untouched."),
    };

    /// <summary>EFBIG: beyond what the file system or a limit of the user allows in one file. .NET makes an argument fault of the system's answer.</summary>
    static bool IsTooLarge(Exception e) =>
        e is ArgumentOutOfRangeException { ParamName: "value", TargetSite.DeclaringType.Namespace: "System.IO" or "Microsoft.Win32.SafeHandles" } or IOException { HResult: unchecked((int)0x800700DF) };

    /// <summary>Disk full or quota spent: Windows' ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL, or the errno that .NET passes through on
    /// Unix (ENOSPC 28; EDQUOT 122 on Linux, 69 on macOS).</summary>
    static bool IsDiskFull(Exception e) => e is IOException &&
        (e.HResult is unchecked((int)0x80070070) or unchecked((int)0x80070027) || (!OperatingSystem.IsWindows() && e.HResult is 28 or 122 or 69));
}
