using System.Text.Json;

namespace Retort.Asking;

/// <summary>What became of a batch, once its files are read.</summary>
/// <param name="Id">The endpoint's name for it; ours where it was never made.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Questions">Sent in it and not answered before its files were read.</param>
/// <param name="Answers">Of them answered.</param>
/// <param name="Failed">Of them said to have failed, or not to have been asked.</param>
/// <param name="Missing">Of them nowhere in its files.</param>
/// <param name="Again">Lines beyond the first for one question.</param>
/// <param name="Unknown">Lines for no question of it.</param>
/// <param name="Broken">Lines that cannot be read.</param>
public sealed record BatchFacts(string Id, string Status, int Questions, int Answers, int Failed, int Missing, int Again, int Unknown, int Broken);

/// <summary>The lines of a batch's files by the questions they are for.</summary>
/// <param name="Lines">An answer or a fault for each question's name.</param>
sealed record BatchOutput(IReadOnlyDictionary<string, (Reply? Reply, RemoteFault? Fault)> Lines, int Again, int Unknown, int Broken)
{
    /// <param name="files">Answers first: what is in both counts as answered.</param>
    /// <param name="known">Whether a name is a question's of this batch.</param>
    public static BatchOutput Read(IEnumerable<byte[]> files, Func<string, bool> known)
    {
        Dictionary<string, (Reply?, RemoteFault?)> lines = new(StringComparer.Ordinal);
        int again = 0, unknown = 0, broken = 0;
        foreach (byte[] file in files)
        {
            foreach (Range range in file.AsSpan().Split((byte)'\n'))
            {
                ReadOnlySpan<byte> line = file.AsSpan(range).Trim(" \r\t"u8);
                if (line.IsEmpty)
                {
                    continue;
                }

                if (JsonRows.Parse(line) is not { ValueKind: JsonValueKind.Object } json || Text(json, "custom_id") is not { } name)
                {
                    broken++;
                }
                else if (!known(name))
                {
                    unknown++;
                }
                else if (lines.TryGetValue(name, out (Reply? Reply, RemoteFault?) before) && before.Reply is not null)
                {
                    again++;
                }
                else
                {
                    again += lines.ContainsKey(name) ? 1 : 0;
                    lines[name] = One(json);
                }
            }
        }

        return new(lines, again, unknown, broken);
    }

    static (Reply? Reply, RemoteFault? Fault) One(JsonElement line)
    {
        JsonElement response = line.TryGetProperty("response", out JsonElement r) && r.ValueKind == JsonValueKind.Object ? r : default;
        JsonElement body = response.ValueKind == JsonValueKind.Object && response.TryGetProperty("body", out JsonElement b) && b.ValueKind == JsonValueKind.Object ? b : default;
        int status = response.ValueKind == JsonValueKind.Object && response.TryGetProperty("status_code", out JsonElement code) && code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out int number) ? number : 0;
        if (status == 200 && body.ValueKind == JsonValueKind.Object && Asking.Reply.Parse(JsonSerializer.SerializeToUtf8Bytes(body), LimitFacts.None) is { } reply)
        {
            return (reply, null);
        }

        JsonElement error = (line.TryGetProperty("error", out JsonElement e) && e.ValueKind == JsonValueKind.Object) || (body.ValueKind == JsonValueKind.Object && body.TryGetProperty("error", out e) && e.ValueKind == JsonValueKind.Object) ? e : default;
        string? kind = error.ValueKind == JsonValueKind.Object ? Text(error, "code") : null, said = error.ValueKind == JsonValueKind.Object ? Text(error, "message") : null;
        FaultKind what = kind switch
        {
            "batch_expired" or "batch_cancelled" => FaultKind.Expired,
            "request_timeout" => FaultKind.Slow,
            _ => status is 0 or 200 ? FaultKind.Broken : RemoteFault.KindOf(status),
        };
        return (null, new(what, status, JsonFields.Short($"{kind ?? $"{status}"} {said}"), LimitFacts.None));
    }

    static string? Text(JsonElement from, string name) => from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
