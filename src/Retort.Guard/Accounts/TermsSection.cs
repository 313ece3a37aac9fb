namespace Retort.Guard.Accounts;

/// <summary>The section <c>terms</c> of a policy.</summary>
static class TermsSection
{
    const int MostGraceDays = 3650;

    public static TermsPolicy? Read(YamlFields root, string folder)
    {
        if (!root.Has("terms"))
        {
            return null;
        }

        YamlFields terms = root.Map("terms");
        terms.Require("version");
        terms.Require("accept_at");
        TermsPolicy policy = new(
            terms.Text("file") is { } file ? Path.Combine(folder, file) : null, terms.Text("version") ?? "", TimeSpan.FromDays(terms.Number("grace_days", 0, 0, MostGraceDays)), terms.Text("accept_at") ?? "");
        terms.Close();
        return policy;
    }
}
