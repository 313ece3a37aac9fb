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
        if (error.Status is 429 or 503)
        {
            http.Response.Headers.RetryAfter = "1";
        }

        await http.Response.Body.WriteAsync(error.Body).ConfigureAwait(false);
    }
}
