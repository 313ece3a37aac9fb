namespace Retort.Tests.Evidence.Ledger;

/// <summary>A time stamp authority of openssl: root.pem, a certificate that may sign time stamps, and tsa.conf for openssl ts.</summary>
static class TimeAuthority
{
    /// <param name="folder">Made here.</param>
    public static void Make(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "tsa.conf"), """
            [tsa]
            default_tsa = it
            [it]
            serial = serial
            crypto_device = builtin
            signer_cert = signer.pem
            certs = root.pem
            signer_key = signer.key
            signer_digest = sha256
            default_policy = 1.2.3.4.1
            digests = sha256
            [signer]
            extendedKeyUsage = critical,timeStamping
            """);
        File.WriteAllText(Path.Combine(folder, "serial"), "01");
        OpenSsl.Run(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/CN=Root", "-keyout", "root.key", "-out", "root.pem");
        OpenSsl.Run(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Authority", "-keyout", "signer.key", "-out", "signer.csr");
        OpenSsl.Run(folder, "x509", "-req", "-in", "signer.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "3650", "-extfile", "tsa.conf", "-extensions", "signer", "-out", "signer.pem");
    }
}
