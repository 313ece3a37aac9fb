namespace Retort.Guard.Twins;

/// <summary>The section <c>twins</c> of a policy: <c>twins: {share: 0.01, suspected_share: 0.25, keep_days: 365}</c>.</summary>
static class TwinsSection
{
    const int MostDays = 3650;

    /// <summary>Null where there are no twins.</summary>
    public static TwinPolicy? Read(YamlFields root)
    {
        if (!root.Has("twins"))
        {
            return null;
        }

        YamlFields twins = root.Map("twins");
        twins.Require("share");
        double share = twins.Number("share", 0, 0, 1);
        TwinPolicy policy = new(share, twins.Number("suspected_share", share, 0, 1), TimeSpan.FromDays(twins.Whole("keep_days", 365, 1, MostDays)));
        if (policy.SuspectedShare < policy.Share)
        {
            twins.Fault("suspected_share", "must not be below share");
        }

        twins.Close();
        return policy;
    }
}
