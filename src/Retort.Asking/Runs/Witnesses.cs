using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>
/// What others have signed of a run's ledger, under RUN/witnesses: signed checkpoints, witnesses' public keys, time stamps, their authorities'
/// certificates. A file is named for the entries it is about and for the SHA-256 of its content, and is never changed: when the log goes on, its
/// checkpoint is replaced, and what was signed of the one before stays here.
/// </summary>
public static class Witnesses
{
    const string CheckpointEnding = ".checkpoint", KeyEnding = ".pub", StampEnding = ".tsr", AuthorityEnding = ".cer";

    const int HashDigits = 16;

    const int MostBytes = 1 << 20;

    /// <summary>Keeps a checkpoint that a witness has signed, with the witness' key.</summary>
    /// <exception cref="UserError">A file cannot be written.</exception>
    public static void Keep(RunFiles files, Checkpoint signed, LedgerPublicKey witness)
    {
        Write(files, signed.Size, CheckpointEnding, signed.ToBytes());
        Write(files, signed.Size, KeyEnding, Encoding.ASCII.GetBytes(witness.ToPem()));
    }

    /// <summary>Keeps a checkpoint, so that what is signed of it later can be checked when the log has gone on.</summary>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Keep(RunFiles files, Checkpoint checkpoint) => Write(files, checkpoint.Size, CheckpointEnding, checkpoint.ToBytes());

    /// <summary>The checkpoints that were kept, the largest first. Nothing is verified.</summary>
    /// <exception cref="UserError">A file cannot be read.</exception>
    public static IReadOnlyList<Checkpoint> Checkpoints(RunFiles files) =>
        [.. All(files, []).Where(k => k.Ending == CheckpointEnding).Select(k => Checkpoint.Parse(k.Content, k.File)).OrderByDescending(c => c.Size)];

    /// <summary>Keeps a time stamp with its checkpoint and its authority's certificate.</summary>
    /// <exception cref="UserError">A file cannot be written.</exception>
    public static void Keep(RunFiles files, Checkpoint checkpoint, ReadOnlyMemory<byte> stamp, X509Certificate2 authority)
    {
        Write(files, checkpoint.Size, CheckpointEnding, checkpoint.ToBytes());
        Write(files, checkpoint.Size, StampEnding, stamp);
        Write(files, checkpoint.Size, AuthorityEnding, authority.RawDataMemory);
    }

    /// <summary>Checks every file that was kept. Keys and certificates are those of the folder: who wants to rely on them compares them.</summary>
    /// <param name="log">The run's log, which has been audited.</param>
    /// <param name="given">Keys of witnesses that are known from elsewhere.</param>
    /// <param name="findings">Takes what is wrong.</param>
    /// <param name="binds">Takes what holds, a sentence each.</param>
    /// <exception cref="UserError">The folder cannot be read.</exception>
    public static void Audit(RunFiles files, TileReader log, LedgerPublicKey key, IReadOnlyList<LedgerPublicKey> given, ICollection<RunFinding> findings, ICollection<string> binds)
    {
        List<LedgerPublicKey> known = [key, .. given];
        foreach (IGrouping<long, Kept> size in All(files, findings).GroupBy(k => k.Size).OrderBy(g => g.Key))
        {
            List<Checkpoint> checkpoints = [];
            List<X509Certificate2> authorities = [];
            foreach (Kept kept in size)
            {
                Try(kept, findings, () =>
                {
                    if (kept.Ending == CheckpointEnding)
                    {
                        checkpoints.Add(OfLog(kept, log, key));
                    }
                    else if (kept.Ending == AuthorityEnding)
                    {
                        authorities.Add(X509CertificateLoader.LoadCertificate(kept.Content));
                    }
                });
            }

            foreach (Kept kept in size)
            {
                Try(kept, findings, () =>
                {
                    if (kept.Ending == KeyEnding)
                    {
                        LedgerPublicKey witness = checkpoints.Select(c => c.WitnessKey(files[kept.File])).FirstOrDefault(w => checkpoints.Exists(c => c.Note.IsSignedBy(w) == true)) ?? throw new UserError("No checkpoint here is signed by this key", kept.File, "");
                        known.Add(witness);
                        binds.Add($"Witness {witness.Name} has signed the first {size.Key} entries, by the key of SHA-256 {witness.Fingerprint} (the folder's own: compare it with the one you know)");
                    }
                    else if (kept.Ending == StampEnding)
                    {
                        TimeStamp stamp = TimeStamp.Parse(kept.Content, kept.File);
                        X509Certificate2 authority = authorities.FirstOrDefault(a => checkpoints.Exists(c => stamp.Verify(c, a) == TimeStampVerdict.Holds)) ?? throw new UserError("It stamps no checkpoint here by an authority that is here", kept.File, "");
                        binds.Add(string.Create(CultureInfo.InvariantCulture, $"The first {size.Key} entries were there at {RunLeaf.Text(stamp.Time)}, says {authority.Subject} (certificate of SHA-256 {authority.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant()}, the folder's own: compare it with the one you know)"));
                    }
                });
            }

            authorities.ForEach(a => a.Dispose());
        }

        foreach (NoteSignature line in log.Checkpoint.Note.Signatures.Where(s => !known.Exists(k => k.Name == s.Name && k.Hash == s.KeyHash && log.Checkpoint.Note.IsSignedBy(k) == true)))
        {
            findings.Add(new($"{RunFiles.LedgerFolder}/{TileReader.CheckpointName}", null, $"The signature line of {line.Name} is by no key that is here or was given"));
        }
    }

    /// <summary>A file by its name.</summary>
    /// <param name="File">By its path in the run folder.</param>
    sealed record Kept(string File, long Size, string Ending, byte[] Content);

    static Checkpoint OfLog(Kept kept, TileReader log, LedgerPublicKey key)
    {
        Checkpoint checkpoint = Checkpoint.Parse(kept.Content, kept.File);
        return checkpoint.Verify(key) == LedgerVerdict.Holds && checkpoint.Size == kept.Size && kept.Size <= log.Checkpoint.Size && log.Root(kept.Size) == checkpoint.Root
            ? checkpoint
            : throw new UserError("It is no earlier checkpoint of this log", kept.File, "");
    }

    static void Try(Kept kept, ICollection<RunFinding> findings, Action read)
    {
        try
        {
            read();
        }
        catch (UserError e)
        {
            findings.Add(new(kept.File, null, e.What));
        }
        catch (CryptographicException)
        {
            findings.Add(new(kept.File, null, "It is no certificate"));
        }
    }

    static List<Kept> All(RunFiles files, ICollection<RunFinding> findings)
    {
        List<Kept> all = [];
        string folder = files[RunFiles.WitnessFolder];
        foreach (string path in Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal)] : (string[])[])
        {
            string name = Path.GetFileName(path), file = $"{RunFiles.WitnessFolder}/{name}", ending = Path.GetExtension(name);
            byte[] content;
            try
            {
                content = InputFile.ReadAll(path, MostBytes);
            }
            catch (UserError e)
            {
                findings.Add(new(file, null, e.What));
                continue;
            }

            if (Path.GetFileNameWithoutExtension(name).Split('-') is [var size, var hash] && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long entries) && hash == HashOf(content))
            {
                all.Add(new(file, entries, ending, content));
            }
            else if (!name.EndsWith(AtomicFile.Suffix, StringComparison.Ordinal))
            {
                findings.Add(new(file, null, "It is not the file that was kept under this name"));
            }
        }

        return all;
    }

    static void Write(RunFiles files, long size, string ending, ReadOnlyMemory<byte> content)
    {
        string folder = files[RunFiles.WitnessFolder];
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(folder, e);
        }

        AtomicFile.WriteAllBytes(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{size}-{HashOf(content.Span)}{ending}")), content);
    }

    static string HashOf(ReadOnlySpan<byte> content) => Digest.Of(content).ToString()[..HashDigits];
}
