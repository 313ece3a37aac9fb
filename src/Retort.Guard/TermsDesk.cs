using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Retort.Guard.Accounts;

namespace Retort.Guard;

/// <summary>GET and POST /v1/terms: with a key that works, or that only the terms keep from working, its owner reads the terms in force and accepts them.</summary>
sealed class TermsDesk(OpenPolicy policy)
{
    const int LongestBody = 4096, LongestShown = 1 << 20, LongestWho = 100;

    public async Task Handle(HttpContext http)
    {
        KeyVerdict verdict = policy.Keys.Check(http.Request.Headers.Authorization.ToString(), KeyScopes.None);
        Account? account = verdict switch { KeyVerdict.Passes p => p.Account, KeyVerdict.TermsOutstanding t => t.Account, _ => null };
        if (account is null)
        {
            await Errors.Write(http, KeySentence.Of(verdict)!).ConfigureAwait(false);
        }
        else if (policy.Policy.Terms is not { } asked || policy.Store.Terms() is not [.., { } terms])
        {
            await Errors.Write(http, new(404, "No terms are asked for here.", "not_found_error", "no_terms")).ConfigureAwait(false);
        }
        else if (HttpMethods.IsGet(http.Request.Method))
        {
            string copy = Path.Combine(policy.Store.Folder, "terms", terms.Sha256);
            string? text = new FileInfo(copy) is { Exists: true, Length: <= LongestShown } ? await File.ReadAllTextAsync(copy, http.RequestAborted).ConfigureAwait(false) : null;
            await http.Response.WriteAsJsonAsync(
                new { version = terms.Version, sha256 = terms.Sha256, published = terms.At, accept_at = asked.AcceptAt, accepted = account.Accepted?.Version, file = terms.File, text }, http.RequestAborted).ConfigureAwait(false);
        }
        else
        {
            await Accept(http, account, terms).ConfigureAwait(false);
        }
    }

    /// <summary>What is accepted is named by version and hash, so that nobody accepts another document than was read.</summary>
    async Task Accept(HttpContext http, Account account, PublishedTerms terms)
    {
        (string? version, string? sha256, string? who) = await Read(http).ConfigureAwait(false);
        if (version is null || sha256 is null || who is null)
        {
            await Errors.Write(http, new(400, $"The body must be an object of three texts, version, sha256 and who, the last of at most {LongestWho} characters.", Code: "invalid_value")).ConfigureAwait(false);
            return;
        }

        if (version != terms.Version || !sha256.Equals(terms.Sha256, StringComparison.OrdinalIgnoreCase))
        {
            await Errors.Write(http, new(409, $"Version {terms.Version} with sha256 {terms.Sha256} is in force, and another was named.", Code: "terms_differ")).ConfigureAwait(false);
            return;
        }

        Acceptance accepted;
        try
        {
            // Who accepts again what is accepted changes nothing.
            accepted = account.Accepted is { } before && before.Version == terms.Version && before.Sha256 == terms.Sha256 ? before : policy.Store.Accept(account.Name, version, who);
            AccountLedger.Record(policy.Store, policy.Home);
        }
        catch (UserError)
        {
            await Errors.Write(http, new(503, "The acceptance cannot be written down now; ask again in a moment.", "server_error", "accounts_unavailable")).ConfigureAwait(false);
            return;
        }

        await http.Response.WriteAsJsonAsync(new { version = accepted.Version, sha256 = accepted.Sha256, at = accepted.At, who = accepted.Who }, http.RequestAborted).ConfigureAwait(false);
    }

    static async Task<(string? Version, string? Sha256, string? Who)> Read(HttpContext http)
    {
        if (http.Request.ContentLength is not (> 0 and <= LongestBody))
        {
            return default;
        }

        byte[] body = new byte[(int)http.Request.ContentLength];
        await http.Request.Body.ReadExactlyAsync(body, http.RequestAborted).ConfigureAwait(false);
        try
        {
            JsonElement root = JsonElement.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return root.ValueKind == JsonValueKind.Object && root.EnumerateObject().Count() == 3 ? (Text("version"), Text("sha256"), Text("who")) : default;

            string? Text(string name) => root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= LongestWho } text && text.Trim() == text && !text.Any(char.IsControl) ? text : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return default;
        }
    }
}
