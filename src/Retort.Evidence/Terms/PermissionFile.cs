using System.Security.Cryptography;
using System.Text;
using YamlDotNet.RepresentationModel;

namespace Retort.Evidence.Terms;

/// <summary>Reads a permission: YAML, validated whole, and the contract's file where the permission names it.</summary>
public static class PermissionFile
{
    /// <summary>Bytes of the YAML.</summary>
    const int Longest = 1 << 16;

    /// <param name="path">The file; a contract's path is taken from its folder.</param>
    /// <param name="register">The ids a scope may name.</param>
    /// <exception cref="UserError">It cannot be read, has faults, or the contract is not the one it names.</exception>
    public static TermsPermission Read(string path, TermsRegister register)
    {
        string yaml = TextFile.Read(path, Longest);
        List<string> faults = [];
        YamlFields p = new(YamlText.Parse(yaml, path, lines: true) ?? new YamlMappingNode(), "", new(faults, new HashSet<YamlNode>()));
        string grantor = Required(p, "grantor"), recipient = Required(p, "recipient");
        DateOnly signed = Day(p, "signed"), expires = Day(p, "expires");
        p.Require("contract");
        YamlFields c = p.Map("contract");
        string title = c.Present ? Required(c, "title") : "", hash = c.Present ? Required(c, "sha256") : "";
        string? file = c.Text("path");
        p.Require("scope");
        YamlFields s = p.Map("scope");
        if (s.Present)
        {
            s.Require("entries");
            s.Require("purposes");
        }

        IReadOnlyList<string> entries = s.Texts("entries") ?? [], purposes = s.Texts("purposes") ?? [];
        if (hash.Length > 0 && !TermsFile.Sha256().IsMatch(hash))
        {
            c.Fault("sha256", "must be 64 small hexadecimal digits");
        }

        if (p.Has("signed") && p.Has("expires") && expires < signed)
        {
            p.Fault("expires", "must not be before signed");
        }

        if (file is not null && file.Contains('\0', StringComparison.Ordinal))
        {
            c.Fault("path", "must be the path of a file");
        }

        foreach (string id in entries.Where(id => register.Find(id) is null))
        {
            s.Fault("entries", $"must be ids of the register, not '{id}'");
        }

        string[] known = KebabName.All<TermsPurpose>();
        foreach (string purpose in purposes.Where(x => !known.Contains(x, StringComparer.Ordinal)))
        {
            s.Fault("purposes", $"must be of {string.Join(", ", known)}, not '{purpose}'");
        }

        s.Close();
        c.Close();
        p.Close();
        if (faults.Count > 0)
        {
            throw new UserError(string.Join("; ", faults), path, faults.Count == 1 ? "Mend it and run again." : $"Mend these {faults.Count} faults and run again.");
        }

        if (file is not null)
        {
            CheckContract(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, file)), hash);
        }

        return new(grantor, recipient, title, signed, expires, entries, [.. purposes.Select(KebabName.Parse<TermsPurpose>)], hash, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(yaml))));
    }

    static void CheckContract(string path, string expected)
    {
        string hash;
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            hash = Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }

        if (hash != expected)
        {
            throw new UserError($"the contract's SHA-256 is {hash}, not {expected} as the permission has it", path, "Take the contract that was agreed on, or a permission that names this one.");
        }
    }

    /// <summary>Empty where it is missing or no text, which is then a fault.</summary>
    static string Required(YamlFields fields, string name)
    {
        fields.Require(name);
        return fields.Text(name) ?? "";
    }

    static DateOnly Day(YamlFields fields, string name)
    {
        fields.Require(name);
        return fields.Date(name) ?? default;
    }
}
