using System.Buffers;
using Microsoft.AspNetCore.Http;
using Retort.Guard.OpenAi;
using Retort.Model.Grammars;
using Retort.Model.Inference;

namespace Retort.Guard;

/// <summary>The routes that answer: /v1/chat/completions and /v1/completions, whole or as a stream of server-sent events.</summary>
/// <param name="student">Who answers.</param>
/// <param name="teacher">Who answers where the student is less sure than <paramref name="threshold"/>; null without a cascade.</param>
sealed class CompletionRoutes(Voice student, Voice? teacher, double threshold, ServeOptions options, TimeProvider time)
{
    const int LongestBody = 16 << 20;

    /// <summary>1 read · 2 lay out the prompt · 3 begin the answer · 4 respond.</summary>
    public Task Chat(HttpContext http) => Guarded(http, async () =>
    {
        ChatRequest request = ChatRequest.Parse(await Body(http).ConfigureAwait(false), options.MostTokens, student.Defaults);
        CheckModel(request.Options.Model);
        await Answer(http, ReplyKind.Chat, request.Options, voice => [Prompt(() => voice.Layout.Prompt(request.Messages, tools: null, request.Template), "messages")], request.Probabilities, request.Form).ConfigureAwait(false);
    });

    /// <inheritdoc cref="Chat"/>
    public Task Complete(HttpContext http) => Guarded(http, async () =>
    {
        CompletionRequest request = CompletionRequest.Parse(await Body(http).ConfigureAwait(false), student.Defaults);
        CheckModel(request.Options.Model);
        await Answer(
            http, ReplyKind.Completion, request.Options, voice => [.. request.Prompts.Select(p => p.Tokens ?? Prompt(() => voice.Service.Encode(p.Text!), "prompt"))], request.Probabilities, request.Form).ConfigureAwait(false);
    });

    /// <summary>Begins the answers and responds. With a cascade the student's are kept until they are whole, and go out only where it is sure.</summary>
    async Task Answer(HttpContext http, ReplyKind kind, AnswerOptions asked, Func<Voice, int[][]> lay, int? probabilities, AnswerForm? given)
    {
        AnswerForm form = given ?? student.Form;
        int[][] prompts = lay(student);
        Answering answers = Answering.Start(student.Service, student.Index, prompts, Fit(student, asked, prompts), probabilities ?? (teacher is null ? null : 0), form);
        IAsyncEnumerable<IndexedPart> parts = answers.Parts(http.RequestAborted);
        Voice voice = student;
        if (teacher is not null)
        {
            if (await Sure(answers, parts).ConfigureAwait(false) is { } kept)
            {
                parts = Again(kept);
            }
            else
            {
                voice = teacher;
                prompts = lay(teacher);
                answers = Answering.Start(teacher.Service, teacher.Index, prompts, Fit(teacher, asked, prompts), probabilities, form);
                parts = answers.Parts(http.RequestAborted);
            }

            http.Response.Headers["x-retort-answered-by"] = voice.Name;
        }

        await Respond(http, kind, voice, answers, parts, asked, prompts.Length, probabilities is not null).ConfigureAwait(false);
    }

    /// <summary>The student's answers once they are whole; null as soon as it is less sure of one than it must be.</summary>
    async Task<List<IndexedPart>?> Sure(Answering answers, IAsyncEnumerable<IndexedPart> parts)
    {
        List<IndexedPart> kept = [];
        AnswerConfidence[] sure = new AnswerConfidence[answers.Count];
        await foreach (IndexedPart part in parts.ConfigureAwait(false))
        {
            kept.Add(part);
            if (sure[part.Index].Add(part.Part) < threshold)
            {
                answers.Cancel();
                return null;
            }
        }

        return kept;
    }

    static async IAsyncEnumerable<IndexedPart> Again(List<IndexedPart> parts)
    {
        foreach (IndexedPart part in parts)
        {
            yield return part;
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    async Task Respond(HttpContext http, ReplyKind kind, Voice voice, Answering answers, IAsyncEnumerable<IndexedPart> parts, AnswerOptions asked, int prompts, bool probabilities)
    {
        string id = (kind == ReplyKind.Chat ? "chatcmpl-" : "cmpl-") + Guid.NewGuid().ToString("N");
        Reply reply = new(kind, id, teacher is null ? options.Name : voice.Name, time.GetUtcNow().ToUnixTimeSeconds(), voice.Service.Tokenizer);
        if (asked.Stream)
        {
            await Stream(http, reply, answers, parts, asked, prompts, probabilities).ConfigureAwait(false);
            return;
        }

        System.Text.StringBuilder[] texts = [.. Enumerable.Range(0, answers.Count).Select(_ => new System.Text.StringBuilder())];
        List<ReportedToken>[] tokens = [.. Enumerable.Range(0, answers.Count).Select(_ => new List<ReportedToken>())];
        string[] finish = new string[answers.Count];
        await foreach ((int i, AnswerPart part) in parts.ConfigureAwait(false))
        {
            texts[i].Append(part.Text);
            tokens[i].AddRange(Reported(part));
            finish[i] = part.Finish ?? finish[i];
        }

        using MemoryStream body = new();
        reply.Write(body, [.. texts.Select((t, i) => new WholeAnswer(t.ToString(), probabilities ? tokens[i] : null, finish[i]))], answers.Usage(prompts));
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.BodyWriter.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), http.RequestAborted).ConfigureAwait(false);
    }

    static async Task Stream(HttpContext http, Reply reply, Answering answers, IAsyncEnumerable<IndexedPart> parts, AnswerOptions asked, int prompts, bool probabilities)
    {
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
        bool[] begun = new bool[answers.Count];
        try
        {
            await foreach ((int i, AnswerPart part) in parts.ConfigureAwait(false))
            {
                ReportedToken[] tokens = [.. Reported(part)];
                if (part.Text.Length == 0 && part.Finish is null && (tokens.Length == 0 || !probabilities))
                {
                    continue;
                }

                await Event(http, reply.Part(i, part.Text, probabilities ? tokens : null, part.Finish, !begun[i])).ConfigureAwait(false);
                begun[i] = true;
            }
        }
        catch (RequestException e) when (http.Response.HasStarted)
        {
            await Event(http, e.Error.Body).ConfigureAwait(false);
            return;
        }

        if (asked.IncludeUsage)
        {
            await Event(http, reply.UsagePart(answers.Usage(prompts))).ConfigureAwait(false);
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

    static IEnumerable<ReportedToken> Reported(AnswerPart part) => part.Drawn is { } drawn ? [new(drawn, part.Top)] : [];

    /// <summary>Room for an answer ends where the context, or what is kept in memory, does.</summary>
    AnswerOptions Fit(Voice voice, AnswerOptions asked, IReadOnlyList<int[]> prompts)
    {
        int most = Math.Min(voice.Service.Model.Weights.Config.Context, options.CacheTokens) - prompts.Max(p => p.Length);
        return most < asked.Sampling.MaxTokens && most > 0 ? asked with { Sampling = asked.Sampling with { MaxTokens = most } } : asked;
    }

    void CheckModel(string? model)
    {
        if (model is not null && model != options.Name)
        {
            throw new RequestException(new(404, $"The model {model} does not exist here; this server answers as {options.Name}.", "not_found_error", "model_not_found", "model"));
        }
    }

    static int[] Prompt(Func<int[]> lay, string field)
    {
        try
        {
            return lay();
        }
        catch (UserError e)
        {
            throw new RequestException(new(400, e.Message, Code: "invalid_value", Parameter: field));
        }
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
