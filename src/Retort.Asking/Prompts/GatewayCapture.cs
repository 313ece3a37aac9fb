using System.Text.Json;

namespace Retort.Asking;

/// <summary>
/// A request that a gateway wrote down. Its body is "request.body", "request", "kwargs", "body", "request_body" or the row itself, as an object or as JSON
/// in a text: LiteLLM's logs, proxies that keep requests and responses, and input files of OpenAI's batches are of this kind.
/// </summary>
static class GatewayCapture
{
    static readonly string[] s_places = ["request", "kwargs", "body", "request_body"];

    public static PromptRow One(JsonRow row)
    {
        if (row.Fault is { } fault)
        {
            return new PromptRow.Nothing(fault.What.Split(':')[0], row.Where);
        }

        return Bodies(row.Json).Select(b => ModelInput.Body(b, row.Where)).FirstOrDefault(r => r is not null) ?? new PromptRow.Nothing(ModelInput.None, row.Where);
    }

    static IEnumerable<JsonElement> Bodies(JsonElement row)
    {
        if (row.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        foreach (string place in s_places)
        {
            if (row.TryGetProperty(place, out JsonElement value) && ModelInput.Plain(value) is { ValueKind: JsonValueKind.Object } at)
            {
                if (at.TryGetProperty("body", out JsonElement body))
                {
                    yield return ModelInput.Plain(body);
                }

                yield return at;
            }
        }

        yield return row;
    }
}
