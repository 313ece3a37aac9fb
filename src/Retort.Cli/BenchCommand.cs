using System.CommandLine;
using Retort.Distill.Bench;
using Retort.Guard.Bench;
using Retort.Model.Llama;

namespace Retort.Cli;

static class BenchCommand
{
    public static Verb Create(Session session) => new("bench", "Measure this machine. Run nothing else beside it.", "retort bench kernels", "retort bench train --student 64,5,8,4,172,512 --context 256 --batch 16")
    {
        Kernels(session),
        Train(session),
        Generate(session),
        Model(session),
        Serve(session),
        Tokenize(session),
        BenchCollect.Create(session),
        BenchCollect.Server(session),
        BenchLedger.Create(session),
        BenchGuard.Create(session),
        BenchGuard.Drain(session),
        BenchWatermark.Create(session),
        BenchTwins.Create(session),
    };

    static Verb Kernels(Session session)
    {
        Option<int> threads = Inputs.Threads();
        Verb verb = new("kernels", "Measure the fused-multiply-add peak and the matrix products of a linear layer against it.", "retort bench kernels", "retort bench kernels --threads 1 --json") { threads };
        verb.SetAction(parsed =>
        {
            KernelBenchResult r = ProgressDisplay.Run(session, advance => KernelBench.Run(Inputs.Count(parsed.GetValue(threads)), p => advance(p.Step, p.Share, p.Detail), session.Stop));
            session.Answer(r, KernelTable(r));
            return ExitCode.Done;
        });
        return verb;
    }

    static IEnumerable<string> KernelTable(KernelBenchResult r)
    {
        yield return $"{r.VectorPath}; multiply-add peak {r.Peak1:f0} GFLOP/s on 1 thread, {r.Peak:f0} on {r.Threads}";
        yield return "";
        yield return "   outputs    inputs    tokens         forward     input grad.    weight grad.   with panels";
        foreach (ProductRate p in r.Products)
        {
            string Rate(double gflops) => $"{gflops,8:f0} {gflops / p.Peak * 100,4:f0} %";
            yield return $"{p.Outputs,10}{p.Inputs,10}{p.Tokens,10}  {Rate(p.Forward)}  {Rate(p.BackwardInput)}  {Rate(p.BackwardWeight)}  {Rate(p.BackwardWeightWithPanels)}";
        }

        yield return "";
        yield return "GFLOP/s and share of the peak measured around each run, medians.";
    }

    static Verb Train(Session session)
    {
        Option<string?> student = Inputs.Text("--student", ShapeText.Form + ",VOCAB", "Shape of the student"), teacher = Inputs.Text("--teacher", ShapeText.Form, "Shape of a live teacher; the loss is then forward KL instead of cross entropy");
        Option<string?> from = Inputs.Text("--from", "DIR", "Do the work in this folder: student/, teacher/ where there is one, tokens.i32");
        Option<int> context = Inputs.Whole("--context", "Tokens a row", 256, 1, 1 << 20), batch = Inputs.Whole("--batch", "Rows a step", 8, 1, 1 << 16), steps = Inputs.Whole("--steps", "Steps measured, after two that are not", 8, 1, 100_000), threads = Inputs.Threads();
        Option<int?> lora = Inputs.OptionalWhole("--lora", "Train an adapter of this rank on every linear layer, the weights frozen", 1, LoraOptions.MostRank);
        Option<string?> narrow = Inputs.Text("--base", "bf16|q8_0", "How frozen weights are held under an adapter [default: bf16]");
        Option<bool> checkpointing = Inputs.Flag("--checkpointing", "Keep each layer's input and compute the rest again in the backward pass");
        Verb verb = new(
            "train", "Measure training steps on random tokens, or on weights and tokens that another trainer wrote down.",
            "retort bench train --student 64,5,8,4,172,512 --context 256 --batch 16 --steps 10",
            "retort bench train --student 48,3,6,3,128,512 --teacher 64,5,8,4,172 --context 256 --batch 16",
            "retort bench train --student 576,30,9,3,1536,49152 --context 256 --batch 2 --lora 16",
            "retort bench train --from dump --context 256 --batch 16 --json")
        {
            student, teacher, context, batch, steps, threads, from, lora, narrow, checkpointing,
        };
        verb.SetAction(parsed =>
        {
            int t = parsed.GetValue(context), b = parsed.GetValue(batch), n = Inputs.Count(parsed.GetValue(threads));
            string? shape = parsed.GetValue(student), folder = parsed.GetValue(from);
            if (shape is null == folder is null)
            {
                throw new UserError("one of --student and --from is needed", "bench train", "Give --student SHAPE for random weights, or --from DIR for weights written down.");
            }

            TrainBenchOptions options = new(
                parsed.GetValue(lora) is { } rank ? new LoraOptions(rank, 2 * rank, LoraOptions.AllTargets) : null, parsed.GetValue(narrow) ?? "bf16", parsed.GetValue(checkpointing));
            if (parsed.GetValue(narrow) is not null && options.Lora is null)
            {
                throw new UserError("only weights under an adapter are held narrow", "--base", "Give --lora RANK too.");
            }

            if (folder is not null && (options.Lora is not null || options.Checkpointing))
            {
                throw new UserError("--lora and --checkpointing need --student", "bench train", "Give --student SHAPE.");
            }

            TrainBenchResult r;
            if (folder is not null)
            {
                r = TrainBench.RunDump(folder, t, b, n);
            }
            else
            {
                LlamaConfig config = ShapeText.Parse(shape!, "--student", t, null);
                r = TrainBench.Run(config, parsed.GetValue(teacher) is { } other ? ShapeText.Parse(other, "--teacher", t, config.Vocabulary) : null, t, b, parsed.GetValue(steps), n, options);
            }

            session.Answer(
                r,
                [
                    $"{r.TokensPerS:n0} tokens/s  {r.GflopPerS:n0} GFLOP/s  {r.PeakMib:n0} MiB at most  {r.Parameters:n0} parameters  {n} threads",
                    $"losses {string.Join(" ", r.Losses.Select(l => l.ToString("f6")))}",
                ]);
            return ExitCode.Done;
        });
        return verb;
    }

    static Verb Generate(Session session)
    {
        Argument<string> model = Inputs.Argument("MODEL", "A Hugging Face folder, a .gguf file or a llama2.c .bin file");
        Option<int> prompt = Inputs.Whole("--prompt-tokens", "Length of a prompt", 64, 1, 1 << 20), tokens = Inputs.Whole("--tokens", "Tokens written after it", 64, 2, 1 << 20);
        Option<int> streams = Inputs.Whole("--streams", "Texts written side by side", 1, 1, 256), threads = Inputs.Threads();
        Option<string?> format = AnswerFormats.Option();
        Verb verb = new("generate", "Measure reading a prompt and writing a text, token after token.", "retort bench generate models/tales-teacher --prompt-tokens 128 --tokens 128 --format q8_0") { model, format, prompt, tokens, streams, threads };
        verb.SetAction(parsed =>
        {
            int n = Inputs.Count(parsed.GetValue(threads));
            GenerateBenchResult r = GenerateBench.Run(parsed.GetRequiredValue(model), AnswerFormats.Of(parsed.GetValue(format)), parsed.GetValue(prompt), parsed.GetValue(tokens), n, parsed.GetValue(streams));
            session.Answer(r, [$"{r.PromptTokensPerS:n0} prompt tokens/s  {r.DecodeTokensPerS:n0} decoded tokens/s  {n} threads"]);
            return ExitCode.Done;
        });
        return verb;
    }

    static Verb Model(Session session)
    {
        Argument<string> shape = Inputs.Argument("SHAPE", $"The model's shape: {ShapeText.Form},VOCAB"), folder = Inputs.Argument("FOLDER", "Where to write it, as a Hugging Face folder");
        Option<int> context = Inputs.Whole("--context", "Its longest text in tokens", 8192, 32, 1 << 20);
        Verb verb = new("model", "Write a model of random weights to measure: its speed is that of any model of its shape.", "retort bench model 576,30,9,3,1536,49152 random-135m") { shape, folder, context };
        verb.SetAction(parsed =>
        {
            LlamaConfig config = ShapeText.Parse(parsed.GetRequiredValue(shape), "SHAPE", parsed.GetValue(context), null);
            string to = parsed.GetRequiredValue(folder);
            RandomModel.Write(to, config, session.Stop);
            session.Answer(new { Folder = to, config.Parameters }, [$"{to}: {config.Parameters:n0} random parameters as bf16"]);
            return ExitCode.Done;
        });
        return verb;
    }

    static Verb Serve(Session session)
    {
        Argument<string> model = Inputs.Argument("MODEL", "A Hugging Face folder, a .gguf file or a llama2.c .bin file");
        Option<string> trace = Inputs.Required("--trace", "FILE", "Requests to replay: a CSV file of TIMESTAMP,ContextTokens,GeneratedTokens");
        Option<int> requests = Inputs.Whole("--requests", "How many of them", 200, 1, 1_000_000), answers = Inputs.Whole("--answers", "Answers computed side by side", 16, 1, 1024), threads = Inputs.Threads();
        Option<double> stretch = Inputs.Number("--stretch", "Times between requests are longer by this factor", 1, 1e-3, 1e6), shrink = Inputs.Number("--shrink", "Prompts and answers are shorter by this factor", 1, 1e-3, 1e6);
        Option<string?> format = AnswerFormats.Option();
        Verb verb = new("serve", "Replay a trace of requests against a server on this machine: time to first token and tokens a second.", "retort bench serve model.gguf --trace requests.csv --stretch 8 --shrink 2") { model, trace, requests, stretch, shrink, format, answers, threads };
        verb.SetAction(parsed =>
        {
            int most = parsed.GetValue(requests);
            IReadOnlyList<TracedRequest> replay = TrafficTrace.Read(parsed.GetRequiredValue(trace), most, parsed.GetValue(stretch), parsed.GetValue(shrink));
            ServeBenchResult r = ProgressDisplay.Run(session, advance => ServeBench.Run(
                parsed.GetRequiredValue(model), AnswerFormats.Of(parsed.GetValue(format)), replay, Inputs.Count(parsed.GetValue(threads)), parsed.GetValue(answers),
                done => advance("replay", (double)done / replay.Count, $"{done} of {replay.Count}"), session.Time, session.Stop).GetAwaiter().GetResult());
            session.Answer(
                r,
                [
                    $"{r.Requests} answers in {r.Seconds:n0} s, {r.Refused} refused: {r.PromptTokensPerS:n0} prompt tokens/s read, {r.TokensPerS:n0} tokens/s written",
                    $"first token after {r.FirstTokenP50:n0} ms (p50), {r.FirstTokenP99:n0} ms (p99); an answer is written at {r.TokensPerSP50:n1} tokens/s (p50), {r.TokensPerSP99:n1} (p99)",
                ]);
            return ExitCode.Done;
        });
        return verb;
    }

    static Verb Tokenize(Session session)
    {
        Argument<string> tokenizer = Inputs.Argument("TOKENIZER", "A folder with tokenizer.json, or a tokenizer file"), file = Inputs.Argument("FILE", "A text in UTF-8");
        Verb verb = new("tokenize", "Measure turning a text into token numbers and back, on one thread.", "retort bench tokenize models/tales-teacher README.md") { tokenizer, file };
        verb.SetAction(parsed =>
        {
            TokenizeBenchResult r = TokenizeBench.Run(parsed.GetRequiredValue(tokenizer), parsed.GetRequiredValue(file));
            session.Answer(
                r,
                [
                    $"{r.TextMbPerS:f1} MB/s as one text  {r.LinesMbPerS:f1} line by line  {r.NewMbPerS:f1} by a tokenizer just opened  {r.DecodeMbPerS:f1} back to text",
                    $"{r.Tokens:n0} tokens of {r.Bytes:n0} bytes",
                ]);
            return ExitCode.Done;
        });
        return verb;
    }
}
