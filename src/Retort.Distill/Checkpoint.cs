using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Retort.Kernels;
using Retort.Model;
using Retort.Model.Files;

namespace Retort.Distill;

/// <summary>
/// The state of one training run in one file: steps, curve, weights and both moments, closed by a SHA-256. Order of data and learning rate
/// follow from the step alone, so nothing else is needed to go on to the same bits.
/// </summary>
/// <param name="path">The file; written to a temporary name and renamed.</param>
/// <param name="key">What the run depends on (options, data, initial weights); a checkpoint of another key is refused.</param>
public sealed class Checkpoint(string path, string key)
{
    static ReadOnlySpan<byte> Magic => "RTCKPT1\n"u8;

    sealed record Header(string Key, int Steps, long Floats, IReadOnlyList<TrainPoint> Curve);

    /// <summary>Steps the file holds; 0 where there is none.</summary>
    public int Steps => File.Exists(path) ? ReadHeader(Bytes()).Header.Steps : 0;

    public void Save(Optimizer optimizer, IReadOnlyList<TrainPoint> curve) => AtomicFile.Write(path, stream =>
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Put(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            hash.AppendData(bytes);
        }

        FloatBuffer[] arenas = [.. Arenas(optimizer)];
        byte[] header = JsonSerializer.SerializeToUtf8Bytes(new Header(key, optimizer.Steps, arenas.Sum(a => (long)a.Length), curve));
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, header.Length);
        Put(Magic);
        Put(length);
        Put(header);
        foreach (FloatBuffer arena in arenas)
        {
            for (int at = 0; at < arena.Length; at += 1 << 20)
            {
                Put(MemoryMarshal.AsBytes(arena.Slice(at, Math.Min(1 << 20, arena.Length - at))));
            }
        }

        stream.Write(hash.GetHashAndReset());
    });

    /// <summary>Puts the file's state into the optimizer and returns the curve so far; null when there is no file.</summary>
    public List<TrainPoint>? Load(Optimizer optimizer)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        byte[] bytes = Bytes();
        (Header header, int at) = ReadHeader(bytes);
        FloatBuffer[] arenas = [.. Arenas(optimizer)];
        long floats = arenas.Sum(a => (long)a.Length);
        if (header.Key != key)
        {
            throw new UserError("the checkpoint belongs to another run", path, "Its recipe, data or model differ; give another --out folder, or delete this one.");
        }

        if (header.Floats != floats || header.Steps < 0 || header.Curve is null || header.Curve.Any(p => p is null) || bytes.Length != at + (floats * 4) + 32 || !SHA256.HashData(bytes.AsSpan(0, bytes.Length - 32)).AsSpan().SequenceEqual(bytes.AsSpan(bytes.Length - 32)))
        {
            throw new UserError("the checkpoint is damaged", path, "Delete it; the run starts this model again.");
        }

        foreach (FloatBuffer arena in arenas)
        {
            MemoryMarshal.Cast<byte, float>(bytes.AsSpan(at, arena.Length * 4)).CopyTo(arena.Span);
            foreach (float x in arena.Span)
            {
                if (!float.IsFinite(x))
                {
                    throw new UserError("the checkpoint holds a value that is not a number", path, "Delete it; the run starts this model again.");
                }
            }

            at += arena.Length * 4;
        }

        optimizer.Steps = header.Steps;
        return [.. header.Curve];
    }

    /// <exception cref="UserError">The system refuses the file, or it is too long for one array.</exception>
    byte[] Bytes()
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }
    }

    (Header Header, int At) ReadHeader(byte[] bytes)
    {
        int at = Magic.Length + 4;
        int length = bytes.Length < at ? -1 : BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(Magic.Length));
        if (length <= 0 || length > bytes.Length - at || !bytes.AsSpan(0, Magic.Length).SequenceEqual(Magic))
        {
            throw new UserError("this is no checkpoint", path, "Delete it; the run starts this model again.");
        }

        try
        {
            return (JsonSerializer.Deserialize<Header>(bytes.AsSpan(at, length)) ?? throw new JsonException(), at + length);
        }
        catch (JsonException)
        {
            throw new UserError("the checkpoint's header cannot be read", path, "Delete it; the run starts this model again.");
        }
    }

    static IEnumerable<FloatBuffer> Arenas(Optimizer optimizer) => new[] { optimizer.Weights, optimizer.First, optimizer.Second }.SelectMany(w => w.Arenas);
}
