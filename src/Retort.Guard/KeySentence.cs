using Retort.Guard.Accounts;
using Retort.Guard.OpenAi;

namespace Retort.Guard;

/// <summary>What a client is told of a key's verdict.</summary>
static class KeySentence
{
    /// <summary>Null where the key passes.</summary>
    public static ApiError? Of(KeyVerdict verdict) => verdict switch
    {
        KeyVerdict.Refused refused => new(refused.Status, refused.Message, refused.Status switch { 503 => "server_error", 403 => "permission_error", _ => "invalid_request_error" }, refused.Code),
        KeyVerdict.TermsOutstanding terms => new(terms.Status, $"{terms.Message} GET /v1/terms shows them, and POST /v1/terms accepts them with this key.", "permission_error", terms.Code),
        _ => null,
    };
}
