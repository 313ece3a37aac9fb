using Retort.Guard.Accounts;

namespace Retort.Guard;

/// <summary>A route that answers.</summary>
enum RouteKind
{
    Chat,
    Completions,
    Embeddings,
    Responses,
}

/// <summary>A route that answers, with what a key needs for it.</summary>
/// <param name="Name">As in the path, after /v1/.</param>
/// <param name="Operation">What telemetry calls it.</param>
sealed record GuardRoute(RouteKind Kind, string Name, KeyScopes Scope, string Operation)
{
    public static readonly GuardRoute Chat = new(RouteKind.Chat, "chat/completions", KeyScopes.Chat, "chat");
    public static readonly GuardRoute Completions = new(RouteKind.Completions, "completions", KeyScopes.Completions, "text_completion");
    public static readonly GuardRoute Embeddings = new(RouteKind.Embeddings, "embeddings", KeyScopes.Embeddings, "embeddings");
    public static readonly GuardRoute Responses = new(RouteKind.Responses, "responses", KeyScopes.Responses, "chat");

    /// <summary>The route of a path; null where nothing answers.</summary>
    public static GuardRoute? Of(string path) => path switch
    {
        "/v1/chat/completions" => Chat,
        "/v1/completions" => Completions,
        "/v1/embeddings" => Embeddings,
        "/v1/responses" => Responses,
        _ => null,
    };
}
