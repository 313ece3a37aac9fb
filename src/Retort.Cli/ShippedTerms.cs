using System.Text;
using Retort.Evidence.Terms;

namespace Retort.Cli;

/// <summary>The register that ships: the files of terms/, held in the program so that one file is enough.</summary>
static class ShippedTerms
{
    const string Folder = "terms/";

    public static TermsRegister Read() => TermsRegister.Parse(Names().Select(name => (name, Text(name))));

    /// <summary>Another register where a folder is named.</summary>
    public static TermsRegister Or(string? folder) => folder is null ? Read() : TermsRegister.Read(folder);

    static IEnumerable<string> Names() => typeof(ShippedTerms).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    static string Text(string name)
    {
        using StreamReader reader = new(typeof(ShippedTerms).Assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
