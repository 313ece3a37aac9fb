namespace Retort.Evidence.Terms;

/// <summary>What a recipe says of terms: under <c>terms</c>, the entries of the register that are said to apply, and files of permissions.</summary>
/// <param name="Teacher">Id of the entry for the teacher; null where what it is called or made of tells it.</param>
/// <param name="Student">The same for the weights a student begins from.</param>
/// <param name="Permissions">Files in which a provider allows what its terms do not.</param>
public sealed record DeclaredTerms(string? Teacher, string? Student, IReadOnlyList<string> Permissions)
{
    public static DeclaredTerms None { get; } = new(null, null, []);

    /// <summary>Reads the mapping <c>terms</c>, all keys optional.</summary>
    /// <param name="absolute">Completes a path.</param>
    public static DeclaredTerms Read(YamlFields terms, Func<string, string> absolute)
    {
        DeclaredTerms read = new(terms.Text("teacher"), terms.Text("student"), [.. (terms.Texts("permissions") ?? []).Select(absolute)]);
        terms.Close();
        return read;
    }

    /// <exception cref="UserError">A file cannot be read or is no permission.</exception>
    public IReadOnlyList<TermsPermission> Granted(TermsRegister register) => [.. Permissions.Select(p => PermissionFile.Read(p, register))];
}
