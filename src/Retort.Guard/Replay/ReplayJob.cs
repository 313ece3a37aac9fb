using Retort.Guard.Detector;

namespace Retort.Guard.Replay;

/// <summary>Replays a scenario as often as it says.</summary>
public static class ReplayJob
{
    /// <param name="prompts">The folder of prompts.</param>
    /// <param name="traffic">The folder of traces.</param>
    /// <param name="onDone">Called with the share that is done.</param>
    /// <exception cref="UserError">A file cannot be read or is not as it should be.</exception>
    public static ReplayReport Run(Scenario scenario, string prompts, string traffic, DetectorOptions options, Action<double> onDone, CancellationToken stop)
    {
        PromptLibrary library = PromptLibrary.Read(prompts);
        Pace pace = Pace.Read(traffic);
        return ReplayReport.Of(scenario, [.. Enumerable.Range(0, scenario.Repeats).Select(r => ReplayRun.Of(scenario, r, library, pace, options, share => onDone((r + share) / scenario.Repeats), stop))]);
    }
}
