using System.Text;
using System.Text.Json;
using Retort.Model.Inference;
using Retort.Model.Tokenizers;

namespace Retort.Guard.OpenAi;

/// <summary>Which interface a reply is written for.</summary>
enum ReplyKind
{
    Chat,
    Completion,
}

/// <summary>One token as reported: its text, its bytes, and the likeliest ones in its place.</summary>
sealed record ReportedToken(TokenProbability Drawn, IReadOnlyList<TokenProbability> Top);

/// <summary>Writes answers as OpenAI's interface has them, whole or in parts.</summary>
/// <param name="Created">Seconds since 1970.</param>
sealed record Reply(ReplyKind Kind, string Id, string Model, long Created, Tokenizer Tokenizer)
{
    /// <summary>A whole reply.</summary>
    public void Write(Stream to, IReadOnlyList<WholeAnswer> answers, Usage usage)
    {
        using Utf8JsonWriter json = new(to);
        Begin(json, Kind == ReplyKind.Chat ? "chat.completion" : "text_completion");
        json.WriteStartArray("choices");
        for (int i = 0; i < answers.Count; i++)
        {
            WholeAnswer answer = answers[i];
            json.WriteStartObject();
            json.WriteNumber("index", i);
            if (Kind == ReplyKind.Chat)
            {
                json.WriteStartObject("message");
                json.WriteString("role", "assistant");
                json.WriteString("content", answer.Text);
                json.WriteNull("refusal");
                json.WriteEndObject();
            }
            else
            {
                json.WriteString("text", answer.Text);
            }

            Probabilities(json, answer.Tokens);
            json.WriteString("finish_reason", answer.Finish);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Write(json, usage);
        json.WriteEndObject();
    }

    /// <summary>A part of a stream.</summary>
    /// <param name="first">Whether it is an answer's first, which names the role.</param>
    public byte[] Part(int index, string text, IReadOnlyList<ReportedToken>? tokens, string? finish, bool first)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            Begin(json, Kind == ReplyKind.Chat ? "chat.completion.chunk" : "text_completion");
            json.WriteStartArray("choices");
            json.WriteStartObject();
            json.WriteNumber("index", index);
            if (Kind == ReplyKind.Chat)
            {
                json.WriteStartObject("delta");
                if (first)
                {
                    json.WriteString("role", "assistant");
                }

                if (first || text.Length > 0)
                {
                    json.WriteString("content", text);
                }

                json.WriteEndObject();
            }
            else
            {
                json.WriteString("text", text);
            }

            Probabilities(json, tokens);
            json.WriteString("finish_reason", finish);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>The last part of a stream that was to say what it used.</summary>
    public byte[] UsagePart(Usage usage)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            Begin(json, Kind == ReplyKind.Chat ? "chat.completion.chunk" : "text_completion");
            json.WriteStartArray("choices");
            json.WriteEndArray();
            Write(json, usage);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    void Begin(Utf8JsonWriter json, string kind)
    {
        json.WriteStartObject();
        json.WriteString("id", Id);
        json.WriteString("object", kind);
        json.WriteNumber("created", Created);
        json.WriteString("model", Model);
    }

    static void Write(Utf8JsonWriter json, Usage usage)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", usage.Prompt);
        json.WriteNumber("completion_tokens", usage.Completion);
        json.WriteNumber("total_tokens", usage.Prompt + usage.Completion);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", usage.Cached);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    void Probabilities(Utf8JsonWriter json, IReadOnlyList<ReportedToken>? tokens)
    {
        if (tokens is null)
        {
            json.WriteNull("logprobs");
            return;
        }

        json.WriteStartObject("logprobs");
        if (Kind == ReplyKind.Chat)
        {
            json.WriteStartArray("content");
            foreach (ReportedToken token in tokens)
            {
                json.WriteStartObject();
                Token(json, token.Drawn);
                json.WriteStartArray("top_logprobs");
                foreach (TokenProbability top in token.Top)
                {
                    json.WriteStartObject();
                    Token(json, top);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteNull("refusal");
        }
        else
        {
            Columns(json, tokens);
        }

        json.WriteEndObject();
    }

    /// <summary>The older interface has a column for each fact.</summary>
    void Columns(Utf8JsonWriter json, IReadOnlyList<ReportedToken> tokens)
    {
        json.WriteStartArray("tokens");
        foreach (ReportedToken token in tokens)
        {
            json.WriteStringValue(Text(token.Drawn.Token));
        }

        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (ReportedToken token in tokens)
        {
            json.WriteNumberValue(token.Drawn.LogProbability);
        }

        json.WriteEndArray();
        json.WriteStartArray("top_logprobs");
        foreach (ReportedToken token in tokens)
        {
            json.WriteStartObject();
            foreach (TokenProbability top in token.Top.DistinctBy(t => Text(t.Token), StringComparer.Ordinal))
            {
                json.WriteNumber(Text(top.Token), top.LogProbability);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    void Token(Utf8JsonWriter json, TokenProbability token)
    {
        json.WriteString("token", Text(token.Token));
        json.WriteNumber("logprob", token.LogProbability);
        json.WriteStartArray("bytes");
        foreach (byte b in Tokenizer.TokenBytes(token.Token))
        {
            json.WriteNumberValue(b);
        }

        json.WriteEndArray();
    }

    string Text(int token) => Encoding.UTF8.GetString(Tokenizer.TokenBytes(token));
}

/// <summary>One finished answer.</summary>
sealed record WholeAnswer(string Text, IReadOnlyList<ReportedToken>? Tokens, string Finish);

/// <summary>Tokens that were read and written.</summary>
/// <param name="Cached">Of the prompt's, those that were computed before.</param>
sealed record Usage(int Prompt, int Completion, int Cached);
