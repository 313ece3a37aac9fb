using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>
/// Training on what the student itself writes, scored by the teacher (Agarwal et al., arXiv 2306.13649): a share of the micro-batches holds
/// the student's own answers to prompts of the corpus instead of the corpus' answers. The text is drawn from the student's bare
/// distribution, no filter of a model's own generation settings applied, and takes part in divergences only: its own words are no labels.
/// </summary>
/// <param name="Share">λ, the share of micro-batches, 0 to 1.</param>
/// <param name="MaxTokens">Longest answer.</param>
/// <param name="Temperature">Of the sampling.</param>
/// <param name="Prompts">Tokens of each prompt.</param>
/// <param name="PromptsPerRow">How many documents of the corpus stand in one row, on average: as many are written for each row.</param>
public sealed record OnPolicy(double Share, int MaxTokens, double Temperature, IReadOnlyList<int[]> Prompts, double PromptsPerRow, Tokenizer Tokenizer)
{
    /// <summary>Tokens a text without a prompt lends as one.</summary>
    const int Opening = 8;

    /// <summary>The prompts of a corpus; those as long as a row are left out.</summary>
    public static OnPolicy Of(OnPolicyRecipe recipe, IReadOnlyList<Document> documents, Dataset data, Tokenizer tokenizer)
    {
        List<int[]> prompts = [];
        foreach (Document document in documents)
        {
            int[] prompt = document.Prompt.Length > 0 ? Dataset.Prompt(document, tokenizer) : [.. Dataset.Prompt(document, tokenizer), .. Dataset.Answer(document, tokenizer).Take(Opening)];
            if (prompt.Length > 0 && prompt.Length < data.Length)
            {
                prompts.Add(prompt);
            }
        }

        return prompts.Count > 0
            ? new(recipe.Share, recipe.MaxTokens, recipe.Temperature, prompts, (double)data.Documents / data.Rows, tokenizer)
            : throw new UserError($"every prompt is as long as a row of {data.Length} tokens, so the student has no room to answer", "train.on_policy", "Raise train.context.");
    }

    /// <summary>Whether a micro-batch is the student's: every 1/λ-th, spread evenly.</summary>
    public bool Takes(int batch) => Before(batch + 1) > Before(batch);

    /// <summary>How many micro-batches before this one were the student's.</summary>
    public int Before(int batch) => (int)Math.Floor(batch * Share);

    /// <summary>Lets the student answer and packs the answers into a micro-batch; the rows that hold the most are kept, and rows left over stay empty.</summary>
    /// <param name="prompts">Which prompts, by their place in <see cref="Prompts"/>.</param>
    /// <param name="seed">Of the sampling.</param>
    internal void Fill(MicroBatch batch, LlamaWeights student, IReadOnlyList<int> prompts, ulong seed, Workers workers, CancellationToken stop)
    {
        SamplingOptions options = new() { Temperature = Temperature, MaxTokens = Math.Min(MaxTokens, batch.Length), Stop = [Corpus.End], Seed = seed };
        IReadOnlyList<Generation> answers = new Generator(student, Tokenizer, workers, "the student").GenerateMany([.. prompts.Select(p => Prompts[p])], options, cancel: stop);
        RowPacking packing = new(batch.Length, maskPrompts: true);
        for (int i = 0; i < prompts.Count; i++)
        {
            // The end is part of what was written: without it the student would never be taught when to stop.
            packing.Add(Prompts[prompts[i]], [.. answers[i].Tokens, .. answers[i].EndToken is { } end ? (int[])[end] : []]);
        }

        batch.Clear();
        int at = 0;
        foreach (RowPacking.Row row in packing.Rows.OrderBy(r => r.Room).Take(batch.Rows))
        {
            row.Tokens.CopyTo(batch.Tokens, at);
            row.Targets.CopyTo(batch.Targets, at);
            row.Mask.CopyTo(batch.Mask, at);
            row.Starts.CopyTo(batch.Starts, at);
            at += batch.Length;
        }
    }
}

/// <summary>The rows of one micro-batch.</summary>
sealed class MicroBatch(int rows, int length)
{
    public int Rows => rows;

    public int Length => length;

    public int[] Tokens { get; } = new int[rows * length];

    public int[] Targets { get; } = new int[rows * length];

    /// <summary>1 where the loss counts.</summary>
    public float[] Mask { get; } = new float[rows * length];

    /// <summary>Where in its row the document of each token begins.</summary>
    public int[] Starts { get; } = new int[rows * length];

    /// <summary>Which rows of the dataset these are, for a stored signal.</summary>
    public int[] Picked { get; } = new int[rows];

    /// <summary>Written by the student.</summary>
    public bool OnPolicy { get; set; }

    /// <summary>Tokens whose loss counts.</summary>
    public double Counted
    {
        get
        {
            double total = 0;
            foreach (float m in Mask)
            {
                total += m;
            }

            return total;
        }
    }

    public void Clear()
    {
        Array.Clear(Tokens);
        Array.Clear(Targets);
        Array.Clear(Mask);
        Array.Clear(Starts);
    }
}
