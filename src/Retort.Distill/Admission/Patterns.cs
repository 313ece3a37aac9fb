using System.Text.RegularExpressions;

namespace Retort.Distill;

/// <summary>Regular expressions from outside, over texts from outside: matched in linear time where that can be, and never for long.</summary>
static class Patterns
{
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(1);

    /// <summary>A pattern that looks around or back has no linear matching, and gets a limit of time alone.</summary>
    /// <returns>Null where it is no regular expression.</returns>
    public static Regex? Read(string pattern)
    {
        try
        {
            return new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, s_longest);
        }
        catch (NotSupportedException)
        {
            return new(pattern, RegexOptions.CultureInvariant, s_longest);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <returns>Null where it took too long to tell.</returns>
    public static bool? Match(Regex pattern, string text)
    {
        try
        {
            return pattern.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }
}
