using Retort.Guard.OpenAi;
using Retort.Model.Grammars;
using Retort.Model.Inference;

namespace Retort.Guard;

/// <summary>A request that was read and laid out for the model that answers first.</summary>
/// <param name="Lay">Lays it out for a model.</param>
/// <param name="Prompts">So for the first.</param>
/// <param name="Probabilities">How many likely tokens beside each; null for none at all.</param>
/// <param name="Given">The form that the request asks for; null where it says nothing of it.</param>
sealed record LaidOutRequest(ReplyKind Kind, AnswerOptions Asked, Func<Voice, int[][]> Lay, int[][] Prompts, int? Probabilities, AnswerForm? Given);

/// <summary>Answers of a model in this process, or of a student with its teacher behind it.</summary>
/// <param name="student">Who answers.</param>
/// <param name="teacher">Who answers where the student is less sure than <paramref name="threshold"/>; null without a cascade.</param>
sealed class LocalAnswers(Voice student, Voice? teacher, double threshold, ServeOptions options, TimeProvider time)
{
    /// <summary>What clients call the model.</summary>
    public string Name => options.Name;

    /// <summary>Since when it is served, in seconds since 1970.</summary>
    public long Since { get; } = time.GetUtcNow().ToUnixTimeSeconds();

    /// <exception cref="RequestException">A field is missing, of the wrong kind, out of range or unknown, or it asks for another model.</exception>
    public LaidOutRequest Read(ReplyKind kind, ReadOnlyMemory<byte> body)
    {
        if (kind == ReplyKind.Chat)
        {
            ChatRequest chat = ChatRequest.Parse(body, options.MostTokens, student.Defaults);
            CheckModel(chat.Options.Model);
            return Laid(kind, chat.Options, voice => [Prompt(() => voice.Layout.Prompt(chat.Messages, tools: null, chat.Template), "messages")], chat.Probabilities, chat.Form);
        }

        CompletionRequest request = CompletionRequest.Parse(body, student.Defaults);
        CheckModel(request.Options.Model);
        return Laid(kind, request.Options, voice => [.. request.Prompts.Select(p => p.Tokens ?? Prompt(() => voice.Service.Encode(p.Text!), "prompt"))], request.Probabilities, request.Form);
    }

    /// <summary>Begins the answers. With a cascade the student's are kept until they are whole, and go out only where it is sure.</summary>
    /// <exception cref="RequestException">Too many wait already, or the request asks for what cannot be.</exception>
    public async Task<BegunAnswers> Begin(LaidOutRequest request, CancellationToken gone)
    {
        AnswerForm form = request.Given ?? student.Form;
        int[][] prompts = request.Prompts;
        Answering answers = Answering.Start(student.Service, student.Index, prompts, Fit(student, request.Asked, prompts), request.Probabilities ?? (teacher is null ? null : 0), form);
        IAsyncEnumerable<IndexedPart> parts = answers.Parts(gone);
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
                prompts = request.Lay(teacher);
                answers = Answering.Start(teacher.Service, teacher.Index, prompts, Fit(teacher, request.Asked, prompts), request.Probabilities, form);
                parts = answers.Parts(gone);
            }
        }

        string id = (request.Kind == ReplyKind.Chat ? "chatcmpl-" : "cmpl-") + Guid.NewGuid().ToString("N");
        Reply reply = new(request.Kind, id, teacher is null ? options.Name : voice.Name, time.GetUtcNow().ToUnixTimeSeconds(), voice.Service.Tokenizer);
        return new(request, reply, answers, parts, teacher is null ? null : voice.Name);
    }

    /// <summary>Takes on nothing new, and lets what is under way end within the grace.</summary>
    public async Task Close(TimeSpan grace)
    {
        await student.Service.Close(grace, time).ConfigureAwait(false);
        await (teacher?.Service.Close(grace, time) ?? Task.CompletedTask).ConfigureAwait(false);
    }

    LaidOutRequest Laid(ReplyKind kind, AnswerOptions asked, Func<Voice, int[][]> lay, int? probabilities, AnswerForm? given)
    {
        int[][] prompts = lay(student);
        return new(kind, Fit(student, asked, prompts), lay, prompts, probabilities, given);
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
            throw new RequestException(NoModel(model));
        }
    }

    public ApiError NoModel(string model) => new(404, $"The model {model} does not exist here; this server answers as {options.Name}.", "not_found_error", "model_not_found", "model");

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
}
