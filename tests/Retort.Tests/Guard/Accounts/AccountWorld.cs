using Retort.Guard.Accounts;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard.Accounts;

/// <summary>A store of accounts in a folder of its own, under a clock.</summary>
sealed class AccountWorld : IDisposable
{
    public const string PepperText = "0123456789abcdef0123456789abcdef-a-test's-pepper";

    readonly List<AccountStore> _open = [];

    public AccountWorld() => Store = Open();

    public Scratch Scratch { get; } = new();

    public GuardClock Clock { get; } = new();

    public AccountStore Store { get; }

    public static Pepper Pepper(string text = PepperText) => Retort.Guard.Accounts.Pepper.Of("P", _ => text);

    /// <summary>One more program on the store.</summary>
    public AccountStore Open()
    {
        AccountStore store = AccountStore.Open(Scratch["guard"], Pepper(), Clock);
        _open.Add(store);
        return store;
    }

    public string Key(string account = "acme", KeyScopes scopes = KeyScopes.All, DateTimeOffset? expires = null)
    {
        if (!Store.Accounts().Any(a => a.Name == account))
        {
            Store.Add(account, "free", new());
        }

        return Store.MakeKey(account, scopes, expires).Text;
    }

    public static string IdOf(string key) => key.Substring(3, 12);

    /// <summary>Every byte of every file of the folder.</summary>
    public IEnumerable<(string Path, byte[] Bytes)> Files() => Directory.GetFiles(Scratch.Folder, "*", SearchOption.AllDirectories).Select(f =>
    {
        using FileStream file = new(f, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return (f, bytes);
    });

    public void Dispose()
    {
        _open.ForEach(s => s.Dispose());
        Scratch.Dispose();
    }
}
