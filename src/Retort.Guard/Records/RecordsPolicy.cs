namespace Retort.Guard.Records;

/// <summary>What is kept of requests besides the ledger of decisions: the section <c>records</c> of a policy.</summary>
/// <param name="Key">The environment variable that holds the secret of encrypted contents; null where none are kept.</param>
/// <param name="KeepDays">After how many days they are removed.</param>
public sealed record RecordsPolicy(string? Key, int KeepDays)
{
    const int MostDays = 3650;

    internal static RecordsPolicy Of(YamlFields root)
    {
        YamlFields fields = root.Map("records");
        bool isKept = fields.Choice("contents", "none", "none", "encrypted") == "encrypted";
        string? key = fields.Text("key") ?? "RETORT_RECORDS_KEY";
        if (!GuardPolicy.IsVariable(key))
        {
            fields.Fault("key", "must be the name of an environment variable, in capitals, digits and underscores; the secret itself does not belong here");
        }

        if (isKept)
        {
            fields.Require("keep_days");
        }

        RecordsPolicy made = new(isKept ? key : null, fields.Whole("keep_days", 30, 1, MostDays));
        fields.Close();
        return made;
    }
}
