namespace Retort.Guard.Indicators;

/// <summary>A template as the detector saw it, before anything of it is told.</summary>
/// <param name="Accounts">That asked with it, each counted once.</param>
/// <param name="Days">From the first to the last request.</param>
public sealed record TemplateSighting(string Template, int Accounts, int Requests, int Days);

/// <summary>Sightings as JSON lines: <c>{"template": "…", "accounts": 24, "requests": 5100, "days": 6}</c>.</summary>
static class SightingFile
{
    const int MostBytes = 64 << 20;

    /// <exception cref="UserError">It cannot be read, or a line is none; with the line.</exception>
    public static IReadOnlyList<TemplateSighting> Read(string path)
    {
        List<TemplateSighting> all = [];
        byte[] bytes = InputFile.ReadAll(path, MostBytes);
        int number = 0;
        for (int at = 0; at < bytes.Length;)
        {
            int length = bytes.AsSpan(at).IndexOf((byte)'\n') is >= 0 and int found ? found : bytes.Length - at;
            ReadOnlySpan<byte> line = bytes.AsSpan(at, length).Trim(" \t\r"u8);
            at += length + 1;
            number++;
            if (line.Length > 0)
            {
                JsonFields fields = JsonFields.Parse(line, $"{path}, line {number}");
                all.Add(new(fields.Text("template"), Count(fields, "accounts"), Count(fields, "requests"), Count(fields, "days")));
            }
        }

        return all;
    }

    static int Count(JsonFields fields, string name) => fields.Int(name) is > 0 and var count ? count : throw fields.Wrong(name, "It must be a positive number.");
}
