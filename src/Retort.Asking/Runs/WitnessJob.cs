using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>Has the ledger of a run bound by somebody else than its owner: by a second party's signature, or by an authority's time stamp.</summary>
public static class WitnessJob
{
    /// <summary>Signs a run's last checkpoint as a second party, which keeps what it signed in a folder of its own.</summary>
    /// <param name="home">The witness' own.</param>
    /// <param name="name">The witness' name.</param>
    /// <exception cref="UserError">Key or log cannot be read, the key is the log's own, or the log is being written to.</exception>
    public static (WitnessResult Result, bool IsFirst) Sign(string folder, LedgerHome home, string keyPath, string name)
    {
        (RunFiles files, _, LedgerPublicKey log) = RunLedgerView.Open(folder);
        using LedgerKey witness = LedgerKey.Read(keyPath, name);
        if (witness.Public.Fingerprint == log.Fingerprint)
        {
            throw new UserError("this is the log's own key", keyPath, "A witness is somebody else: what the owner signs twice binds nobody.");
        }

        Checkpoint? last = home.Last(log, witness.Public);
        WitnessResult result = LedgerWitness.Sign(files.Ledger, log, witness, last);
        if (result is WitnessResult.Signed signed)
        {
            home.Keep(signed.Checkpoint, log, witness.Public);
            Witnesses.Keep(files, signed.Checkpoint, witness.Public);
        }

        return (result, last is null);
    }

    /// <summary>Writes the request for a time stamp of the last checkpoint, DER; to be sent to an authority, or answered by <c>openssl ts -reply</c>.</summary>
    /// <exception cref="UserError">There is no ledger, or a file cannot be written.</exception>
    public static Checkpoint RequestTime(string folder, string to)
    {
        (RunFiles files, TileReader log, _) = RunLedgerView.Open(folder);
        Witnesses.Keep(files, log.Checkpoint);

        // Without a nonce: an old answer for the same checkpoint shows an earlier time, which is all the better.
        AtomicFile.WriteAllBytes(to, TimeStamp.Request(log.Checkpoint));
        return log.Checkpoint;
    }

    /// <summary>Keeps an authority's answer that stamps the last checkpoint, or one for which a stamp was requested.</summary>
    /// <param name="certificate">The authority's certificate, or the root it leads to; PEM or DER.</param>
    /// <exception cref="UserError">A file cannot be read or written.</exception>
    public static (TimeStampVerdict Verdict, Checkpoint? Checkpoint, DateTimeOffset Time) KeepTime(string folder, string response, string certificate)
    {
        (RunFiles files, TileReader log, _) = RunLedgerView.Open(folder);
        byte[] bytes = InputFile.ReadAll(response, 1 << 20);
        TimeStamp stamp = TimeStamp.Parse(bytes, response);
        using X509Certificate2 authority = Certificate(certificate);
        TimeStampVerdict verdict = TimeStampVerdict.OtherContent;
        foreach (Checkpoint checkpoint in Witnesses.Checkpoints(files).Prepend(log.Checkpoint))
        {
            verdict = stamp.Verify(checkpoint, authority);
            if (verdict == TimeStampVerdict.Holds)
            {
                Witnesses.Keep(files, checkpoint, bytes, authority);
                return (verdict, checkpoint, stamp.Time);
            }

            if (verdict != TimeStampVerdict.OtherContent)
            {
                break;
            }
        }

        return (verdict, null, stamp.Time);
    }

    static X509Certificate2 Certificate(string path)
    {
        byte[] bytes = InputFile.ReadAll(path, 1 << 20);
        try
        {
            return X509CertificateLoader.LoadCertificate(bytes);
        }
        catch (CryptographicException)
        {
            throw new UserError("This is no certificate", path, "Give the authority's certificate, or the root it leads to, as PEM or DER.");
        }
    }
}
