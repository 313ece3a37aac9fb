using System.Buffers;
using Microsoft.AspNetCore.Http;
using Retort.Guard.OpenAi;

namespace Retort.Guard;

/// <summary>The routes that answer where nobody guards: /v1/chat/completions and /v1/completions, whole or as a stream of server-sent events.</summary>
sealed class CompletionRoutes(LocalAnswers model)
{
    const int LongestBody = 16 << 20;

    public Task Chat(HttpContext http) => Guarded(http, () => Answer(http, ReplyKind.Chat));

    public Task Complete(HttpContext http) => Guarded(http, () => Answer(http, ReplyKind.Completion));

    /// <summary>1 read · 2 lay out the prompt · 3 begin the answer · 4 respond.</summary>
    async Task Answer(HttpContext http, ReplyKind kind)
    {
        LaidOutRequest request = model.Read(kind, await Body(http).ConfigureAwait(false));
        BegunAnswers begun = await model.Begin(request, http.RequestAborted).ConfigureAwait(false);
        if (begun.AnsweredBy is { } name)
        {
            http.Response.Headers["x-retort-answered-by"] = name;
        }

        await (request.Asked.Stream ? Stream(http, begun) : Whole(http, begun)).ConfigureAwait(false);
    }

    static async Task Whole(HttpContext http, BegunAnswers begun)
    {
        using MemoryStream body = new();
        await begun.Write(body).ConfigureAwait(false);
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.BodyWriter.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), http.RequestAborted).ConfigureAwait(false);
    }

    static async Task Stream(HttpContext http, BegunAnswers begun)
    {
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
        try
        {
            await foreach (byte[] part in begun.Events().ConfigureAwait(false))
            {
                await Event(http, part).ConfigureAwait(false);
            }
        }
        catch (RequestException e) when (http.Response.HasStarted)
        {
            await Event(http, e.Error.Body).ConfigureAwait(false);
            return;
        }

        if (begun.Request.Asked.IncludeUsage)
        {
            await Event(http, begun.UsageEvent()).ConfigureAwait(false);
        }

        await Event(http, "[DONE]"u8.ToArray()).ConfigureAwait(false);
    }

    static async Task Event(HttpContext http, byte[] data)
    {
        IBufferWriter<byte> writer = http.Response.BodyWriter;
        writer.Write("data: "u8);
        writer.Write(data);
        writer.Write("\n\n"u8);
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted).ConfigureAwait(false);
    }

    static async Task<ReadOnlyMemory<byte>> Body(HttpContext http)
    {
        using MemoryStream body = new();
        byte[] part = new byte[1 << 16];
        while (await http.Request.Body.ReadAsync(part, http.RequestAborted).ConfigureAwait(false) is > 0 and int read)
        {
            if (body.Length + read > LongestBody)
            {
                throw new RequestException(new(413, $"The request has more than {LongestBody >> 20} MiB."));
            }

            body.Write(part, 0, read);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    /// <summary>Refusals become the interface's errors; a client that has left gets nothing.</summary>
    static async Task Guarded(HttpContext http, Func<Task> respond)
    {
        try
        {
            await respond().ConfigureAwait(false);
        }
        catch (RequestException e)
        {
            await Errors.Write(http, e.Error).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            http.Abort();
        }
    }
}
