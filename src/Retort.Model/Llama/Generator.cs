using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Inference;
using Retort.Model.Tokenizers;

namespace Retort.Model.Llama;

/// <summary>
/// Texts from a model: one, streamed as it grows, or many, 32 at a time in the lanes of a decoder, a finished one's lane taken by the next
/// prompt. Tokens that the model's configuration or the tokenizer calls an end end a text. One call at a time.
/// </summary>
public sealed class Generator
{
    const int L = MatMul.L;

    readonly LlamaWeights _weights;
    readonly LlamaConfig _c;
    readonly Tokenizer _tokenizer;
    readonly Workers _workers;
    readonly TimeProvider _time;
    readonly string _where;
    readonly HashSet<int> _ends;
    readonly int _vocabulary;

    /// <param name="where">What errors call the model.</param>
    /// <param name="time">The clock of tokens per second.</param>
    public Generator(LlamaWeights weights, Tokenizer tokenizer, Workers workers, string where = "the model", TimeProvider? time = null)
    {
        (_weights, _c, _tokenizer, _workers, _where, _time) = (weights, weights.Config, tokenizer, workers, where, time ?? TimeProvider.System);
        _ends = [.. _c.EndTokens];
        if (tokenizer.EndToken is { } end)
        {
            _ends.Add(end);
        }

        _vocabulary = Math.Min(_c.Vocabulary, tokenizer.VocabularySize);
    }

    public Generator(OpenModel model, Tokenizer tokenizer, Workers workers, TimeProvider? time = null)
        : this(model.Weights, tokenizer, workers, model.Path, time)
    {
    }

    /// <summary>The tokens of a prompt as the model is to read them: with what the tokenizer puts before a text, and for a prompt of no tokens the begin token.</summary>
    /// <exception cref="UserError">The prompt is longer than the context, or empty where there is no begin token.</exception>
    public int[] Encode(string prompt) => Check(PromptTokens.Of(prompt, _tokenizer, _c, _where));

    /// <summary>Continues one prompt.</summary>
    /// <param name="onText">Gets the text piece by piece as it becomes certain.</param>
    /// <exception cref="UserError">The prompt is longer than the context, or empty where there is no begin token; an option is out of range.</exception>
    public Generation Generate(string prompt, SamplingOptions options, Action<string>? onText = null, CancellationToken cancel = default) =>
        Generate(Encode(prompt), options, onText, cancel);

    /// <inheritdoc cref="Generate(string, SamplingOptions, Action{string}?, CancellationToken)"/>
    public Generation Generate(int[] prompt, SamplingOptions options, Action<string>? onText = null, CancellationToken cancel = default) =>
        SingleAnswer.Write(InferenceWeights.Of(_weights), _tokenizer, Check(prompt), options, Seed(options, 0), _workers.Threads, _where, _time, onText, cancel);

    /// <inheritdoc cref="GenerateMany(IReadOnlyList{int[]}, SamplingOptions, IReadOnlyList{ulong}?, Action{GenerationProgress}?, CancellationToken)"/>
    public IReadOnlyList<Generation> GenerateMany(
        IReadOnlyList<string> prompts, SamplingOptions options, IReadOnlyList<ulong>? seeds = null, Action<GenerationProgress>? onProgress = null, CancellationToken cancel = default) =>
        GenerateMany([.. prompts.Select(Encode)], options, seeds, onProgress, cancel);

    /// <summary>
    /// Continues many prompts. A prompt's text depends on its seed alone, not on the other prompts or the number of threads; it may differ from
    /// what <see cref="Generate(int[], SamplingOptions, Action{string}?, CancellationToken)"/> gives where two tokens are all but equal, for sums are in another order there.
    /// </summary>
    /// <param name="prompts">Their tokens.</param>
    /// <param name="seeds">A seed for each prompt; by default derived from the options' seed and the prompt's place in the list.</param>
    /// <param name="onProgress">Called after every finished text, from any thread, one call at a time.</param>
    /// <exception cref="UserError">A prompt is empty or longer than the context; an option is out of range; the cache would not fit in memory.</exception>
    public IReadOnlyList<Generation> GenerateMany(
        IReadOnlyList<int[]> prompts, SamplingOptions options, IReadOnlyList<ulong>? seeds = null, Action<GenerationProgress>? onProgress = null, CancellationToken cancel = default)
    {
        options.Validate("sampling options");
        if (seeds is not null && seeds.Count != prompts.Count)
        {
            throw new ArgumentException($"{seeds.Count} seeds for {prompts.Count} prompts.", nameof(seeds));
        }

        if (prompts.Count == 0)
        {
            return [];
        }

        int longest = prompts.Max(p => Check(p).Length), blocks = Math.Min(_workers.Threads, (prompts.Count + L - 1) / L);
        int capacity = Capacity(longest, options, blocks * L);
        Batch batch = new(prompts, i => new(_tokenizer, prompts[i], options, _ends, _c.Context, seeds?[i] ?? Seed(options, i)), onProgress, cancel);
        if (blocks == 1)
        {
            Run(batch, new(_weights, capacity, _workers), new(options, _vocabulary));
            return batch.Results;
        }

        using Workers alone = new(1);
        _workers.Run(blocks, (_, _) => Run(batch, new(_weights, capacity, alone), new(options, _vocabulary)));
        return batch.Results;
    }

    internal static ulong Seed(SamplingOptions options, int index) => new RandomStream(options.Seed, (ulong)index).Next();

    /// <summary>Keeps 32 lanes busy until no prompt is left.</summary>
    void Run(Batch batch, LlamaDecoder decoder, Sampler sampler)
    {
        Continuation?[] lanes = new Continuation?[L];
        int[] index = new int[L], tokens = new int[L];
        long[] start = new long[L];
        while (true)
        {
            batch.Cancel.ThrowIfCancellationRequested();
            bool any = false, logits = false;
            for (int lane = 0; lane < L; lane++)
            {
                while (lanes[lane] is null && batch.Take(out index[lane]))
                {
                    Continuation next = batch.Begin(index[lane]);
                    if (next.Finish is not null)
                    {
                        batch.Finish(index[lane], next.Result(TimeSpan.Zero));
                        continue;
                    }

                    lanes[lane] = next;
                    decoder.Start(lane);
                }

                Continuation? text = lanes[lane];
                tokens[lane] = text?.Feed() ?? -1;
                any |= text is not null;
                logits |= text is { WantsLogits: true };
            }

            if (!any)
            {
                return;
            }

            decoder.Step(tokens, logits);
            for (int lane = 0; lane < L; lane++)
            {
                if (lanes[lane] is not { WantsLogits: true } text)
                {
                    continue;
                }

                if (decoder.Length(lane) == text.Prompt.Length)
                {
                    start[lane] = _time.GetTimestamp();
                }

                text.Draw(sampler, decoder.Logits(lane)[.._vocabulary]);
                if (text.Finish is not null)
                {
                    batch.Finish(index[lane], text.Result(_time.GetElapsedTime(start[lane])));
                    lanes[lane] = null;
                }
            }
        }
    }

    int[] Check(int[] prompt)
    {
        if (prompt.Length > _c.Context)
        {
            throw new UserError($"the prompt has {prompt.Length} tokens, the model's context is {_c.Context}", _where, "Shorten the prompt or take a model with a longer context.");
        }

        if (prompt.Length == 0)
        {
            throw new UserError("the prompt is empty and the model has no begin token", _where, "Give a prompt of at least one token.");
        }

        return Array.FindIndex(prompt, id => id < 0 || id >= _vocabulary) is int at and >= 0
            ? throw new UserError($"token {prompt[at]} of the prompt is not among the model's {_vocabulary}", _where, "The tokenizer belongs to another model.")
            : prompt;
    }

    /// <summary>Tokens of the longest text, once its cache is known to fit.</summary>
    int Capacity(int prompt, SamplingOptions options, int sequences)
    {
        int tokens = (int)Math.Min(_c.Context, (long)prompt + options.MaxTokens);
        long bytes = KeyValueCache.Bytes(_c, tokens) * (sequences / L), free = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > free || bytes / (sizeof(float) * 2L * _c.Layers * Math.Max(1, sequences / L)) > int.MaxValue - 1024)
        {
            throw new UserError($"keys and values of {sequences} texts of {tokens} tokens take {bytes >> 20} MiB", _where, $"There are {free >> 20} MiB; generate fewer tokens.");
        }

        return tokens;
    }

    /// <summary>The prompts of one call: the next one for whoever has a lane free, and a place for every result.</summary>
    sealed class Batch(IReadOnlyList<int[]> prompts, Func<int, Continuation> begin, Action<GenerationProgress>? onProgress, CancellationToken cancel)
    {
        readonly Lock _progress = new();
        int _next;
        int _finished;
        long _tokens;

        public Generation[] Results { get; } = new Generation[prompts.Count];

        public CancellationToken Cancel => cancel;

        public bool Take(out int index)
        {
            index = Volatile.Read(ref _next) < prompts.Count ? Interlocked.Increment(ref _next) - 1 : prompts.Count;
            return index < prompts.Count;
        }

        public Continuation Begin(int index) => begin(index);

        public void Finish(int index, Generation result)
        {
            Results[index] = result;
            lock (_progress)
            {
                _finished++;
                _tokens += result.CompletionTokens;
                onProgress?.Invoke(new(_finished, prompts.Count, _tokens));
            }
        }
    }
}
