using System.Globalization;

namespace Retort.Guard.Bench;

/// <summary>One request of a trace.</summary>
/// <param name="At">Time since the first.</param>
/// <param name="Prompt">Tokens read.</param>
/// <param name="Answer">Tokens written.</param>
public sealed record TracedRequest(TimeSpan At, int Prompt, int Answer);

/// <summary>Azure's trace of language-model requests: TIMESTAMP,ContextTokens,GeneratedTokens (github.com/Azure/AzurePublicDataset, 2023).</summary>
public static class TrafficTrace
{
    /// <summary>The first requests of a file.</summary>
    /// <param name="stretch">Times between requests are longer by this factor.</param>
    /// <param name="shrink">Prompts and answers are shorter by this factor.</param>
    /// <exception cref="UserError">The file cannot be read, or a line is no request.</exception>
    public static IReadOnlyList<TracedRequest> Read(string path, int most, double stretch, double shrink)
    {
        string[] lines;
        try
        {
            lines = [.. File.ReadLines(path).Skip(1).Take(most)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"the trace cannot be read: {e.Message.TrimEnd('.')}", path, "Give a CSV file of TIMESTAMP,ContextTokens,GeneratedTokens.");
        }

        List<TracedRequest> requests = [];
        DateTime first = default;
        foreach (string line in lines)
        {
            string[] cells = line.Split(',');
            if (cells.Length != 3 || !DateTime.TryParse(cells[0], CultureInfo.InvariantCulture, out DateTime at)
                || !int.TryParse(cells[1], NumberStyles.None, CultureInfo.InvariantCulture, out int prompt) || !int.TryParse(cells[2], NumberStyles.None, CultureInfo.InvariantCulture, out int answer))
            {
                throw new UserError($"line {requests.Count + 2} is no request", path, "A line is a time, a number of prompt tokens and a number of written ones.");
            }

            first = requests.Count == 0 ? at : first;
            requests.Add(new((at - first) * stretch, Math.Max(1, (int)(prompt / shrink)), Math.Max(2, (int)(answer / shrink))));
        }

        return requests.Count > 0 ? requests : throw new UserError("the trace holds no request", path, "Give a CSV file of TIMESTAMP,ContextTokens,GeneratedTokens.");
    }
}
