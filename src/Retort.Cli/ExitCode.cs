namespace Retort.Cli;

/// <summary>What the process tells the shell.</summary>
static class ExitCode
{
    public const int Done = 0;

    /// <summary>A negative verdict: a verification failed, terms were refused, a gate is closed.</summary>
    public const int Negative = 1;

    /// <summary>Bad input, said in one sentence.</summary>
    public const int BadInput = 2;

    /// <summary>A fault of Retort itself (EX_SOFTWARE of sysexits.h).</summary>
    public const int Bug = 70;

    /// <summary>Stopped by Ctrl-C or a termination signal; what was done is saved.</summary>
    public const int Interrupted = 130;
}
