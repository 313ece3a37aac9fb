namespace Retort.Guard.Indicators;

/// <summary>One process at a time changes a folder.</summary>
static class FolderLock
{
    /// <exception cref="UserError">Another process holds it, or the folder cannot be written.</exception>
    public static FileStream Hold(string folder)
    {
        string path = Path.Combine(folder, "lock");
        try
        {
            return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new UserError("another process is changing this folder", folder, "Wait until it has ended.");
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }
    }
}
