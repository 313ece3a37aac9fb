using System.Runtime.InteropServices;
using System.Text;
using Retort.Cli;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using CancellationTokenSource stop = new();

// The first signal asks the work to save and end; a second one, left to the system, kills.
void Handle(PosixSignalContext context)
{
    if (!stop.IsCancellationRequested)
    {
        context.Cancel = true;
        Console.Error.WriteLine("retort: stopping; once more quits at once");
        stop.Cancel();
    }
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle);
Session session = new(Console.Out, Console.Error, stop.Token) { Live = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb" };
return Door.Run(args, session);
