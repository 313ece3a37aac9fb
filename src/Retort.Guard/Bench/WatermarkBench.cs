using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Retort.Evidence.Watermark;
using Retort.Model;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Marks;
using Retort.Model.Tokenizers;
using Mark = Retort.Model.Marks.Watermark;

namespace Retort.Guard.Bench;

/// <summary>How marks are measured.</summary>
/// <param name="Prompts">A file of JSON lines with "prompt".</param>
/// <param name="Answers">To every prompt.</param>
/// <param name="Tokens">Most of an answer.</param>
/// <param name="Judge">Another model that reads the answers, or null.</param>
public sealed record WatermarkBenchOptions(string Model, AnswerFormat Format, string Prompts, int Answers, int Tokens, double Temperature, double TopP, double Delta, string? Judge, int Threads, ulong Seed);

/// <summary>
/// Answers to the same prompts from the same seeds, unmarked and with either mark: what a mark costs in quality and time, and from how many tokens it is found.
/// A key is shared by the answers to one prompt, as one customer's would be, and every prompt has another.
/// </summary>
public static class WatermarkBench
{
    const int SideBySide = 16, LargeVocabulary = 151_936, WarmUp = 2, Draws = 60;

    /// <summary>Draws before the measured ones: the runtime compiles anew what has been called often enough, a while after.</summary>
    const double WarmUpSeconds = 1.5;

    const double FalsePositives = 0.01, TwoSided = 1.959963984540054;

    static readonly int[] s_lengths = [50, 100, 200, 400];

    static readonly string[] s_marks = ["tournament", "green-list"];

    /// <summary>One answer: its tokens, the nats of each under the model without a mark, its text.</summary>
    sealed record Written(int Prompt, int[] Tokens, double Nats, string Text);

    /// <summary>1 write the answers of every arm · 2 read them: quality · 3 look for the marks, in marked and unmarked answers.</summary>
    /// <exception cref="UserError">A model cannot be opened, or the prompts cannot be read.</exception>
    public static WatermarkBenchResult Run(WatermarkBenchOptions options, Action<string, double> onStep, CancellationToken stop)
    {
        InferenceModel model = InferenceModel.Open(options.Model, format: options.Format);
        InferenceModel? judge = options.Judge is { } reference ? InferenceModel.Open(reference, format: options.Format) : null;
        Tokenizer tokenizer = model.OpenTokenizer();
        IReadOnlyList<string> prompts = PromptFile.Read(options.Prompts);
        WatermarkKeys keys = new([.. Enumerable.Range(0, 4).SelectMany(i => BitConverter.GetBytes(new RandomStream(options.Seed, ulong.MaxValue - (ulong)i).Next()))]);
        Mark MarkOf(string scheme, int prompt)
        {
            byte[] key = keys.Key(string.Create(CultureInfo.InvariantCulture, $"account/{prompt}/1"));
            return scheme == "tournament" ? new Mark.Tournament(key) : new Mark.GreenList(key, Delta: options.Delta);
        }

        string[] schemes = ["none", .. s_marks];
        Dictionary<string, (List<Written> Answers, List<double> Rates)> arms = schemes.ToDictionary(s => s, _ => (new List<Written>(), new List<double>()), StringComparer.Ordinal);
        for (int prompt = -WarmUp; prompt < prompts.Count; prompt++)
        {
            // All arms at every prompt, so that whatever else the machine does is shared by them.
            foreach (string scheme in schemes)
            {
                int asked = Math.Max(0, prompt);
                (Written[] made, double seconds) = Write(model, tokenizer, prompts[asked], asked, scheme == "none" ? null : MarkOf(scheme, asked), options, stop);
                if (prompt >= 0)
                {
                    arms[scheme].Answers.AddRange(made);
                    arms[scheme].Rates.Add(made.Sum(w => w.Tokens.Length) / seconds);
                }
            }

            onStep("answers", (double)(prompt + 1 + WarmUp) / (prompts.Count + WarmUp));
        }

        // Looked for in unmarked answers with a key for each group of them, so that one key's luck is not told many times.
        int other = 0;
        List<Written> plain = arms["none"].Answers;
        return new(
            [.. schemes.Select(s => Arm(s, arms[s].Answers, plain, arms[s].Rates, judge, options.Threads, DrawTime(s == "none" ? null : MarkOf(s, 0)), stop))],
            [.. s_marks.SelectMany(s => s_lengths.Select(length => Detect(s, arms[s].Answers, length, p => MarkOf(s, p))))],
            [.. s_marks.SelectMany(s => s_lengths.Select(length => Detect(s, plain, length, _ => MarkOf(s, --other))))]);
    }

    static (Written[] Answers, double Seconds) Write(InferenceModel model, Tokenizer tokenizer, string prompt, int number, Mark? mark, WatermarkBenchOptions options, CancellationToken stop)
    {
        using InferenceEngine engine = new(model.Weights, tokenizer, new(options.Threads, model.Weights.Config.Context * SideBySide, SideBySide), options.Model);
        List<int>[] tokens = [.. Enumerable.Range(0, options.Answers).Select(_ => new List<int>())];
        double[] nats = new double[options.Answers];
        StringBuilder[] texts = [.. tokens.Select(_ => new StringBuilder())];
        SamplingOptions sampling = new() { MaxTokens = options.Tokens, Temperature = options.Temperature, TopP = options.TopP, Watermark = mark };
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < options.Answers; i++)
        {
            int at = i;
            engine.Start(new(engine.Encode(prompt), sampling, new RandomStream(options.Seed, (ulong)((number * options.Answers) + i)).Next(), Probabilities: 0, OnPart: part =>
            {
                if (part.Drawn is { } drawn)
                {
                    tokens[at].Add(drawn.Token);
                    nats[at] -= drawn.LogProbability;
                }

                texts[at].Append(part.Text);
            }));
        }

        while (engine.Step())
        {
            stop.ThrowIfCancellationRequested();
        }

        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        return ([.. tokens.Select((t, i) => new Written(number, [.. t], nats[i], texts[i].ToString()))], seconds);
    }

    static WatermarkArm Arm(string mark, List<Written> written, List<Written> plain, List<double> rates, InferenceModel? judge, int threads, double draw, CancellationToken stop)
    {
        double[] nats = NatsOf(written), unmarked = NatsOf(plain);
        (WithInterval mean, WithInterval against) = (Mean(nats), Mean([.. nats.Zip(unmarked, (a, b) => a - b)]));
        Written[][] byPrompt = [.. written.GroupBy(w => w.Prompt, (_, same) => same.ToArray())];
        return new(
            mark, written.Count, written.Average(w => w.Tokens.Length), new(Math.Exp(mean.Mean), Math.Exp(mean.Low), Math.Exp(mean.High)), against, judge is null ? null : Judged(judge, written, threads, stop),
            byPrompt.Average(same => Distinct(same, 2)), byPrompt.Average(same => Distinct(same, 4)), byPrompt.Average(same => (double)same.Select(w => w.Text).Distinct(StringComparer.Ordinal).Count() / same.Length),
            rates.Order().ElementAt(rates.Count / 2), draw);
    }

    static double Judged(InferenceModel judge, List<Written> written, int threads, CancellationToken stop)
    {
        Tokenizer words = judge.OpenTokenizer();
        (int[] Tokens, int First)[] texts = [.. written.Where(w => w.Text.Length > 0).Select(w => (words.Encode(w.Text), 1)).Where(t => t.Item1.Length > 1)];
        double nats = TextScore.CrossEntropy(judge.Weights, texts, threads, stop) * texts.Sum(t => t.Tokens.Length - 1);
        return nats / written.Sum(w => Encoding.UTF8.GetByteCount(w.Text));
    }

    static double Distinct(Written[] same, int n)
    {
        string[] grams = [.. same.SelectMany(w => Enumerable.Range(0, Math.Max(0, w.Tokens.Length - n + 1)).Select(i => string.Join(' ', w.Tokens[i..(i + n)])))];
        return grams.Length == 0 ? 1 : (double)grams.Distinct(StringComparer.Ordinal).Count() / grams.Length;
    }

    /// <summary>Answers to one prompt are put together until they have enough pairs; then the next group begins.</summary>
    static WatermarkDetection Detect(string scheme, List<Written> written, int length, Func<int, Mark> mark)
    {
        List<double> logs = [];
        foreach (IGrouping<int, Written> same in written.GroupBy(w => w.Prompt))
        {
            List<IReadOnlyList<int>> group = [];
            Mark looked = mark(same.Key);
            foreach (Written answer in same)
            {
                group.Add(answer.Tokens);
                if (group.Sum(t => t.Count) >= length && MarkTally.Of(group, looked, length) is { } tally && tally.Scored == length)
                {
                    logs.Add((scheme == "tournament" ? WatermarkTest.TournamentWeighted(tally.Set, tally.Scored) : WatermarkTest.GreenList(tally.Set[0], tally.Scored, tally.Chance)).Log10);
                    group.Clear();
                    looked = mark(same.Key);
                }
            }
        }

        logs.Sort();
        return new(scheme, length, logs.Count, logs.Count == 0 ? double.NaN : logs[logs.Count / 2], logs.Count == 0 ? double.NaN : (double)logs.Count(l => l <= Math.Log10(FalsePositives)) / logs.Count);
    }

    /// <summary>Microseconds of a draw from a large vocabulary, the median of many.</summary>
    static double DrawTime(Mark? mark)
    {
        Sampler sampler = new(new SamplingOptions(), LargeVocabulary);
        RandomStream random = new(1);
        float[] logits = [.. Enumerable.Range(0, LargeVocabulary).Select(_ => (float)(3 * random.NextNormal()))], used = new float[LargeVocabulary];
        List<double> times = [];
        List<int> written = [];
        MarkedAnswer? answer = MarkedAnswer.Begin(mark, LargeVocabulary);
        long start = Stopwatch.GetTimestamp();
        while (times.Count < Draws)
        {
            bool isWarm = Stopwatch.GetElapsedTime(start).TotalSeconds >= WarmUpSeconds;
            logits.CopyTo(used, 0);
            long begun = Stopwatch.GetTimestamp();
            written.Add(sampler.Next(used, random, [1, 2, 3, 4], CollectionsMarshal.AsSpan(written), answer));
            if (isWarm)
            {
                times.Add(Stopwatch.GetElapsedTime(begun).TotalMicroseconds);
            }
        }

        times.Sort();
        return times[times.Count / 2];
    }

    /// <summary>Nats a token of each prompt's answers together.</summary>
    static double[] NatsOf(List<Written> written) => [.. written.GroupBy(w => w.Prompt, (_, same) => same.Sum(w => w.Nats) / Math.Max(1, same.Sum(w => w.Tokens.Length)))];

    /// <summary>Student's interval of prompts: answers to one prompt share a key, so they are no independent ones.</summary>
    static WithInterval Mean(double[] values)
    {
        int freedom = Math.Max(1, values.Length - 1);
        double mean = values.Average(), error = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / freedom / values.Length), z = TwoSided;

        // The quantile's expansion in 1/ν (Cornish and Fisher), within 0.001 from ten degrees of freedom on.
        double t = z + (((z * z * z) + z) / (4.0 * freedom)) + (((5 * Math.Pow(z, 5)) + (16 * z * z * z) + (3 * z)) / (96.0 * freedom * freedom));
        return new(mean, mean - (t * error), mean + (t * error));
    }
}
