using Spectre.Console;
using Spectre.Console.Rendering;

namespace Retort.Cli;

/// <summary>Tells how far the work is.</summary>
/// <param name="step">What is being done.</param>
/// <param name="share">Of the step, 0 to 1; null where its length is not known.</param>
/// <param name="detail">Rate, loss and the like.</param>
delegate void Advance(string step, double? share, string detail);

/// <summary>Progress on standard error: a bar with time left on a terminal, otherwise a plain line at most every few seconds.</summary>
static class ProgressDisplay
{
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    public static T Run<T>(Session session, Func<Advance, T> work) => session.Live ? Bar(session, work) : work(Lines(session));

    static T Bar<T>(Session session, Func<Advance, T> work)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(session.Error) });
        DetailColumn details = new();
        return console.Progress().AutoClear(true).HideCompleted(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new RemainingTimeColumn(), details)
            .Start(context =>
            {
                ProgressTask? task = null;
                string now = "";
                Lock gate = new();
                return work((step, share, detail) =>
                {
                    lock (gate)
                    {
                        if (task is null || step != now)
                        {
                            task?.Value(1);
                            now = step;
                            task = context.AddTask(Markup.Escape(step), maxValue: 1);
                        }

                        task.IsIndeterminate = share is null;
                        task.Value = Math.Clamp(share ?? 0, 0, 0.9999);
                        details.Detail = detail;
                    }
                });
            });
    }

    static Advance Lines(Session session)
    {
        string now = "";
        long began = 0, said = 0;
        double first = 0;
        Lock gate = new();
        return (step, share, detail) =>
        {
            lock (gate)
            {
                long time = session.Time.GetTimestamp();
                bool fresh = step != now;
                if (fresh)
                {
                    (now, began, first) = (step, time, share ?? 0);
                }

                if (said != 0 && session.Time.GetElapsedTime(said, time) < s_pause)
                {
                    return;
                }

                said = time;
                double seconds = session.Time.GetElapsedTime(began, time).TotalSeconds, done = (share ?? 0) - first;
                string left = done > 0 && seconds >= 1 ? $"{Duration(seconds / done * (1 - share!.Value))} left" : "";
                session.Error.WriteLine(string.Join("  ", new[] { step, share is { } s ? $"{s * 100:f0} %" : "", detail, left }.Where(part => part.Length > 0)));
            }
        };
    }

    static string Duration(double seconds) => seconds switch
    {
        < 60 => $"{seconds:f0} s",
        < 3600 => $"{(int)seconds / 60} min {(int)seconds % 60:00} s",
        _ => $"{(int)(seconds / 3600)} h {(int)seconds / 60 % 60:00} min",
    };

    /// <summary>The detail of the step under way, cut where the line ends.</summary>
    sealed class DetailColumn : ProgressColumn
    {
        public string Detail { get; set; } = "";

        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(Detail) { Overflow = Overflow.Ellipsis };
    }
}
