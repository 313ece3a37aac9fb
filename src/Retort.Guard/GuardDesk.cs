using Microsoft.AspNetCore.Http;
using Retort.Guard.Accounts;
using Retort.Guard.Answers;
using Retort.Guard.OpenAi;

namespace Retort.Guard;

/// <summary>Every route that gives no answers of a model: /v1/models, /v1/terms, /health, and what is refused by its name. Nothing is passed through.</summary>
sealed class GuardDesk(IModel model, OpenPolicy? policy, PassageWatch watch)
{
    readonly TermsDesk? _terms = policy is null ? null : new(policy);

    public Task Handle(HttpContext http)
    {
        string path = http.Request.Path.Value!;
        bool isGet = HttpMethods.IsGet(http.Request.Method);
        return path == "/health" && isGet ? http.Response.WriteAsJsonAsync(new { status = "ok", running = watch.Count, waiting = 0 })
            : path == "/v1/models" && isGet ? Models(http, null)
            : path.StartsWith("/v1/models/", StringComparison.Ordinal) && isGet ? Models(http, path["/v1/models/".Length..])
            : path == "/v1/terms" && _terms is not null && (isGet || HttpMethods.IsPost(http.Request.Method)) ? _terms.Handle(http)
            : GuardRoute.Of(path) is { } route && model.Has(route.Kind) ? Errors.Write(http, new(405, $"{path} takes POST.", Code: "method_not_allowed", Headers: [new("allow", "POST")]))
            : Errors.Write(http, new(404, Begins(path, "/v1/batches") || Begins(path, "/v1/files") ? $"{path} is not served here: what a file holds would not be inspected." : $"There is no {http.Request.Method} {path} here.", "not_found_error", "unknown_url"));
    }

    async Task Models(HttpContext http, string? id)
    {
        if (policy is not null && KeySentence.Of(policy.Keys.Check(http.Request.Headers.Authorization.ToString(), KeyScopes.Models)) is { } refused)
        {
            await Errors.Write(http, refused).ConfigureAwait(false);
            return;
        }

        (ReadOnlyMemory<byte> json, ApiError? failure) = await model.Models(id, http.RequestAborted).ConfigureAwait(false);
        if (failure is not null)
        {
            await Errors.Write(http, failure).ConfigureAwait(false);
            return;
        }

        http.Response.ContentType = "application/json";
        http.Response.ContentLength = json.Length;
        await http.Response.Body.WriteAsync(json, http.RequestAborted).ConfigureAwait(false);
    }

    static bool Begins(string path, string with) => path == with || path.StartsWith(with + "/", StringComparison.Ordinal);
}
