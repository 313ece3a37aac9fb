using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;
using Retort.Evidence.Watermark;
using Mark = Retort.Model.Marks.Watermark;

namespace Retort.Guard.Watermark;

/// <summary>
/// Gives out the marks of answers, and none whose key is not committed to: the commitment stands in the published ledger of FOLDER before the first answer is
/// marked with the key. The secret lies in FOLDER/watermark.secret. An entry commits to the scope and to the key, and holds the mark's parameters in the clear.
/// </summary>
public sealed class WatermarkRegister : IDisposable
{
    const int Format = 1;

    const string SecretName = "watermark.secret";

    readonly Lock _gate = new();
    readonly ConcurrentDictionary<string, Mark> _marks = new(StringComparer.Ordinal);
    readonly HashSet<string> _committed;
    readonly WatermarkPolicy _policy;
    readonly WatermarkKeys _keys;
    readonly GuardLog _log;

    WatermarkRegister(WatermarkPolicy policy, WatermarkKeys keys, GuardLog log, HashSet<string> committed) => (_policy, _keys, _log, _committed) = (policy, keys, log, committed);

    /// <exception cref="UserError">The ledger or the secret cannot be read or made, or another process holds the ledger.</exception>
    public static WatermarkRegister Open(string folder, WatermarkPolicy policy, LedgerHome home)
    {
        GuardLog log = GuardLog.Open(folder, home);
        WatermarkRegister? opened = null;
        try
        {
            string path = Path.Combine(folder, SecretName);
            if (!File.Exists(path) && log.Size > 1)
            {
                throw new UserError("the secret of watermarks is gone", path, "Put it back: no text that was marked is found again without it.");
            }

            WatermarkKeys keys = File.Exists(path) ? WatermarkKeys.Read(path) : WatermarkKeys.Make();
            if (!File.Exists(path))
            {
                keys.Write(path);
            }

            return opened = new(policy, keys, log, [.. log.Entries().Select(MarkOf).OfType<string>()]);
        }
        finally
        {
            if (opened is null)
            {
                log.Dispose();
            }
        }
    }

    /// <summary>The mark of a scope; the first time its commitment is published before this returns.</summary>
    /// <param name="scope">From <see cref="WatermarkPolicy.Scope"/>.</param>
    /// <exception cref="UserError">The ledger cannot be written; then there is no mark.</exception>
    public Mark Of(string scope)
    {
        if (_marks.TryGetValue(scope, out Mark? known))
        {
            return known;
        }

        lock (_gate)
        {
            (string commitment, byte[] parameters) = (_keys.Commit(scope).ToString(), Parameters());
            if (!_committed.Contains(Named(commitment, parameters)))
            {
                _log.Add((ReadOnlyMemory<byte>)Leaf(scope, commitment, parameters));
                _committed.Add(Named(commitment, parameters));
            }

            return _marks.GetOrAdd(scope, _policy.With(_keys.Key(scope)));
        }
    }

    public void Dispose() => _log.Dispose();

    byte[] Parameters() => CanonicalJson.Write(_policy.Scheme == WatermarkScheme.Tournament
        ? new JsonObject { ["scheme"] = "tournament", ["width"] = _policy.Width, ["layers"] = _policy.Layers }
        : new JsonObject { ["scheme"] = "green-list", ["width"] = _policy.Width, ["gamma"] = _policy.Gamma, ["delta"] = _policy.Delta });

    byte[] Leaf(string scope, string key, byte[] parameters)
    {
        JsonObject commitments = new() { ["key"] = key, ["scope"] = _log.Secret.Commit($"{_log.Size}/scope", Encoding.UTF8.GetBytes(scope)).ToString() };
        return CanonicalJson.Write(new JsonObject { ["format"] = Format, ["kind"] = "watermark", ["parameters"] = JsonNode.Parse(parameters), ["commitments"] = commitments });
    }

    /// <summary>A key with the parameters it is used with: with others it is another mark, which has an entry of its own.</summary>
    static string Named(string commitment, byte[] parameters) => $"{commitment} {Encoding.UTF8.GetString(parameters)}";

    static string? MarkOf(ReadOnlyMemory<byte> entry) =>
        JsonNode.Parse(entry.Span) is { } leaf && leaf["parameters"] is { } parameters && (string?)leaf["commitments"]?["key"] is { } key ? Named(key, CanonicalJson.Write(parameters)) : null;
}
