namespace Retort.Guard.Watermark;

/// <summary>The section <c>watermark</c> of a policy: <c>watermark: {scheme: tournament, by: account}</c>.</summary>
static class WatermarkSection
{
    const string Tournament = "tournament", GreenList = "green-list";

    /// <summary>Null where answers are not marked.</summary>
    public static WatermarkPolicy? Read(YamlFields root)
    {
        if (!root.Has("watermark"))
        {
            return null;
        }

        YamlFields mark = root.Map("watermark");
        mark.Require("scheme");
        WatermarkScheme scheme = mark.Choice("scheme", Tournament, Tournament, GreenList) == Tournament ? WatermarkScheme.Tournament : WatermarkScheme.GreenList;
        WatermarkPolicy policy = new(
            scheme,
            mark.Choice("by", "account", "account", "group", "all") switch { "all" => WatermarkBy.All, "group" => WatermarkBy.Group, _ => WatermarkBy.Account },
            mark.Whole("epoch", 1, 1, int.MaxValue),
            mark.Whole("width", scheme == WatermarkScheme.Tournament ? 4 : 1, 1, 8),
            mark.Whole("layers", 30, 1, 64), mark.Number("gamma", 0.25, 0.05, 0.95), mark.Number("delta", 2, 0.1, 10));
        foreach (string other in scheme == WatermarkScheme.Tournament ? ["gamma", "delta"] : (string[])["layers"])
        {
            if (mark.Has(other))
            {
                mark.Fault(other, $"is no key of a {(scheme == WatermarkScheme.Tournament ? Tournament : "green list")}");
            }
        }

        mark.Close();
        return policy;
    }
}
