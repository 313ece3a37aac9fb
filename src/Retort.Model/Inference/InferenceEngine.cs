using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Model.Inference;

/// <summary>How much an engine takes on.</summary>
/// <param name="Threads">Threads that compute; the one that steps is one of them.</param>
/// <param name="CacheTokens">Tokens whose keys and values are kept, of all answers together.</param>
/// <param name="Answers">Most answers that are computed side by side.</param>
/// <param name="PromptRows">Most tokens of prompts that one step reads; a quarter while any answer is being written.</param>
public sealed record EngineOptions(int Threads, int CacheTokens, int Answers = 16, int PromptRows = 256);

/// <summary>
/// Answers from one model, computed side by side: a step takes one token of every answer that is being written and some of the prompts
/// that are being read, all in one pass. An answer is the same whatever else is computed. One thread uses an engine.
/// </summary>
public sealed class InferenceEngine : IDisposable
{
    const int Page = PagedAttention.Page;

    readonly InferenceWeights _weights;
    readonly LlamaConfig _c;
    readonly Tokenizer _tokenizer;
    readonly EngineOptions _options;
    readonly string _where;
    readonly Workers _workers;
    readonly PagedCache _cache;
    readonly InferencePass _pass;
    readonly InferenceBatch _batch = new();
    readonly HashSet<int> _ends;
    readonly bool _alike;
    readonly Queue<Answer> _waiting = new();
    readonly List<Answer> _running = [];
    readonly List<Answer> _blockRows = [];
    readonly List<Answer> _singleRows = [];
    readonly float[] _kept;

    /// <param name="where">What errors call the model.</param>
    public InferenceEngine(InferenceWeights weights, Tokenizer tokenizer, EngineOptions options, string where)
    {
        (_weights, _c, _tokenizer, _options, _where) = (weights, weights.Config, tokenizer, options, where);
        _workers = new(options.Threads);
        _cache = new(_c, Pages(options.CacheTokens));
        int rows = (options.PromptRows + options.Answers + Page - 1) / Page * Page;
        _pass = new(weights, _cache, _workers, rows, options.Answers);
        _ends = [.. _c.EndTokens];
        if (tokenizer.EndToken is { } end)
        {
            _ends.Add(end);
        }

        Vocabulary = Math.Min(_c.Vocabulary, tokenizer.VocabularySize);
        _kept = new float[Vocabulary];
        _alike = !weights.AnyStored;
    }

    /// <summary>Tokens that may be drawn.</summary>
    public int Vocabulary { get; }

    /// <summary>Tokens that end an answer.</summary>
    public IReadOnlyCollection<int> Ends => _ends;

    /// <summary>Answers that wait for room.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Answers being computed.</summary>
    public int Running => _running.Count;

    /// <summary>Bytes of keys and values an engine with these options keeps.</summary>
    public static long CacheBytes(LlamaConfig config, int tokens) => Pages(tokens) * PagedCache.PageBytes(config);

    /// <summary>The tokens of a prompt as the model is to read them: with what the tokenizer puts before a text, and for a prompt of no tokens the begin token.</summary>
    /// <exception cref="UserError">It is empty where there is no begin token.</exception>
    public int[] Encode(string prompt) => PromptTokens.Of(prompt, _tokenizer, _c, _where);

    /// <summary>Takes on an answer; it begins as soon as there is room.</summary>
    /// <exception cref="UserError">As for <see cref="Prepare"/>.</exception>
    public Answer Start(AnswerRequest request)
    {
        Answer answer = Prepare(request);
        Take(answer);
        return answer;
    }

    /// <summary>An answer that can be taken on; from any thread.</summary>
    /// <exception cref="UserError">The prompt is empty, longer than the context or not of this model's tokens, or the answer could never fit in the cache.</exception>
    internal Answer Prepare(AnswerRequest request)
    {
        int[] prompt = request.Prompt;
        if (prompt.Length == 0)
        {
            throw new UserError("the prompt is empty", _where, "Give a prompt of at least one token.");
        }

        if (prompt.Length > _c.Context)
        {
            throw new UserError($"the prompt has {prompt.Length} tokens, the model's context is {_c.Context}", _where, "Shorten the prompt or take a model with a longer context.");
        }

        if (Array.FindIndex(prompt, id => id < 0 || id >= Vocabulary) is int at and >= 0)
        {
            throw new UserError($"token {prompt[at]} of the prompt is not among the model's {Vocabulary}", _where, "The tokenizer belongs to another model.");
        }

        int tokens = (int)Math.Min(_c.Context, (long)prompt.Length + request.Options.MaxTokens);
        if (Pages(tokens) > _cache.Pages)
        {
            throw new UserError($"prompt and answer may take {tokens} tokens, {_cache.Pages * Page} are kept in memory", _where, "Ask for fewer tokens, or give the server more memory for keys and values.");
        }

        return new(request, new(_tokenizer, prompt, request.Options, _ends, _c.Context, request.Seed) { Constraint = request.Constraint }, new(request.Options, Vocabulary), Pages(tokens));
    }

    /// <summary>Lines up an answer that was prepared.</summary>
    internal void Take(Answer answer)
    {
        if (answer.Text.Finish is { } finish)
        {
            Report(answer, new("", null, [], finish));
        }
        else
        {
            _waiting.Enqueue(answer);
        }
    }

    /// <summary>1 drop what was cancelled · 2 begin what has room · 3 gather rows · 4 one pass · 5 make full pages known · 6 draw a token for every answer that is due one.</summary>
    /// <returns>Whether anything is left to compute.</returns>
    public bool Step()
    {
        foreach (Answer gone in _running.Where(a => a.Cancelled))
        {
            Report(gone, new("", null, [], "cancelled"));
        }

        _running.RemoveAll(a => a.Finish is not null);
        Admit();
        if (_running.Count == 0)
        {
            return _waiting.Count > 0;
        }

        Gather();
        _pass.Run(_batch);
        int row = 0;
        foreach (Answer answer in _blockRows.Concat(_singleRows))
        {
            Draw(answer, _pass.Logits(row++)[..Vocabulary]);
        }

        _running.RemoveAll(a => a.Finish is not null);
        return _running.Count + _waiting.Count > 0;
    }

    /// <summary>Ends everything at the next step.</summary>
    internal void CancelAll()
    {
        foreach (Answer answer in _running.Concat(_waiting))
        {
            answer.Cancel();
        }
    }

    public void Dispose() => _workers.Dispose();

    static int Pages(int tokens) => (tokens + Page - 1) / Page;

    void Admit()
    {
        while (_running.Count < _options.Answers && _waiting.TryPeek(out Answer? next))
        {
            if (next.Cancelled)
            {
                Report(_waiting.Dequeue(), new("", null, [], "cancelled"));
                continue;
            }

            List<int> reused = _cache.Reuse(next.Request.Prompt);
            if (_cache.Available - _running.Sum(a => a.Promised) < next.Promised - reused.Count)
            {
                reused.ForEach(_cache.Release);
                return;
            }

            reused.ForEach(next.Hold);
            next.Published = reused.Count;
            next.Computed = next.ReusedTokens = reused.Count * Page;
            _running.Add(_waiting.Dequeue());
        }
    }

    /// <summary>One row for every answer that is being written; what is left goes to prompts, the oldest first.</summary>
    void Gather()
    {
        _batch.Clear();
        _blockRows.Clear();
        _singleRows.Clear();
        // A step is as long as the prompts it reads; whoever is being written to waits for all of it.
        bool writing = _running.Exists(a => a.Written > 0);
        int left = writing ? Math.Max(Page, _options.PromptRows / 4) : _options.PromptRows;
        foreach (Answer answer in _running)
        {
            int due = answer.Known - answer.Computed, blocks = answer.Computed < answer.Request.Prompt.Length ? due / Page * Page : 0;
            if (blocks > 0)
            {
                int now = Math.Min(blocks, left / Page * Page);
                if (now > 0)
                {
                    Add(answer, now, inBlocks: true, logits: now == due);
                    left -= now;
                    due -= now;
                }

                if (now < blocks)
                {
                    continue;
                }
            }

            if (due == 1 || (due > 0 && due <= left))
            {
                left -= due > 1 ? due : 0;
                Add(answer, due, inBlocks: false, logits: true);
            }
        }
    }

    void Add(Answer answer, int count, bool inBlocks, bool logits)
    {
        while (answer.HeldPages < Pages(answer.Computed + count))
        {
            answer.Hold(_cache.Take());
        }

        int[] tokens = new int[count];
        for (int i = 0; i < count; i++)
        {
            tokens[i] = answer.Token(answer.Computed + i);
        }

        _batch.Add(tokens, answer.Computed, answer.Pages, inBlocks, logits);
        answer.Computed += count;
        if (logits)
        {
            (inBlocks ? _blockRows : _singleRows).Add(answer);
        }
    }

    void Draw(Answer answer, Span<float> logits)
    {
        Publish(answer);
        TokenProbability[] top = [];
        double norm = 0;
        if (answer.Request.Probabilities is { } count)
        {
            logits.CopyTo(_kept);
            norm = LogProbabilities.Norm(_kept);
            top = LogProbabilities.Top(_kept, norm, count);
        }

        int before = answer.Text.Written;
        string text;
        try
        {
            text = answer.Text.Draw(answer.Sampler, logits);
        }
        catch (UserError e)
        {
            answer.Fault = e;
            Report(answer, new("", null, top, "error"));
            return;
        }

        TokenProbability? drawn = answer.Text.Written == before ? null
            : new(answer.Text.Token(before), answer.Request.Probabilities is null ? 0f : (float)(_kept[answer.Text.Token(before)] - norm));
        Report(answer, new(text, drawn, top, answer.Text.Finish));
    }

    /// <summary>Pages of whole prompt blocks hold what any sequence with these tokens would compute; of single tokens they do where all matrices are quantised.</summary>
    void Publish(Answer answer)
    {
        int full = _alike ? answer.Computed / Page : Math.Min(answer.Request.Prompt.Length, answer.Computed) / Page;
        int[] tokens = new int[Page];
        for (; answer.Published < full; answer.Published++)
        {
            for (int i = 0; i < Page; i++)
            {
                tokens[i] = answer.Token((answer.Published * Page) + i);
            }

            _cache.Publish(answer.Pages[answer.Published], answer.Published == 0 ? -1 : answer.Pages[answer.Published - 1], tokens);
        }
    }

    /// <summary>Hands a part on; with the last one the answer's pages are free.</summary>
    void Report(Answer answer, AnswerPart part)
    {
        if (part.Finish is { } finish)
        {
            answer.Finish = finish;
            for (int i = 0; i < answer.HeldPages; i++)
            {
                _cache.Release(answer.Pages[i]);
            }

            answer.Drop();
        }

        answer.Request.OnPart?.Invoke(part);
    }
}
