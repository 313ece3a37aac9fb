using System.Text.RegularExpressions;

namespace Retort.Evidence.Terms;

/// <summary>Which teachers an entry speaks of. A star in a pattern stands for any letters.</summary>
/// <param name="Hosts">Names of machines, "*." before one for all below it. Never this machine or a private network: what answers there is not known by its address.</param>
/// <param name="Models">Names as a hub or an endpoint gives them, compared without regard to case.</param>
/// <param name="Files">Weights known by their content.</param>
public sealed partial record Coverage(IReadOnlyList<string> Hosts, IReadOnlyList<string> Models, IReadOnlyList<WeightFile> Files)
{
    /// <summary>Endings that no public registry gives out (RFC 2606, RFC 6762, RFC 8375 and what ICANN set aside).</summary>
    static readonly string[] s_private = [".local", ".localhost", ".internal", ".intranet", ".lan", ".home", ".corp", ".arpa", ".test", ".invalid", ".example", ".onion"];

    public bool HasHost(string host) => Hosts.Any(p => p.StartsWith("*.", StringComparison.Ordinal) ? host.EndsWith(p[1..], StringComparison.Ordinal) : host == p);

    public bool HasModel(string name) => Models.Any(p => Like(p, name));

    /// <summary>Whether every one of the files is known.</summary>
    public bool HasFiles(IReadOnlyCollection<WeightFile> files) => files.Count > 0 && files.All(f => Files.Contains(f));

    /// <summary>Whether a pattern may stand for machines of the public internet: letters, no address, at least two parts after a star.</summary>
    public static bool IsHostPattern(string pattern) => HostPattern().IsMatch(pattern) && !IsPrivate(pattern);

    /// <summary>Whether a host is this machine, an address, or a name of a private network.</summary>
    public static bool IsPrivate(string host) =>
        !host.Contains('.', StringComparison.Ordinal) || host.Contains(':', StringComparison.Ordinal) || char.IsAsciiDigit(host[^1]) || s_private.Any(e => host.EndsWith(e, StringComparison.Ordinal));

    static bool Like(string pattern, string name)
    {
        string[] parts = pattern.Split('*');
        const StringComparison Ignoring = StringComparison.OrdinalIgnoreCase;
        if (parts.Length == 1)
        {
            return name.Equals(pattern, Ignoring);
        }

        if (name.Length < parts[0].Length + parts[^1].Length || !name.StartsWith(parts[0], Ignoring) || !name.EndsWith(parts[^1], Ignoring))
        {
            return false;
        }

        int at = parts[0].Length, end = name.Length - parts[^1].Length;
        foreach (string part in parts[1..^1])
        {
            int found = name.IndexOf(part, at, end - at, Ignoring);
            if (found < 0)
            {
                return false;
            }

            at = found + part.Length;
        }

        return true;
    }

    [GeneratedRegex(@"\A(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}\z", RegexOptions.ExplicitCapture)]
    private static partial Regex HostPattern();
}

/// <summary>Weights by their content.</summary>
/// <param name="Sha256">64 small hexadecimal digits.</param>
/// <param name="Bytes">Length, so that nothing is hashed that cannot be it.</param>
public sealed record WeightFile(string Sha256, long Bytes);
