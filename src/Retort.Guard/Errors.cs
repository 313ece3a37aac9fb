using Microsoft.AspNetCore.Http;
using Retort.Guard.OpenAi;

namespace Retort.Guard;

/// <summary>Sends a refusal.</summary>
static class Errors
{
    public static async Task Write(HttpContext http, ApiError error)
    {
        http.Response.StatusCode = error.Status;
        http.Response.ContentType = "application/json";
        if (error.Headers is not null)
        {
            foreach (KeyValuePair<string, string> header in error.Headers)
            {
                http.Response.Headers[header.Key] = header.Value;
            }
        }
        else if (error.Status is 429 or 503)
        {
            http.Response.Headers.RetryAfter = "1";
        }

        byte[] body = error.Body;
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted).ConfigureAwait(false);
    }
}
