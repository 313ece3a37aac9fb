using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Retort.Guard.Records;

/// <summary>What a request said and what was answered.</summary>
/// <param name="Response">As it is committed to in the ledger.</param>
public sealed record KeptContents(string Id, byte[] Request, byte[] Response);

/// <summary>
/// Contents of requests, kept only where a policy says so: STORE/contents/DAY/ID, a file for each group, AES-256-GCM under a key that follows from a secret of
/// the environment and the day (HKDF-SHA256). A day's folder is removed once it is older than the policy keeps.
/// </summary>
/// <param name="secret">At least 32 characters.</param>
public sealed class ContentVault(string store, string secret, int keepDays, TimeProvider time)
{
    const int NonceLength = 12, TagLength = 16, IdLength = 32, FewestCharacters = 32;

    readonly string _folder = Path.Combine(store, "contents");
    DateOnly _cleaned;

    /// <summary>Opens the vault of a policy; null where it keeps none.</summary>
    /// <exception cref="UserError">The secret is not in the environment, or too short.</exception>
    public static ContentVault? Of(GuardPolicy policy, Func<string, string?> environment, TimeProvider time) => policy.Records.Key is not { } variable ? null
        : environment(variable) is { Length: >= FewestCharacters } secret ? new(policy.Store, secret, policy.Records.KeepDays, time)
        : throw new UserError($"the environment has no secret of {FewestCharacters} characters for kept contents", variable, $"Make one once: export {variable}=$(openssl rand -hex 32), or set records.contents to none.");

    /// <summary>Writes a group, and removes what is older than it may be.</summary>
    /// <exception cref="UserError">The disk refuses.</exception>
    internal void Write(IReadOnlyList<KeptContents> group)
    {
        DateOnly today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        if (today != _cleaned)
        {
            Clean(today);
        }

        if (group.Count == 0)
        {
            return;
        }

        using MemoryStream plain = new();
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (KeptContents contents in group)
        {
            plain.Write(Encoding.ASCII.GetBytes(contents.Id));
            foreach (byte[] part in (byte[][])[contents.Request, contents.Response])
            {
                BinaryPrimitives.WriteInt32LittleEndian(length, part.Length);
                plain.Write(length);
                plain.Write(part);
            }
        }

        string day = Day(today), folder = Path.Combine(_folder, day);
        StoreFile.MakeFolder(folder);
        AtomicFile.WriteAllBytes(Path.Combine(folder, group[0].Id), Seal(plain.GetBuffer().AsSpan(0, (int)plain.Length), day));
    }

    /// <summary>What was kept of a day, in the order of the files' names.</summary>
    /// <exception cref="UserError">A file is damaged, or was written under another secret.</exception>
    public IEnumerable<KeptContents> Read(DateOnly date)
    {
        string day = Day(date), folder = Path.Combine(_folder, day);
        foreach (string file in Directory.Exists(folder) ? Directory.GetFiles(folder).Where(f => Path.GetFileName(f).Length == IdLength).Order(StringComparer.Ordinal).ToArray() : [])
        {
            byte[] plain = Open(InputFile.ReadAll(file, int.MaxValue), day, file);
            for (int at = 0; at < plain.Length;)
            {
                string id = Encoding.ASCII.GetString(plain, at, IdLength);
                at += IdLength;
                byte[] request = Part(plain, ref at), response = Part(plain, ref at);
                yield return new(id, request, response);
            }
        }
    }

    static byte[] Part(byte[] plain, ref int at)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(plain.AsSpan(at));
        at += sizeof(int) + length;
        return plain[(at - length)..at];
    }

    byte[] Seal(ReadOnlySpan<byte> plain, string day)
    {
        byte[] file = new byte[NonceLength + TagLength + plain.Length];
        RandomNumberGenerator.Fill(file.AsSpan(0, NonceLength));
        using AesGcm aes = new(Key(day), TagLength);
        aes.Encrypt(file.AsSpan(0, NonceLength), plain, file.AsSpan(NonceLength + TagLength), file.AsSpan(NonceLength, TagLength), Encoding.ASCII.GetBytes(day));
        return file;
    }

    byte[] Open(ReadOnlySpan<byte> file, string day, string path)
    {
        UserError damaged = new("the kept contents are damaged, or were written under another secret", path, "Put back a copy, or set the secret they were written under.");
        if (file.Length < NonceLength + TagLength)
        {
            throw damaged;
        }

        byte[] plain = new byte[file.Length - NonceLength - TagLength];
        using AesGcm aes = new(Key(day), TagLength);
        try
        {
            aes.Decrypt(file[..NonceLength], file[(NonceLength + TagLength)..], file.Slice(NonceLength, TagLength), plain, Encoding.ASCII.GetBytes(day));
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw damaged;
        }
    }

    byte[] Key(string day) => HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: Encoding.ASCII.GetBytes($"retort guard contents {day}"));

    void Clean(DateOnly today)
    {
        foreach (string folder in Directory.Exists(_folder) ? Directory.GetDirectories(_folder) : [])
        {
            if (DateOnly.TryParseExact(Path.GetFileName(folder), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) && day.AddDays(keepDays) < today)
            {
                try
                {
                    Directory.Delete(folder, recursive: true);
                }
                catch (Exception e) when (FileFault.Is(e))
                {
                    throw FileFault.Writing(folder, e);
                }
            }
        }

        _cleaned = today;
    }

    static string Day(DateOnly date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
