using System.Text;

namespace Retort.Cli;

/// <summary>How anything but success is told: one line on standard error and, with --json, one object on standard output.</summary>
static class Failure
{
    public static int BadInput(Session session, UserError error) => Tell(session, error.What, error.Where, error.Hint, ExitCode.BadInput);

    public static int Interrupted(Session session, string where) => Tell(session, "stopped before it was done", where, session.WhenStopped, ExitCode.Interrupted);

    /// <summary>The stack trace is shown when RETORT_TRACE is set.</summary>
    public static int Bug(Session session, string where, Exception e)
    {
        bool trace = Environment.GetEnvironmentVariable("RETORT_TRACE") is { Length: > 0 };
        int code = Tell(
            session, $"this is a bug in Retort: {e.GetType().Name}: {e.Message.TrimEnd('.')}", where,
            trace ? "The trace follows." : "Please report it with the command you ran; RETORT_TRACE=1 shows where it happened.", ExitCode.Bug);
        if (trace)
        {
            session.Error.WriteLine(e);
        }

        return code;
    }

    static int Tell(Session session, string what, string where, string hint, int code)
    {
        (what, where, hint) = (Plain(LowerFirst(what)), Plain(where), Plain(hint));
        session.Error.WriteLine($"retort: {where}: {what}{(what.EndsWith('?') ? "" : ".")} {hint}".TrimEnd());
        if (session.Json)
        {
            session.Answer(new { error = new { what, where, hint } }, []);
        }

        return code;
    }

    /// <summary>"There is" becomes "there is"; a name such as GGUF or Qwen2 stays as it is.</summary>
    static string LowerFirst(string text)
    {
        string word = text.Split(' ')[0];
        return word.Length > 1 && word.Skip(1).All(c => char.IsLower(c) || c == '\'') ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }

    /// <summary>On one line, and without a control sequence that a file's name or content might send to a terminal.</summary>
    static string Plain(string text)
    {
        StringBuilder plain = new(text.Length);
        foreach (char c in text)
        {
            plain.Append(char.IsControl(c) ? ' ' : c);
        }

        return plain.ToString();
    }
}
