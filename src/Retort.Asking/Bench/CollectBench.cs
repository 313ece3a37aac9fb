using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using Retort.Model;

namespace Retort.Asking.Bench;

/// <summary>How to put asking to the test.</summary>
/// <param name="Requests">Prompts, each another.</param>
/// <param name="Kills">How often the asking program is killed (SIGKILL) at a random moment.</param>
/// <param name="Faults">Share of requests the server spoils.</param>
/// <param name="RequestsPerMinute">The server's limit; null for none.</param>
/// <param name="Names">Whether the server names it in its headers.</param>
/// <param name="Ceiling">Dollars that are never to be passed; null for none.</param>
public sealed record CollectBenchOptions(int Requests, int Kills, double Faults, double? RequestsPerMinute, bool Names, int InFlight, TimeSpan Latency, decimal? Ceiling, ulong Seed);

/// <summary>The server's log joined to the store.</summary>
/// <param name="Prompts">Prompts there were.</param>
/// <param name="Answered">Prompts with an answer of their own.</param>
/// <param name="WrongAnswers">Answers that belong to another prompt.</param>
/// <param name="Kills">Kills that met the program at work.</param>
/// <param name="Sent">Requests the server saw.</param>
/// <param name="Charged">Of them charged.</param>
/// <param name="InFlightAtKills">Attempts that a kill cut off.</param>
/// <param name="PaidTwice">Charges beyond one a prompt.</param>
/// <param name="PaidTwiceUnexplained">Of those, beyond the attempts of that prompt which a kill or a broken answer cut off.</param>
/// <param name="Lost">Charged prompts that have neither an answer nor an attempt that was cut off.</param>
/// <param name="Spent">What the store says was spent.</param>
/// <param name="Billed">What the server's log comes to.</param>
/// <param name="Ceiling">What must not be passed.</param>
/// <param name="Seconds">Time of all runs.</param>
/// <param name="PeakMib">Most memory of any run, mebibytes.</param>
public sealed record CollectBenchResult(
    int Prompts, int Answered, int WrongAnswers, int Kills, int Sent, int Charged, int InFlightAtKills, int PaidTwice, int PaidTwiceUnexplained, int Lost, decimal Spent, decimal Billed, decimal? Ceiling, double Seconds,
    double PeakMib, IReadOnlyDictionary<string, int> ByFault)
{
    /// <summary>Nothing lost, nothing asked twice that need not be, nothing spent beyond the ceiling or unaccounted for.</summary>
    public bool Holds => WrongAnswers == 0 && PaidTwiceUnexplained == 0 && Lost == 0 && Spent >= Billed && (Ceiling is not { } most ? Answered == Prompts : Spent <= most && Billed <= most);

    public double AnsweredPerMinute => Answered / Seconds * 60;
}

/// <summary>Asks a faulty server from processes that are killed: 1 begin the server · 2 ask, be killed, go on · 3 join its log to the store.</summary>
public static class CollectBench
{
    const decimal PromptPrice = 1, CompletionPrice = 4;

    /// <param name="program">Begins this program with arguments: the server, and whoever asks.</param>
    /// <param name="folder">An empty folder.</param>
    public static CollectBenchResult Run(Func<string[], ProcessStartInfo> program, string folder, CollectBenchOptions options, Action<double, string> onProgress, TimeProvider time, CancellationToken stop)
    {
        string log = Path.Combine(folder, "server.log"), recipe = Path.Combine(folder, "recipe.yaml"), run = Path.Combine(folder, "run");
        string[] prompts = [.. Enumerable.Range(0, options.Requests).Select(i => $"What is the name of river number {i}, and which towns lie on it?")];
        File.WriteAllLines(Path.Combine(folder, "prompts.jsonl"), prompts.Select(p => JsonSerializer.Serialize(new { prompt = p })));

        // 1
        using Process server = Begin(program([.. (string[])["bench", "faulty-server", "--log", log], .. Arguments(options)]));
        try
        {
            string port = server.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the server did not begin");
            File.WriteAllText(recipe, Recipe(port, options));

            // 2
            RandomStream random = new(options.Seed, 7);
            long began = time.GetTimestamp();
            double peak = 0;
            int kills = 0, code = -1;
            for (int round = 0; code != 0 && round < options.Kills + 20; round++)
            {
                stop.ThrowIfCancellationRequested();
                using Process asking = Begin(program(["collect", recipe, "--out", run, "--json"]));
                asking.ErrorDataReceived += (_, e) => onProgress((double)Math.Min(kills, options.Kills) / Math.Max(1, options.Kills + 1), e.Data ?? "");
                asking.BeginErrorReadLine();
                asking.BeginOutputReadLine();
                if (kills < options.Kills && !asking.WaitForExit(TimeSpan.FromSeconds(0.3 + (random.NextDouble() * 1.4))))
                {
                    asking.Kill();
                    kills++;
                }

                while (!asking.WaitForExit(50))
                {
                    asking.Refresh();
                    peak = Math.Max(peak, asking.HasExited ? 0 : asking.PeakWorkingSet64 / 1048576.0);
                }

                code = asking.ExitCode;
                if (code == 1 && options.Ceiling is not null)
                {
                    break;
                }
            }

            double seconds = time.GetElapsedTime(began).TotalSeconds;

            // 3
            server.Kill();
            server.WaitForExit();
            return Join(prompts, log, Path.Combine(run, "transcripts.db"), options, kills, seconds, peak);
        }
        finally
        {
            if (!server.HasExited)
            {
                server.Kill();
            }
        }
    }

    static string[] Arguments(CollectBenchOptions o) =>
    [
        "--faults", o.Faults.ToString(CultureInfo.InvariantCulture), "--latency", o.Latency.TotalMilliseconds.ToString(CultureInfo.InvariantCulture), "--seed", o.Seed.ToString(CultureInfo.InvariantCulture),
        .. o.RequestsPerMinute is { } most ? (string[])["--limit", most.ToString(CultureInfo.InvariantCulture)] : [], .. o.Names ? (string[])["--names"] : [],
    ];

    static string Recipe(string port, CollectBenchOptions o) => string.Create(CultureInfo.InvariantCulture, $$"""
        teacher: http://127.0.0.1:{{port}}/v1#river-1
        data: {prompts: prompts.jsonl}
        ask: {max_tokens: 40, timeout: 20}
        terms: {teacher: own-model}
        money: {prompt: {{PromptPrice}}, completion: {{CompletionPrice}}{{(o.Ceiling is { } most ? $", ceiling: {most}" : "")}}}
        pace: {in_flight: {{o.InFlight}}, attempts: 20}
        """);

    static Process Begin(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError, start.UseShellExecute) = (true, true, false);
        return Process.Start(start) ?? throw new InvalidOperationException("the program cannot be begun");
    }

    static CollectBenchResult Join(string[] prompts, string log, string store, CollectBenchOptions options, int kills, double seconds, double peak)
    {
        Dictionary<string, int> charged = new(StringComparer.Ordinal), faults = new(StringComparer.Ordinal);
        int sent = 0;
        foreach (string[] fields in File.ReadLines(log).Select(l => l.Split('\t')).Where(f => f.Length == 3))
        {
            sent++;
            faults[fields[2]] = faults.GetValueOrDefault(fields[2]) + 1;
            if (fields[1] == "charged")
            {
                charged[fields[0]] = charged.GetValueOrDefault(fields[0]) + 1;
            }
        }

        using SqliteConnection db = new(new SqliteConnectionStringBuilder { DataSource = store, Pooling = false }.ToString());
        db.Open();
        Dictionary<string, (string? Text, long Cut)> kept = db.Query<(byte[] Body, string? Text, long Cut)>(
            """
            SELECT r.body, (SELECT text FROM choice c WHERE c.request = r.id AND place = 0),
              (SELECT count(*) FROM attempt t WHERE t.request = r.id AND (ended IS NULL OR outcome IN ('Broken', 'Slow'))) FROM request r WHERE r.purpose = 'Data'
            """).ToDictionary(r => JsonElement.Parse(r.Body).GetProperty("messages")[0].GetProperty("content").GetString()!, r => (r.Text, r.Cut), StringComparer.Ordinal);
        long open = db.ExecuteScalar<long>("SELECT count(*) FROM attempt WHERE ended IS NULL"), spent = db.ExecuteScalar<long>("SELECT coalesce(sum(coalesce(spent, reserved)), 0) FROM attempt");
        int answered = 0, wrong = 0, twice = 0, unexplained = 0, lost = 0;
        decimal billed = 0;
        foreach (string prompt in prompts)
        {
            (string? text, long cut) = kept.GetValueOrDefault(prompt);
            int paid = charged.GetValueOrDefault(FaultyServer.Name(prompt));
            billed += paid * ((prompt.Length / 4 * PromptPrice) + (12 * CompletionPrice)) / 1_000_000;
            answered += text == FaultyServer.AnswerTo(prompt) ? 1 : 0;
            wrong += text is not null && text != FaultyServer.AnswerTo(prompt) ? 1 : 0;
            twice += Math.Max(0, paid - 1);
            unexplained += (int)Math.Max(0, paid - cut - (text is null ? 0 : 1));
            lost += paid > 0 && text is null && cut == 0 ? 1 : 0;
        }

        return new(
            prompts.Length, answered, wrong, kills, sent, charged.Values.Sum(), (int)open, twice, unexplained, lost, new Usd(spent).Dollars, billed, options.Ceiling, seconds, peak, faults);
    }
}
