using System.Text;
using System.Text.Json;

namespace Retort.Asking;

/// <summary>A batch as the endpoint has it.</summary>
/// <param name="Status">In OpenAI's words: validating, in_progress, finalizing, completed, expired, cancelling, cancelled, failed.</param>
/// <param name="Output">The file of answers; null while and where there is none.</param>
/// <param name="Errors">The file of requests without an answer.</param>
/// <param name="Said">Why it failed, where it did.</param>
public sealed record RemoteBatch(string Id, string Status, string? Output, string? Errors, string? Said)
{
    /// <summary>Whether nothing more will come of it.</summary>
    public bool HasEnded => Status is "completed" or "expired" or "cancelled" or "failed";
}

/// <summary>
/// OpenAI's interface of files and batches, over the pipeline of its library: that one's own batch client waits by the wall clock and keeps to itself what
/// an endpoint says of a request it does not take.
/// </summary>
public sealed class RemoteBatches(RemoteModel model)
{
    /// <summary>Pages of a hundred batches that are looked through for one of ours.</summary>
    const int MostPages = 100;

    /// <summary>The field of a batch's metadata that holds our name for it.</summary>
    public const string Token = "retort_batch";

    /// <param name="lines">JSON lines, a request each.</param>
    /// <returns>The file's name there.</returns>
    /// <exception cref="RemoteFault">It was not taken.</exception>
    public async Task<string> Upload(ReadOnlyMemory<byte> lines, string token, CancellationToken stop)
    {
        // No line of JSON holds a boundary with a line break in it.
        string boundary = $"retort-{token}";
        byte[] body =
        [
            .. Encoding.ASCII.GetBytes($"--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{token}.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n"),
            .. lines.Span, .. Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n"),
        ];
        return Text(Object(await model.Request("POST", "/files", body, $"multipart/form-data; boundary={boundary}", stop).ConfigureAwait(false)), "id") ?? throw NotWhole();
    }

    /// <exception cref="RemoteFault">It was not made, or we do not know whether it was.</exception>
    public async Task<RemoteBatch> Create(string file, string token, CancellationToken stop) => Of(Object(await model.Request(
        "POST", "/batches", JsonSerializer.SerializeToUtf8Bytes(new { input_file_id = file, endpoint = "/v1/chat/completions", completion_window = "24h", metadata = new Dictionary<string, string> { [Token] = token } }),
        "application/json", stop).ConfigureAwait(false))) ?? throw NotWhole();

    /// <exception cref="RemoteFault">It was not told.</exception>
    public async Task<RemoteBatch> Get(string id, CancellationToken stop) => Of(Object(await model.Request("GET", $"/batches/{Uri.EscapeDataString(id)}", null, null, stop).ConfigureAwait(false))) ?? throw NotWhole();

    /// <summary>The batch made of a file of ours, by our name for it or the file's; null where there is none.</summary>
    /// <exception cref="RemoteFault">It was not told.</exception>
    public async Task<RemoteBatch?> Find(string file, string token, CancellationToken stop)
    {
        string after = "";
        for (int page = 0; page < MostPages; page++)
        {
            JsonElement list = Object(await model.Request("GET", $"/batches?limit=100{after}", null, null, stop).ConfigureAwait(false));
            JsonElement[] batches = list.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Array ? [.. data.EnumerateArray().Where(b => b.ValueKind == JsonValueKind.Object)] : throw NotWhole();
            if (batches.Where(b => Text(b, "input_file_id") == file || (b.TryGetProperty("metadata", out JsonElement m) && m.ValueKind == JsonValueKind.Object && Text(m, Token) == token)).Select(Of).FirstOrDefault(b => b is not null) is { } found)
            {
                return found;
            }

            if (batches.Length == 0 || !list.TryGetProperty("has_more", out JsonElement more) || more.ValueKind != JsonValueKind.True || Text(batches[^1], "id") is not { } last)
            {
                return null;
            }

            after = $"&after={Uri.EscapeDataString(last)}";
        }

        return null;
    }

    /// <exception cref="RemoteFault">It did not come.</exception>
    public Task<byte[]> Download(string file, CancellationToken stop) => model.Request("GET", $"/files/{Uri.EscapeDataString(file)}/content", null, null, stop);

    static RemoteBatch? Of(JsonElement json) => Text(json, "id") is { } id && Text(json, "status") is { } status
        ? new(id, status, Text(json, "output_file_id"), Text(json, "error_file_id"), Said(json))
        : null;

    static string? Said(JsonElement json) =>
        json.TryGetProperty("errors", out JsonElement errors) && errors.ValueKind == JsonValueKind.Object && errors.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Array && data.GetArrayLength() > 0
            ? Text(data[0], "message")
            : null;

    static JsonElement Object(byte[] body) => JsonRows.Parse(body) is { ValueKind: JsonValueKind.Object } json ? json : throw NotWhole();

    static string? Text(JsonElement from, string name) => from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static RemoteFault NotWhole() => new(FaultKind.Broken, 200, "what came is no file, batch or list of batches", LimitFacts.None);
}
