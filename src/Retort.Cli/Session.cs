using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Retort.Cli;

/// <summary>One run of the program: where it writes and what may stop it.</summary>
/// <param name="output">Results alone.</param>
/// <param name="error">Progress and errors.</param>
/// <param name="stop">Set by the first Ctrl-C.</param>
sealed class Session(TextWriter output, TextWriter error, CancellationToken stop = default)
{
    static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    public TextWriter Output { get; } = output;

    public TextWriter Error { get; } = error;

    public CancellationToken Stop { get; } = stop;

    /// <summary>Standard error is a terminal that a progress bar can be drawn on.</summary>
    public bool Live { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Exactly one JSON object on standard output.</summary>
    public bool Json { get; set; }

    /// <summary>What to tell a reader who stopped the work, such as how to go on with it.</summary>
    public string WhenStopped { get; set; } = "Nothing half-written was left behind.";

    /// <summary>Prints a verb's result: the object with --json, the lines otherwise.</summary>
    public void Answer(object result, IEnumerable<string> lines)
    {
        if (Json)
        {
            Output.WriteLine(JsonSerializer.Serialize(result, s_json));
            return;
        }

        foreach (string line in lines)
        {
            Output.WriteLine(line);
        }
    }
}
