using System.Runtime.CompilerServices;
using Retort.Evidence.Ledger;

namespace Retort.Tests;

/// <summary>A folder for keys in place of the user's own: no test reads or writes that. Programs that a test starts inherit it.</summary>
static class OwnHome
{
    [ModuleInitializer]
    internal static void Set()
    {
        string folder = Directory.CreateTempSubdirectory("retort-home-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        Environment.SetEnvironmentVariable(LedgerHome.FolderVariable, folder);
        Environment.SetEnvironmentVariable(LedgerHome.KeyVariable, null);
        Environment.SetEnvironmentVariable(LedgerHome.NameVariable, null);

        // Already made, so that no test's run is the one that says so.
        LedgerHome.Of(Environment.GetEnvironmentVariable).MakeKey();
    }
}
