using Retort.Guard.Bench;
using Retort.Model;

namespace Retort.Guard.Replay;

/// <summary>
/// When requests come, after a trace of a real service: answers are as long as there, people read at four tokens a second before they go on, programs take
/// their answer in fiftieths of a second a token. What the trace does not have, since it knows no users, is assumed: people have a few sittings a day within
/// their own sixteen hours.
/// </summary>
sealed class Pace
{
    const double ReadTokensPerS = 4, WriteTokensPerS = 50;

    readonly IReadOnlyList<TracedRequest> _people, _programs;

    Pace(IReadOnlyList<TracedRequest> people, IReadOnlyList<TracedRequest> programs) => (_people, _programs) = (people, programs);

    /// <summary>Reads a folder of traces: the one whose name holds "conversation" for people, the one with "code" for programs.</summary>
    /// <exception cref="UserError">There is none of either.</exception>
    public static Pace Read(string folder)
    {
        return new(One("conversation"), One("code"));

        IReadOnlyList<TracedRequest> One(string what) => (Directory.Exists(folder) ? Directory.EnumerateFiles(folder, $"*{what}*.csv").Order(StringComparer.Ordinal).FirstOrDefault() : null) is { } file
            ? TrafficTrace.Read(file, 20_000, 1, 1)
            : throw new UserError($"there is no trace *{what}*.csv", folder, "Give a folder with Azure's 2023 traces of language-model requests, or others of their form.");
    }

    /// <summary>Milliseconds between a person's question and the next one of a sitting.</summary>
    public long Reading(RandomStream random) => 5_000 + (long)(1000 * _people[random.NextInt(_people.Count)].Answer / ReadTokensPerS * (0.5 + random.NextDouble()));

    /// <summary>Milliseconds between a program's request and its next one.</summary>
    public long Working(RandomStream random) => 500 + (long)(1000 * _programs[random.NextInt(_programs.Count)].Answer / WriteTokensPerS);

    /// <summary>Beginnings of a person's sittings, ascending, in milliseconds.</summary>
    /// <param name="perDay">How many on average.</param>
    public static IReadOnlyList<long> Sittings(double days, double perDay, RandomStream random)
    {
        double wakes = random.NextDouble() * 24;
        List<long> at = [];
        for (int day = -1; day < days; day++)
        {
            for (double left = perDay + 0.0; left > random.NextDouble(); left--)
            {
                double hour = wakes + (16 * (random.NextDouble() + random.NextDouble()) / 2);
                long ms = (long)(((day * 24) + hour) * 3_600_000);
                if (ms >= 0 && ms < days * 86_400_000)
                {
                    at.Add(ms);
                }
            }
        }

        at.Sort();
        return at;
    }
}
