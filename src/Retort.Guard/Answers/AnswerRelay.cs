using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Answers;

/// <summary>Passes an answer on to the client, part by part, without holding more of it than one part. A stream allocates nothing for a part.</summary>
static class AnswerRelay
{
    static readonly ApiError s_unreadable = new(502, "The model's answer cannot be read.", "server_error", "upstream_unreadable");

    /// <summary>Null once the answer is whole; otherwise what came between.</summary>
    public static async ValueTask<ApiError?> Run(Passage passage, AnswerRules rules, TimeProvider time)
    {
        using CancellationTokenRegistration leave = passage.Http.RequestAborted.UnsafeRegister(static p => ((Passage)p!).Leave(), passage);
        using PooledBytes part = new();
        try
        {
            return rules.IsStream ? await Stream(passage, rules, part, time).ConfigureAwait(false) : await Whole(passage, rules, part, time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return new(499, "The client has left.", Code: "client_left");
        }
    }

    static async ValueTask<ApiError?> Whole(Passage passage, AnswerRules rules, PooledBytes part, TimeProvider time)
    {
        PendingAnswer answer = passage.Answer!;
        ApiError? failure = await answer.Next().ConfigureAwait(false) != PartKind.Json ? answer.Failure
            : !AnswerFilter.Pass(answer.Json.Span, rules, passage.Seen, part) || passage.Seen.IsError ? s_unreadable
            : null;
        HttpResponse response = passage.Http.Response;
        long now = time.GetTimestamp();
        await passage.Take(now).ConfigureAwait(false);
        if (failure is not null)
        {
            await Errors.Write(passage.Http, failure).ConfigureAwait(false);
            return failure;
        }

        passage.FirstPart = now;
        response.ContentType = "application/json";
        response.ContentLength = part.Length;
        response.BodyWriter.Write(part.Span);
        passage.HandsOut(part.Span);
        await response.BodyWriter.FlushAsync(passage.Http.RequestAborted).ConfigureAwait(false);
        return null;
    }

    static async ValueTask<ApiError?> Stream(Passage passage, AnswerRules rules, PooledBytes part, TimeProvider time)
    {
        PendingAnswer answer = passage.Answer!;
        HttpResponse response = passage.Http.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        PipeWriter to = response.BodyWriter;
        while (true)
        {
            PartKind kind = await answer.Next().ConfigureAwait(false);
            long now = time.GetTimestamp();
            await passage.Take(now).ConfigureAwait(false);
            ApiError? failure = kind == PartKind.Failed ? answer.Failure : null;
            if (kind == PartKind.Json)
            {
                part.Clear();
                if (!AnswerFilter.Pass(answer.Json.Span, rules, passage.Seen, part))
                {
                    failure = s_unreadable;
                }
                else if (passage.Seen.IsError)
                {
                    failure = answer.Told();
                }
                else if (!passage.Seen.IsReasoning && !(passage.Seen.IsUsageAlone && !passage.Facts.WantsUsage))
                {
                    Write(to, answer.Name.Span, part.Span);
                    part.Write("\n"u8);
                    passage.HandsOut(part.Span);
                    passage.FirstPart = passage.FirstPart == 0 ? now : passage.FirstPart;
                }
            }
            else if (kind == PartKind.End && !rules.IsResponses)
            {
                Write(to, default, "[DONE]"u8);
            }

            if (failure is not null)
            {
                Write(to, "error"u8, failure.Body);
            }

            bool ends = failure is not null || kind == PartKind.End;
            if (ends || !answer.HasMore)
            {
                await to.FlushAsync(passage.Http.RequestAborted).ConfigureAwait(false);
            }

            if (ends)
            {
                // The pipe stays taken: no heartbeat comes behind the end.
                return failure;
            }

            passage.Give();
        }
    }

    static void Write(PipeWriter to, scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> json)
    {
        if (!name.IsEmpty)
        {
            to.Write("event: "u8);
            to.Write(name);
            to.Write("\n"u8);
        }

        to.Write("data: "u8);
        to.Write(json);
        to.Write("\n\n"u8);
    }
}
