using System.Diagnostics.CodeAnalysis;

namespace Retort.Files;

/// <summary>Which names from outside may become names of files here.</summary>
public static class FileNames
{
    /// <summary>Whether it is a plain file name on every system: no separator, drive, parent, control character or reserved sign.</summary>
    public static bool IsPlain([NotNullWhen(true)] string? name) =>
        name is { Length: > 0 and <= 255 } && name is not ("." or "..") && name[^1] is not (' ' or '.')
        && !name.Any(c => char.IsControl(c) || char.IsSurrogate(c) || c is '/' or '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|');

    /// <summary>Whether it is a path of plain names below a folder, separated by '/'.</summary>
    public static bool IsPlainPath([NotNullWhen(true)] string? path) => path is { Length: <= 1024 } && path.Split('/').All(p => IsPlain(p));
}
