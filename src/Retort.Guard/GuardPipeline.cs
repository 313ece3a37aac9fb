using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Retort.Evidence.Ledger;
using Retort.Guard.Accounts;
using Retort.Guard.Answers;
using Retort.Guard.Detector;
using Retort.Guard.Hardening;
using Retort.Guard.Limits;
using Retort.Guard.OpenAi;
using Retort.Guard.Records;
using Retort.Guard.Telemetry;

namespace Retort.Guard;

/// <summary>The guarded path, in front of a model in this process or a service elsewhere. Refusals, limits and failures are values that travel it.</summary>
/// <param name="policy">Null where there are no accounts: everybody may ask, and requests are hardened all the same.</param>
sealed class GuardPipeline(IModel model, OpenPolicy? policy, HardeningPolicy hardening, PassageWatch watch, GuardTelemetry telemetry, TimeProvider time)
{
    readonly RequestFieldNames[] _fields = [.. Enum.GetValues<RouteKind>().Select(r => RequestFieldNames.Of(r, hardening.Allow, model.IsLocal))];

    readonly ClientOrigin _origin = new(policy?.Store.Pepper.Origins.ToArray(), policy?.Policy.TrustedHops ?? []);

    /// <summary>
    /// 1 read · 2 account and accepted terms · 3 limits (reserve) · 4 detector verdict · 5 harden the request, ask upstream or the model here · 6 nothing is done to
    /// an answer's words · 7 respond, settle, record.
    /// </summary>
    public async Task Handle(HttpContext http, GuardRoute route)
    {
        using Passage passage = new(http, route, time.GetTimestamp());
        http.Response.Headers["x-request-id"] = passage.Id;
        ApiError? refused = null;
        try
        {
            // 1 read, 2 account: a body is held only for a key that passes.
            refused = Account(passage, route.Scope) ?? await passage.Read(hardening.MostBytes).ConfigureAwait(false) ?? Scan(passage);

            // 3 limits
            refused ??= Reserve(passage);

            // 4 detector
            refused ??= Detector(passage);

            // 5 harden, ask
            refused ??= RequestRules.Check(passage.Facts, hardening) ?? await Ask(passage).ConfigureAwait(false);

            // 7 respond
            refused = refused is null ? await AnswerRelay.Run(passage, Rules(passage), time).ConfigureAwait(false) : await Refuse(passage, refused).ConfigureAwait(false);
        }
        finally
        {
            // 7 settle, record: once, however it ended.
            await End(passage, refused).ConfigureAwait(false);
        }
    }

    ApiError? Account(Passage passage, KeyScopes needed)
    {
        if (policy is null)
        {
            return null;
        }

        if (policy.Decisions.Fault is not null)
        {
            return new(503, "Decisions cannot be written down now; nothing was begun.", "server_error", "records_unavailable");
        }

        KeyVerdict verdict = policy.Keys.Check(passage.Http.Request.Headers.Authorization.ToString(), needed);
        passage.Key = verdict as KeyVerdict.Passes;
        if (passage.Key?.Grace is { } demand)
        {
            passage.Http.Response.Headers[TermsDemand.Header] = demand.HeaderValue;
        }

        return KeySentence.Of(verdict);
    }

    ApiError? Scan(Passage passage)
    {
        if (RequestScan.Read(passage.Body.Span, passage.Route.Kind, _fields[(int)passage.Route.Kind], hardening, out ApiError? refused) is not { } facts)
        {
            return refused;
        }

        passage.Facts = facts;
        if (facts.HasLogprobs && Account(passage, passage.Route.Scope | KeyScopes.Logprobs) is { } narrow)
        {
            return narrow;
        }

        passage.Answer = model.Prepare(passage.Route.Kind, passage.Body, facts, policy is null ? null : hardening.DefaultTokens, out refused);
        return refused;
    }

    ApiError? Reserve(Passage passage)
    {
        if (policy is null || passage.Key is not { } key || passage.Answer is not { } answer)
        {
            return null;
        }

        passage.ScopeCount = policy.Policy.Scopes(key.Account, passage.Scopes);
        if (policy.Responses.Of(key.Account.Id) is { InForce: >= ResponseStep.Slow, Group: { } group } && passage.ScopeCount == 1)
        {
            passage.Scopes[passage.ScopeCount++] = new(LimitScope.Group(group), policy.Policy.Linked);
        }

        ReadOnlySpan<BoundScope> scopes = passage.Scopes.AsSpan(0, passage.ScopeCount);
        Amounts most = Amounts.Of(answer.PromptTokens + answer.MostTokens, policy.Policy.Prices.Of(passage.Facts.Model, answer.PromptTokens, answer.MostTokens), passage.Facts.HasLogprobs ? answer.MostTokens : 0);
        if (policy.Limits.Reserve(scopes, most, out Reservation reservation) is { } refusal)
        {
            return new(refusal.Status, refusal.Message, refusal.Status == 503 ? "server_error" : refusal.Status == 403 ? "permission_error" : "rate_limit_error", refusal.Code, Headers: LimitStanding.Headers(refusal));
        }

        passage.Reservation = reservation;
        foreach (KeyValuePair<string, string> header in policy.Limits.Standing(scopes[0]).Headers())
        {
            passage.Http.Response.Headers[header.Key] = header.Value;
        }

        return null;
    }

    /// <summary>What is done about the account, with the case and where its owner may appeal.</summary>
    ApiError? Detector(Passage passage)
    {
        if (policy is null || passage.Key is not { } key)
        {
            return null;
        }

        policy.Feed.Offer(key.Account.Id, passage.Route.Name, time.GetUtcNow().ToUnixTimeMilliseconds(), _origin.Of(passage.Http), passage.Body.Span);
        passage.Response = policy.Responses.Of(key.Account.Id);
        return passage.Response is { } response ? ResponseSentence.Of(response, passage.Facts, policy.Policy.AppealAt) : null;
    }

    async ValueTask<ApiError?> Ask(Passage passage)
    {
        watch.Add(passage);
        passage.WasAsked = true;
        using CancellationTokenRegistration leave = passage.Http.RequestAborted.UnsafeRegister(static p => ((Passage)p!).Leave(), passage);
        ApiError? refused = await passage.Answer!.Ask().ConfigureAwait(false);
        passage.WasAsked = refused is null || passage.IsGone;
        if (refused is null && policy is not null)
        {
            passage.Kept = policy.Decisions.KeepsContents ? new() : null;
            passage.Handed = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            passage.Handed.AppendData(policy.Decisions.Secret.Salt(Decision.Row(passage.Id, "response")));
        }

        if (passage.Answer.AnsweredBy is { } name)
        {
            passage.Http.Response.Headers["x-retort-answered-by"] = name;
        }

        return refused;
    }

    AnswerRules Rules(Passage passage) => new(
        passage.Route.Kind == RouteKind.Responses, passage.Facts.IsStream, passage.Facts.HasLogprobs, hardening.Decimals(passage.Key?.Account.Tier),
        hardening.KeepsReasoning && passage.Response is not { InForce: >= ResponseStep.Withhold });

    async ValueTask<ApiError> Refuse(Passage passage, ApiError refused)
    {
        await passage.Close(time.GetTimestamp()).ConfigureAwait(false);
        await Errors.Write(passage.Http, refused).ConfigureAwait(false);
        return refused;
    }

    async ValueTask End(Passage passage, ApiError? refused)
    {
        watch.Remove(passage);
        try
        {
            if (passage.Reservation is { } reservation)
            {
                passage.Reservation = null;
                policy!.Limits.Settle(reservation, Used(passage));
            }

            if (policy is not null)
            {
                KeptContents? contents = policy.Decisions.KeepsContents && passage.Key is not null ? new(passage.Id, passage.Body.ToArray(), passage.Kept?.Span.ToArray() ?? []) : null;
                await policy.Decisions.Record(Decided(passage, refused, policy.Decisions.Secret), contents).ConfigureAwait(false);
            }
        }
        finally
        {
            telemetry.Record(passage, refused);
            if (passage.Answer is { } answer)
            {
                await answer.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    Decision Decided(Passage passage, ApiError? refused, CommitmentSecret secret) => new(
        passage.Id, time.GetUtcNow(), passage.Key?.Account.Id ?? 0, passage.Route.Name, refused?.Status ?? StatusCodes.Status200OK, refused?.Code, passage.Response?.InForce.ToString() ?? nameof(ResponseStep.None),
        passage.Tokens.Prompt, passage.Tokens.Answer,
        passage.Key is null || passage.Body.IsEmpty ? null : secret.Commit(Decision.Row(passage.Id, "request"), passage.Body.Span),
        passage.Handed is { } handed ? new Commitment(new Digest(handed.GetHashAndReset())) : null);

    /// <summary>By the model's own count, and where it has said none by bytes: what was handed out has no more tokens than that.</summary>
    Amounts Used(Passage passage)
    {
        if (!passage.WasAsked)
        {
            return Amounts.Of(0);
        }

        const long Most = 1_000_000_000_000;
        long prompt = Math.Min(passage.Seen.PromptTokens ?? passage.Answer!.PromptTokens, Most), answered = Math.Min(passage.Seen.AnswerTokens ?? passage.Seen.TextBytes, Most);
        passage.Tokens = (prompt, answered);
        return Amounts.Of(prompt + answered, policy!.Policy.Prices.Of(passage.Facts.Model, prompt, answered), passage.Facts.HasLogprobs ? answered : 0);
    }
}
