using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>A content of an entry, opened: whoever has both can compute the commitment.</summary>
/// <param name="Salt">32 bytes, of this content alone.</param>
/// <param name="Content">UTF-8 text: a question as it was sent, an answer, or length and SHA-256 of a file.</param>
public sealed record Opening(ReadOnlyMemory<byte> Salt, string Content);

/// <summary>
/// One entry of a run's ledger that anybody can check with the log's public key alone: a .tlog-proof whose extra data are the entry and, where it
/// was opened, salts and contents, as JSON. The other entries stay closed.
/// </summary>
public sealed record RunProof(LedgerProof Proof, string Entry, IReadOnlyDictionary<string, Opening> Openings)
{
    /// <summary>Proves an entry of a run's ledger.</summary>
    /// <param name="open">Whether salts and contents are given away.</param>
    /// <exception cref="UserError">There is no such entry, the log is damaged, or the folder no longer has the contents.</exception>
    public static RunProof Of(RunFiles files, TileReader log, long index, bool open)
    {
        if (index < 0 || index >= log.Checkpoint.Size)
        {
            throw new UserError($"there is no entry {index}", files.Ledger, $"Entries are 0 to {log.Checkpoint.Size - 1}.");
        }

        ReadOnlyMemory<byte> entry = log.Entry(index);
        Dictionary<string, Opening> openings = new(StringComparer.Ordinal);
        if (open)
        {
            RunLeaf leaf = RunLeaf.Parse(entry.Span, $"{files.Ledger}, entry {index}");
            CommitmentSecret secret = CommitmentSecret.Read(files.Secret);
            foreach ((string name, byte[] content) in Contents(files, leaf, index))
            {
                if (!leaf.Commits(name, content, secret, index))
                {
                    throw new UserError($"what the folder has of {name} is not what entry {index} commits to", files.Folder, "Only what is there unchanged can be opened; retort verify names what was changed.");
                }

                openings[name] = new(RunLeaf.Salt(secret, index, name), Encoding.UTF8.GetString(content));
            }
        }

        JsonObject extra = new()
        {
            ["entry"] = Encoding.UTF8.GetString(entry.Span),
            ["openings"] = new JsonObject(openings.Select(o => KeyValuePair.Create(o.Key, (JsonNode?)new JsonObject { ["salt"] = Convert.ToBase64String(o.Value.Salt.Span), ["content"] = o.Value.Content }))),
        };
        return new(log.Prove(index) with { Extra = CanonicalJson.Write(extra) }, (string)extra["entry"]!, openings);
    }

    /// <summary>Reads a proof file. Nothing is verified.</summary>
    /// <exception cref="UserError">It cannot be read, or is no proof of an entry of a run's ledger.</exception>
    public static RunProof Read(string path)
    {
        LedgerProof proof = LedgerProof.Read(path);
        JsonFields extra = JsonFields.Parse((proof.Extra ?? throw new UserError("The proof holds no entry", path, "It must be one that retort ledger prove wrote.")).Span, $"{path}, extra");
        JsonFields all = extra.Object("openings") ?? throw extra.Missing("openings");
        Dictionary<string, Opening> openings = new(StringComparer.Ordinal);
        foreach (string name in all.Names)
        {
            JsonFields opening = all.Object(name) ?? throw all.Missing(name);
            byte[] salt = new byte[Commitment.SaltLength];
            openings[name] = Convert.TryFromBase64String(opening.Text("salt"), salt, out int length) && length == salt.Length ? new(salt, opening.Text("content")) : throw opening.Wrong("salt", "It must be 32 bytes in base64.");
        }

        return new(proof, extra.Text("entry"), openings);
    }

    /// <summary>What is wrong, a sentence each; nothing for a proof that holds.</summary>
    /// <exception cref="UserError">The entry is none of a run's ledger.</exception>
    public IEnumerable<string> Faults(LedgerPublicKey log, params IReadOnlyList<LedgerPublicKey> witnesses)
    {
        byte[] entry = Encoding.UTF8.GetBytes(Entry);
        LedgerVerdict verdict = Proof.Verify(entry, log, [.. witnesses]);
        if (verdict != LedgerVerdict.Holds)
        {
            yield return verdict == LedgerVerdict.NotIncluded ? $"The entry does not stand at {Proof.Index} of the log" : $"The checkpoint is not signed as it must be ({verdict})";
        }

        RunLeaf leaf = RunLeaf.Parse(entry, string.Create(CultureInfo.InvariantCulture, $"entry {Proof.Index}"));
        foreach ((string name, Opening opening) in Openings)
        {
            if (!leaf.Commitments.TryGetValue(name, out Commitment commitment) || !commitment.IsTo(opening.Salt.Span, Encoding.UTF8.GetBytes(opening.Content)))
            {
                yield return $"{name} is not what the entry commits to";
            }
        }
    }

    static IReadOnlyDictionary<string, byte[]> Contents(RunFiles files, RunLeaf leaf, long index)
    {
        switch (leaf.Kind)
        {
            case LeafKind.Transcript:
                foreach ((int line, ReadOnlyMemory<byte> bytes) in JsonLines.Read(files.Export).Index())
                {
                    if (SealedTranscript.Parse(bytes.Span, $"{files.Export}, line {line + 1}") is var row && row.Leaf == index)
                    {
                        return row.Contents;
                    }
                }

                throw new UserError($"no line is of entry {index}", files.Export, "retort verify says what else is missing.");
            case LeafKind.Step:
                ManifestEntry? step = Manifest.Stated(files.Folder).FirstOrDefault(s => s.Step == leaf.Name);
                return leaf.Commitments.Keys.ToDictionary(name => name, name => Content(files, step, name), StringComparer.Ordinal);
            case LeafKind.Statement when RunFiles.IsWithin(RunFiles.StatementOf(leaf.Name)):
                return new Dictionary<string, byte[]>(StringComparer.Ordinal) { [RunLedger.Envelope] = InputFile.ReadAll(files[RunFiles.StatementOf(leaf.Name)], 64 << 20) };
            default:
                throw new UserError($"entry {index} has nothing to open", files.Ledger, "Entries of answers, steps and statements are opened.");
        }
    }

    static byte[] Content(RunFiles files, ManifestEntry? step, string name)
    {
        if (name.StartsWith(RunLedger.Wrote, StringComparison.Ordinal) && name[RunLedger.Wrote.Length..] is var file && RunFiles.IsWithin(file))
        {
            return files.State(file);
        }

        return name.StartsWith(RunLedger.Read, StringComparison.Ordinal) && step?.Read.TryGetValue(name[RunLedger.Read.Length..], out string? hash) == true
            ? Encoding.UTF8.GetBytes(hash)
            : throw new UserError($"the manifest does not have {JsonFields.Short(name)}", files[Manifest.FileName], "Only what is there can be opened.");
    }
}
