using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Retort.Evidence.Terms;

/// <summary>What a model reference shows about whose teacher it is.</summary>
/// <param name="Reference">As it was given.</param>
public abstract partial record UsedModel(string Reference)
{
    /// <summary>A model asked over the network.</summary>
    /// <param name="Host">Small letters, without a dot at the end.</param>
    /// <param name="Model">What stands after the #, or nothing.</param>
    public sealed record Endpoint(string Reference, string Host, string Model) : UsedModel(Reference);

    /// <summary>A name of a hub, org/name, or sample:name for text that ships with Retort.</summary>
    public sealed record Named(string Reference, string Name) : UsedModel(Reference);

    /// <summary>Weights on this machine, known by content alone: a name is quickly changed.</summary>
    /// <param name="Files">Those of a length that the register knows; empty when any other is among them.</param>
    public sealed record Stored(string Reference, IReadOnlyList<WeightFile> Files) : UsedModel(Reference);

    /// <summary>Looks at the reference and, where it names a file or folder, at the weights there.</summary>
    /// <exception cref="UserError">It is no reference, or a file cannot be read.</exception>
    public static UsedModel Of(string reference, TermsRegister register)
    {
        if (reference.Contains("://", StringComparison.Ordinal))
        {
            return OfAddress(reference);
        }

        if (Path.Exists(reference))
        {
            return new Stored(reference, Weights(reference, register));
        }

        return NameForm().IsMatch(reference)
            ? new Named(reference, reference.Split('@')[0])
            : throw new UserError("there is no such model", reference, "Give a file or folder, org/name as a hub has it, or an endpoint https://host/v1#model.");
    }

    static Endpoint OfAddress(string reference)
    {
        if (!Uri.TryCreate(reference, UriKind.Absolute, out Uri? uri) || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp) || uri.IdnHost.Length == 0)
        {
            throw new UserError("this is no address of an endpoint", reference, "Write it as https://host/v1#model.");
        }

        // What a reader takes for the host may be a user's name before an @, and a password has no place in a reference.
        return uri.UserInfo.Length == 0
            ? new(reference, uri.IdnHost.ToLowerInvariant().TrimEnd('.'), Uri.UnescapeDataString(uri.Fragment.TrimStart('#')))
            : throw new UserError("the address holds a user's name", $"{uri.Scheme}://…@{uri.IdnHost}", "Leave out what stands before the @; secrets come from environment variables.");
    }

    static WeightFile[] Weights(string path, TermsRegister register)
    {
        HashSet<long> lengths = [.. register.Entries.SelectMany(e => e.Covers.Files).Select(f => f.Bytes)];
        try
        {
            string[] files = Directory.Exists(path) ? [.. Directory.GetFiles(path, "*.safetensors").Order(StringComparer.Ordinal)] : [path];
            List<WeightFile> known = [];
            foreach (string file in files)
            {
                using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
                if (!stream.CanSeek || !lengths.Contains(stream.Length))
                {
                    return [];
                }

                known.Add(new(Convert.ToHexStringLower(SHA256.HashData(stream)), stream.Length));
            }

            return [.. known];
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }
    }

    [GeneratedRegex(@"\A([A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?|sample:[a-z0-9-]+)\z", RegexOptions.ECMAScript)]
    private static partial Regex NameForm();
}
