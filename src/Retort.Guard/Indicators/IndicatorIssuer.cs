using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Indicators;

/// <summary>Makes and signs the bundles of one operator. The last sequence lies in FOLDER/issued, and is used up before the bundle leaves: none comes twice.</summary>
static class IndicatorIssuer
{
    /// <summary>A bundle of what was seen.</summary>
    /// <exception cref="UserError">A template has too few accounts behind it, is too short, or is there twice; the sequence cannot be kept.</exception>
    public static SignedBundle Tell(string folder, LedgerKey key, IReadOnlyList<TemplateSighting> seen, TrafficLight light, DateTimeOffset now, TimeSpan holds, string where)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(TemplateHash.Length);
        if (seen.Count is 0 or > IndicatorBundle.MostTemplates)
        {
            throw new UserError(seen.Count == 0 ? "there are no templates" : $"there are more than {IndicatorBundle.MostTemplates} templates", where, "A bundle tells of some, JSON lines as retort guard indicators export --help shows.");
        }

        foreach ((int number, TemplateSighting s) in seen.Index())
        {
            string at = $"{where}, template {number + 1}";
            if (s.Accounts < IndicatorBundle.FewestAccounts)
            {
                throw new UserError($"{s.Accounts} accounts asked with it, and fewer than {IndicatorBundle.FewestAccounts} may be one customer", at, "Leave it out.");
            }

            if (TemplateHash.Normal(s.Template).Length < TemplateHash.FewestCharacters)
            {
                throw new UserError($"the template has fewer than {TemplateHash.FewestCharacters} characters and could be guessed from its hash", at, "Leave it out.");
            }
        }

        TemplateIndicator[] templates = [.. seen.Select(s => new TemplateIndicator(TemplateHash.Of(salt, s.Template), CoarseStep.Below(s.Accounts), CoarseStep.Below(s.Requests), CoarseStep.Below(s.Days))).OrderBy(t => t.Hash, StringComparer.Ordinal)];
        return templates.DistinctBy(t => t.Hash).Count() == templates.Length
            ? Sign(folder, key, salt, light, now, holds, templates, [])
            : throw new UserError("a template is there twice", where, "Put its counts together.");
    }

    /// <summary>A bundle that takes back an earlier one.</summary>
    /// <exception cref="UserError">It was never issued; the sequence cannot be kept.</exception>
    public static SignedBundle Revoke(string folder, LedgerKey key, int sequence, DateTimeOffset now)
    {
        int last = Last(folder);
        return sequence < 1 || sequence > last
            ? throw new UserError($"no bundle {sequence} was issued here, the last is {last}", folder, "Give the sequence that the bundle's export showed.")
            : Sign(folder, key, RandomNumberGenerator.GetBytes(TemplateHash.Length), TrafficLight.Clear, now, IndicatorBundle.Longest, [], [sequence]);
    }

    static SignedBundle Sign(string folder, LedgerKey key, byte[] salt, TrafficLight light, DateTimeOffset now, TimeSpan holds, TemplateIndicator[] templates, int[] revokes)
    {
        StoreFile.MakeFolder(folder);
        using FileStream alone = FolderLock.Hold(folder);
        int next = Last(folder) + 1;
        AtomicFile.WriteAllBytes(PathOf(folder), Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{next}\n")));
        DateTimeOffset issued = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        IndicatorBundle bundle = new(key.Name, next, issued, issued + holds, light, salt, templates, revokes);
        return new(bundle, BundleFile.Sign(bundle, key));
    }

    static int Last(string folder)
    {
        string path = PathOf(folder);
        return !File.Exists(path) ? 0
            : int.TryParse(TextFile.Read(path, 64).AsSpan().TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out int last) ? last
            : throw new UserError("this is no sequence number", path, "Write the number of the last bundle that was issued, alone in a line.");
    }

    static string PathOf(string folder) => Path.Combine(folder, "issued");
}
