using System.CommandLine;
using Retort.Model.Files;

namespace Retort.Cli;

static class PullCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> what = Inputs.Argument("MODEL", "org/name, org/name@revision, or the http address of one file");
        Option<string?> to = Inputs.Text("--to", "DIR", "The folder [default: the model's name for a model, the current folder for a file]"), hash = Inputs.Text("--sha256", "HEX", "SHA-256 of the file, required with an address");
        Verb verb = new(
            "pull", "Fetch a model from a Hugging Face hub, or one file by its address. A broken-off download goes on where it stopped.\nThe hub is https://huggingface.co, or RETORT_HUB where that is set; HF_TOKEN opens gated models.",
            "retort pull HuggingFaceTB/SmolLM2-135M --to models/smollm2-135m",
            "retort pull https://example.org/tok512.bin --sha256 037cb335… --to models")
        {
            what, to, hash,
        };
        verb.SetAction(parsed =>
        {
            string reference = parsed.GetRequiredValue(what);
            string? folder = parsed.GetValue(to), sha256 = parsed.GetValue(hash);
            bool address = reference.Contains("://", StringComparison.Ordinal);
            if (address && sha256 is null)
            {
                throw new UserError("--sha256 HEX is missing", "pull", "A file by its address is taken only when its hash is known; sha256sum prints it.");
            }

            if (!address && sha256 is not null)
            {
                throw new UserError("it belongs to a file's address, not to a model's name", "--sha256", "Leave it out: the hub itself gives the hashes of a model's files.");
            }

            session.WhenStopped = "Run the same command again: it goes on where this one stopped.";
            ProgressDisplay.Run(session, advance =>
            {
                PullOptions options = PullOptions.FromEnvironment() with { Time = session.Time, Progress = Rate(session.Time, advance) };
                if (address)
                {
                    string path = Pull.FileAsync(reference, sha256!, folder, options, session.Stop).GetAwaiter().GetResult();
                    return () => session.Answer(new { path, bytes = new FileInfo(path).Length, sha256 = sha256!.ToLowerInvariant() }, [path]);
                }

                PulledModel model = Pull.ModelAsync(reference, folder, options, session.Stop).GetAwaiter().GetResult();
                return (Action)(() => session.Answer(model, [$"{model.Folder}: {model.Files.Count} files, {model.Bytes:n0} bytes{(model.Commit is { } c ? $", commit {c}" : "")}"]));
            })();
            return ExitCode.Done;
        });
        return verb;
    }

    static Action<PullProgress> Rate(TimeProvider time, Advance advance)
    {
        string file = "";
        long began = 0, first = 0;
        return p =>
        {
            if (p.File != file)
            {
                (file, began, first) = (p.File, time.GetTimestamp(), p.Bytes);
            }

            double seconds = time.GetElapsedTime(began).TotalSeconds;
            string rate = seconds > 0.2 ? $"  {(p.Bytes - first) / seconds / 1e6:f1} MB/s" : "";
            advance(p.File, p.Total is > 0 ? (double)p.Bytes / p.Total.Value : null, $"{p.Bytes / 1e6:n1} MB{rate}");
        };
    }
}
