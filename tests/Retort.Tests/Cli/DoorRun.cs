using System.Text.Json;
using Retort.Cli;

namespace Retort.Tests.Cli;

/// <summary>One run of the program inside the test's process.</summary>
sealed record DoorRun(int Code, string Output, string Error)
{
    public static DoorRun Of(params string[] arguments) => Of(CancellationToken.None, arguments);

    public static DoorRun Of(CancellationToken stop, params string[] arguments) => Of(TimeProvider.System, arguments, stop);

    /// <summary>On another clock.</summary>
    public static DoorRun At(TimeProvider time, params string[] arguments) => Of(time, arguments, CancellationToken.None);

    static DoorRun Of(TimeProvider time, string[] arguments, CancellationToken stop)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        int code = Door.Run(arguments, new Session(output, error, stop) { Time = time });
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>The one object on standard output; fails when there is anything beside it.</summary>
    public JsonElement Json
    {
        get
        {
            using JsonDocument json = JsonDocument.Parse(Output);
            Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
            return json.RootElement.Clone();
        }
    }

    /// <summary>Asserts bad input: code 2, nothing on standard output, one line that says where, what and a hint, and no stack trace.</summary>
    public DoorRun Refused(string where, string what)
    {
        Assert.Equal((ExitCode.BadInput, ""), (Code, Output));
        string line = Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("retort: " + where, line, StringComparison.Ordinal);
        Assert.Contains(what, line, StringComparison.Ordinal);
        Assert.Matches(@"[.?] \S.*$", line);
        Assert.DoesNotContain("   at ", line, StringComparison.Ordinal);
        return this;
    }
}
