using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>Turns the logits of one token block into their gradient in place, and keeps the losses itself.</summary>
/// <param name="block">Which block of the batch.</param>
/// <param name="logits_VL">The student's logits in, gradient out.</param>
/// <param name="teacher_VL">The teacher's logits of the same tokens, or empty; may be used up.</param>
public delegate void BlockLoss(int block, Span<float> logits_VL, Span<float> teacher_VL);

/// <summary>
/// Head and loss in chunks of token blocks, so that logits exist only for a chunk: memory does not grow with vocabulary × tokens. Within
/// a chunk a worker computes the logits of a few blocks, their loss and the gradient that leaves the head; then the gradient of the
/// head's weights is summed for the chunk, dealt out by rows of the vocabulary.
/// </summary>
public sealed class LlamaHead
{
    const int L = MatMul.L;

    /// <summary>Token blocks a worker takes at once: the head's weights are read from memory once for all of them.</summary>
    const int Group = 8;

    /// <summary>Bytes of logits held at once.</summary>
    const long ChunkBytes = 128L << 20;

    /// <summary>The same where the head is frozen: no logits wait for a gradient of its weights.</summary>
    const long FrozenBytes = 32L << 20;

    readonly int _vocabulary;
    readonly int _chunk;
    readonly FloatBuffer _logits;
    readonly FloatBuffer? _panels;
    readonly FloatBuffer[] _teacher;

    /// <param name="config">The student's shape.</param>
    /// <param name="blocks">Blocks of a batch.</param>
    /// <param name="workers">The pool that will run it.</param>
    /// <param name="teacher">Whether a teacher's logits will be wanted beside.</param>
    /// <param name="frozen">The head's own weights will have no gradient.</param>
    public LlamaHead(LlamaConfig config, int blocks, Workers workers, bool teacher, bool frozen = false)
    {
        _vocabulary = config.Vocabulary;
        _chunk = frozen ? FrozenChunk(blocks, workers.Threads) : TrainedChunk(blocks, workers.Threads);
        _logits = new(checked(_chunk * _vocabulary * L));
        _panels = frozen ? null : new(MatMul.PanelLength(config.Hidden, _chunk));
        _teacher = [.. Enumerable.Range(0, teacher ? workers.Threads : 0).Select(_ => new FloatBuffer(checked(GroupOf(_chunk, workers) * _vocabulary * L)))];
    }

    long BlockBytes => (long)_vocabulary * L * sizeof(float);

    int TrainedChunk(int blocks, int threads)
    {
        long fit = ChunkBytes / BlockBytes / (Group * threads) * (Group * threads);
        return (int)Math.Min(blocks, Math.Max(fit, Math.Max(1, ChunkBytes / 2 / BlockBytes)));
    }

    /// <summary>Chunks of about one size, as many blocks for every thread.</summary>
    int FrozenChunk(int blocks, int threads)
    {
        long fit = Math.Max(threads, FrozenBytes / BlockBytes / threads * threads), chunks = Math.Max(1, (blocks + fit - 1) / fit);
        return (int)((blocks + chunks - 1) / chunks);
    }

    /// <summary>Blocks of one item. A frozen head's chunks are small, so its items are as large as leave every thread one: each item widens all of
    /// the head's weights.</summary>
    int GroupOf(int chunk, Workers workers) => Math.Clamp(chunk / ((_panels is null ? 1 : 2) * workers.Threads), 1, Group);

    /// <summary>Logits and loss of the blocks that count, and with <paramref name="gradients"/> the backward pass through the head.</summary>
    /// <param name="weights">The student.</param>
    /// <param name="a">Its activations after <see cref="LlamaForward.Run(LlamaWeights, LlamaActivations, ReadOnlyMemory{int}, Workers)"/>.</param>
    /// <param name="gradients">Where the head's gradient accumulates; null for evaluation.</param>
    /// <param name="dFinal">Output with gradients: gradient of <see cref="LlamaActivations.Final"/>.</param>
    /// <param name="teacher">The teacher and its activations, or null.</param>
    /// <param name="counts">Whether any token of a block counts. The others get no logits, and their gradient is zero: of a batch of prompts
    /// and answers that is a good part of the work.</param>
    /// <param name="loss">Called once a block that counts, from any worker.</param>
    public void Run(
        LlamaWeights weights, LlamaActivations a, LlamaWeights? gradients, FloatBuffer? dFinal, (LlamaWeights Weights, LlamaActivations Activations)? teacher, Func<int, bool> counts, BlockLoss loss, Workers workers) =>
        Run(weights.Parts, a, gradients, dFinal, teacher, counts, loss, workers);

    /// <inheritdoc cref="Run(LlamaWeights, LlamaActivations, LlamaWeights?, FloatBuffer?, ValueTuple{LlamaWeights, LlamaActivations}?, Func{int, bool}, BlockLoss, Workers)"/>
    public void Run(
        LlamaParts weights, LlamaActivations a, LlamaWeights? gradients, FloatBuffer? dFinal, (LlamaWeights Weights, LlamaActivations Activations)? teacher, Func<int, bool> counts, BlockLoss loss, Workers workers)
    {
        int hidden = weights.Config.Hidden, v = _vocabulary;
        int[] counted = [.. Enumerable.Range(0, a.Blocks).Where(counts)];
        if (dFinal is not null)
        {
            foreach (int block in Enumerable.Range(0, a.Blocks).Except(counted))
            {
                LlamaForward.Block(dFinal, block, hidden).Clear();
            }
        }

        for (int start = 0; start < counted.Length; start += _chunk)
        {
            int[] blocks = counted[start..Math.Min(counted.Length, start + _chunk)];
            Part[] parts = [.. Parts(blocks, GroupOf(blocks.Length, workers))];
            workers.Run(parts.Length, (item, worker) =>
            {
                (int first, int count, int at) = parts[item];
                Span<float> z = _logits.Slice(at * v * L, count * v * L), u = default;
                weights.Head.Forward(z, LlamaForward.From(a.Final, first, hidden), count);
                if (teacher is { } t)
                {
                    int width = t.Weights.Config.Hidden;
                    u = _teacher[worker].Slice(0, count * v * L);
                    MatMul.Forward(u, t.Weights.Head.Span, LlamaForward.From(t.Activations.Final, first, width), v, width, count);
                }

                for (int i = 0; i < count; i++)
                {
                    loss(first + i, z.Slice(i * v * L, v * L), u.IsEmpty ? u : u.Slice(i * v * L, v * L));
                }

                if (dFinal is not null)
                {
                    weights.Head.BackwardInput(LlamaForward.From(dFinal, first, hidden), z, count);
                    for (int i = 0; gradients is not null && i < count; i++)
                    {
                        MatMul.Panels(_panels!.Span, LlamaForward.Block(a.Final, first + i, hidden), hidden, blocks.Length, at + i);
                    }
                }
            });
            if (gradients is null)
            {
                continue;
            }

            int rows = WeightGradients.RowsPerItem(hidden, blocks.Length, v);
            int[] sums = WeightGradients.Sums(blocks, a.BlocksPerSequence);
            workers.Run((v + rows - 1) / rows, (item, _) =>
                MatMul.BackwardWeight(gradients.Head.Span, _logits.Span, _panels!.Span, v, hidden, blocks.Length, item * rows, Math.Min(v, (item + 1) * rows), sums));
        }
    }

    /// <summary>Blocks in a row that one worker takes.</summary>
    /// <param name="First">The first of them in the batch.</param>
    /// <param name="Slot">Its place among the blocks of the chunk.</param>
    readonly record struct Part(int First, int Count, int Slot);

    static IEnumerable<Part> Parts(int[] blocks, int most)
    {
        for (int slot = 0; slot < blocks.Length;)
        {
            int count = 1;
            while (count < most && slot + count < blocks.Length && blocks[slot + count] == blocks[slot] + count)
            {
                count++;
            }

            yield return new(blocks[slot], count, slot);
            slot += count;
        }
    }
}
