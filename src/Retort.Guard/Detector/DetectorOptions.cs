namespace Retort.Guard.Detector;

/// <summary>When a group is acted on. The defaults are those that every published figure was measured with.</summary>
/// <param name="Alpha">The probability at which anything at all is found in a population in which nobody is linked, over all groups and all time.</param>
/// <param name="FamilyRatio">What each of two families must say on its own, one of them content: how many times likelier.</param>
/// <param name="LeastMembers">Fewer accounts than this are held back by their own limits, and by nothing here.</param>
/// <param name="LeastSharers">Accounts among which the list must be seen to be divided.</param>
/// <param name="MemberRatio">What must be against an account in particular before anything is done about it.</param>
/// <param name="MemberContentRatio">And what its content alone must say: being busy at the same time is nothing to be held against anybody.</param>
/// <param name="Chance">The rate at which prompts of strangers meet in a template, an upper bound; from calibration where there is one.</param>
public sealed record DetectorOptions(double Alpha = 1e-3, double FamilyRatio = 100, int LeastMembers = 10, int LeastSharers = 5, double MemberRatio = 1e3, double MemberContentRatio = 20, double Chance = 1e-7)
{
    public static DetectorOptions Default { get; } = new();
}
