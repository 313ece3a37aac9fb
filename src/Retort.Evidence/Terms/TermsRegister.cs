namespace Retort.Evidence.Terms;

/// <summary>What the terms of many teachers say, by id. Read-only; its hash names exactly this reading.</summary>
public sealed class TermsRegister
{
    readonly Dictionary<string, TermsEntry> _byId;

    /// <param name="entries">Each id once; a caller's bug throws.</param>
    public TermsRegister(IEnumerable<TermsEntry> entries)
    {
        Entries = [.. entries.OrderBy(e => e.Id, StringComparer.Ordinal)];
        _byId = Entries.ToDictionary(e => e.Id, StringComparer.Ordinal);
        Sha256 = CanonicalTerms.Sha256(this);
    }

    /// <summary>By id, in ordinal order.</summary>
    public IReadOnlyList<TermsEntry> Entries { get; }

    /// <summary>Of every entry's hash (<see cref="CanonicalTerms"/>); files, order and comments do not count.</summary>
    public string Sha256 { get; }

    /// <summary>Every *.yaml file of a folder, not of folders below it.</summary>
    /// <exception cref="UserError">There is no such folder, it holds no register, or a file has faults.</exception>
    public static TermsRegister Read(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserError("there is no such folder", folder, "A register is a folder of .yaml files, such as terms/ beside Retort's sources.");
        }

        string[] files;
        try
        {
            files = [.. Directory.GetFiles(folder, "*.yaml").Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(folder, e);
        }

        return files.Length > 0
            ? Parse(files.Select(f => (f, TextFile.Read(f, TermsFile.Longest))))
            : throw new UserError("there is no .yaml file in this folder", folder, "A register is a folder of .yaml files, such as terms/ beside Retort's sources.");
    }

    /// <param name="files">Name and text of each.</param>
    /// <exception cref="UserError">A file has faults, or an id is in two of them.</exception>
    public static TermsRegister Parse(IEnumerable<(string Name, string Yaml)> files)
    {
        Dictionary<string, string> from = new(StringComparer.Ordinal);
        List<TermsEntry> entries = [];
        foreach ((string name, string yaml) in files)
        {
            foreach (TermsEntry entry in TermsFile.Parse(yaml, name))
            {
                if (!from.TryAdd(entry.Id, name))
                {
                    throw new UserError($"the id '{entry.Id}' is in {from[entry.Id]} as well", name, "Give one of the two another id.");
                }

                entries.Add(entry);
            }
        }

        return new(entries);
    }

    public TermsEntry? Find(string id) => _byId.GetValueOrDefault(id);

    /// <exception cref="UserError">There is no such entry.</exception>
    public TermsEntry Get(string id, string where)
    {
        if (Find(id) is { } entry)
        {
            return entry;
        }

        string? near = Entries.Select(e => (e.Id, Distance: EditDistance.Between(e.Id, id))).Where(e => e.Distance <= Math.Max(2, id.Length / 3)).OrderBy(e => e.Distance).Select(e => e.Id).FirstOrDefault();
        throw new UserError($"there are no terms '{id}' in the register", where, near is null ? "retort terms list shows the ids." : $"Did you mean {near}?");
    }
}
