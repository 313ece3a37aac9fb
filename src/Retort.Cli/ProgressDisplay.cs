using Spectre.Console;
using Spectre.Console.Rendering;

namespace Retort.Cli;

/// <summary>Tells how far the work is.</summary>
/// <param name="step">What is being done.</param>
/// <param name="share">Of the step, or of the whole work where the display was told so, 0 to 1; null where its length is not known.</param>
/// <param name="detail">Rate, loss and the like.</param>
/// <param name="left">Time the whole work still takes, where the caller knows; otherwise it is told from the share.</param>
delegate void Advance(string step, double? share, string detail, TimeSpan? left = null);

/// <summary>Progress on standard error: a bar with time left on a terminal, otherwise plain lines: each step's beginning and end, and one every few seconds.</summary>
static class ProgressDisplay
{
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    /// <param name="whole">Shares are of the whole work: one bar for all its steps.</param>
    public static T Run<T>(Session session, Func<Advance, T> work, bool whole = false)
    {
        if (session.Live)
        {
            return Bar(session, work, whole);
        }

        ProgressLines lines = new(session, whole, s_pause);
        return work(lines.Advance);
    }

    static T Bar<T>(Session session, Func<Advance, T> work, bool whole)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(session.Error) });
        DetailColumn details = new();
        ProgressColumn left = whole ? new LeftColumn(details) : new RemainingTimeColumn();
        return console.Progress().AutoClear(true).HideCompleted(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, new PercentageColumn(), left, details)
            .Start(context =>
            {
                ProgressTask? task = null;
                string now = "";
                Lock gate = new();
                return work((step, share, detail, left) =>
                {
                    lock (gate)
                    {
                        if (task is null || (step != now && !whole))
                        {
                            task?.Value(1);
                            task = context.AddTask(Markup.Escape(step), maxValue: 1);
                        }

                        now = step;
                        task.Description = Markup.Escape(step);
                        task.IsIndeterminate = share is null;
                        task.Value = Math.Clamp(share ?? 0, 0, 0.9999);
                        (details.Detail, details.Left) = (detail, left);
                    }
                });
            });
    }

    /// <summary>"3 min 05 s".</summary>
    public static string Duration(double seconds) => Math.Round(seconds) switch
    {
        < 60 and var s => $"{s:f0} s",
        < 3600 and var s => $"{(int)s / 60} min {(int)s % 60:00} s",
        var s => $"{(int)(s / 3600)} h {(int)(s / 60) % 60:00} min",
    };

    /// <summary>The detail of the step under way, cut where the line ends.</summary>
    sealed class DetailColumn : ProgressColumn
    {
        public string Detail { get; set; } = "";

        public TimeSpan? Left { get; set; }

        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(Detail) { Overflow = Overflow.Ellipsis };
    }

    /// <summary>Time left of the whole work.</summary>
    sealed class LeftColumn(DetailColumn details) : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(details.Left is { } left ? $"{Duration(left.TotalSeconds)} left" : "");
    }
}
