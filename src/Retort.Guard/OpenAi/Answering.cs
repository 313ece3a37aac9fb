using System.Security.Cryptography;
using System.Threading.Channels;
using Retort.Model;
using Retort.Model.Grammars;
using Retort.Model.Inference;

namespace Retort.Guard.OpenAi;

/// <summary>A part of one of several answers.</summary>
readonly record struct IndexedPart(int Index, AnswerPart Part);

/// <summary>The answers to one request, under way.</summary>
sealed class Answering
{
    readonly Channel<IndexedPart> _parts = Channel.CreateUnbounded<IndexedPart>();
    readonly List<Answer> _answers = [];
    readonly bool[] _begun;
    readonly bool _trim;

    Answering(int count, bool trim) => (_begun, _trim) = (new bool[count], trim);

    /// <summary>Begins all answers, or none.</summary>
    /// <exception cref="RequestException">Too many wait already, or the request asks for what cannot be.</exception>
    public static Answering Start(AnswerService service, TokenIndex index, IReadOnlyList<int[]> prompts, AnswerOptions options, int? probabilities, AnswerForm form)
    {
        int count = prompts.Count * options.Count;
        ulong seed = options.Seed ?? BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        Answering made = new(count, form is AnswerForm.Labels);
        try
        {
            options.Sampling.Validate("the request");
            for (int i = 0; i < count; i++)
            {
                int at = i;
                Answer? answer = service.TryStart(new(
                    prompts[i / options.Count], options.Sampling, new RandomStream(seed, (ulong)i).Next(), probabilities, form.Constraint(index, service.Ends, "response_format"), part => made._parts.Writer.TryWrite(new(at, part))));
                if (answer is null)
                {
                    throw new RequestException(service.IsClosing
                        ? new(503, "The server is shutting down.", "server_error", "shutting_down")
                        : new(429, "The server is busy: too many answers wait already. Ask again in a moment.", "rate_limit_error", "rate_limit_exceeded"));
                }

                made._answers.Add(answer);
            }
        }
        catch (UserError e)
        {
            made.Cancel();
            throw new RequestException(new(400, e.Message, Code: "invalid_value"));
        }
        catch (RequestException)
        {
            made.Cancel();
            throw;
        }

        return made;
    }

    public int Count => _answers.Count;

    /// <summary>Every part as it comes, until all answers have ended.</summary>
    /// <exception cref="RequestException">An answer ended in an error.</exception>
    public async IAsyncEnumerable<IndexedPart> Parts([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken gone)
    {
        using CancellationTokenRegistration leave = gone.Register(Cancel);
        for (int open = _answers.Count; open > 0;)
        {
            IndexedPart next = await _parts.Reader.ReadAsync(gone).ConfigureAwait(false);
            switch (next.Part.Finish)
            {
                case "error":
                    Cancel();
                    throw new RequestException(new(500, _answers[next.Index].Fault!.Message, "server_error"));
                case "cancelled":
                    throw new RequestException(new(503, "The server is shutting down.", "server_error", "shutting_down"));
                case not null:
                    open--;
                    break;
            }

            yield return _trim ? new(next.Index, Trimmed(next)) : next;
        }
    }

    public void Cancel() => _answers.ForEach(a => a.Cancel());

    public Usage Usage(int prompts) => new(
        _answers.Where((_, i) => i % (_answers.Count / prompts) == 0).Sum(a => a.Request.Prompt.Length), _answers.Sum(a => a.Written),
        _answers.Where((_, i) => i % (_answers.Count / prompts) == 0).Sum(a => a.ReusedTokens));

    /// <summary>A label is given without the space that words begin with.</summary>
    AnswerPart Trimmed(IndexedPart next)
    {
        string text = _begun[next.Index] ? next.Part.Text : next.Part.Text.TrimStart();
        _begun[next.Index] |= text.Length > 0;
        return next.Part with { Text = text };
    }
}
