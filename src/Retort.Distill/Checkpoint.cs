using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Retort.Kernels;

namespace Retort.Distill;

/// <summary>What has gathered since a curve's last point.</summary>
/// <param name="Loss">Sum over counted tokens, nats.</param>
/// <param name="Tokens">Counted tokens.</param>
public readonly record struct OpenPoint(double Loss, long Tokens, int Steps);

/// <summary>
/// The state of one training run in one file: steps, curve, weights and both moments, closed by a SHA-256. Order of data and learning rate
/// follow from the step alone, so nothing else is needed to go on to the same bits.
/// </summary>
/// <param name="path">The file; written to a temporary name and renamed.</param>
/// <param name="key">What the run depends on (options, data, initial weights); a checkpoint of another key is refused.</param>
public sealed class Checkpoint(string path, string key)
{
    static ReadOnlySpan<byte> Magic => "RTCKPT1\n"u8;

    /// <summary>Floats read or written at once.</summary>
    const int Piece = 1 << 20;

    // A loss may overflow in a training that recovers.
    static readonly JsonSerializerOptions s_json = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    sealed record Header(string Key, int Steps, long Floats, IReadOnlyList<TrainPoint> Curve, OpenPoint Open);

    /// <summary>Called with the curve after each save.</summary>
    public Action<IReadOnlyList<TrainPoint>>? Saved { get; init; }

    /// <summary>Steps the file holds; 0 where there is none.</summary>
    public int Steps => Peek()?.Steps ?? 0;

    /// <summary>The curve the file holds; empty where there is none.</summary>
    public IReadOnlyList<TrainPoint> Curve => Peek()?.Curve ?? [];

    public void Save(Optimizer optimizer, IReadOnlyList<TrainPoint> curve, OpenPoint open = default)
    {
        AtomicFile.Write(path, stream => Write(stream, optimizer, curve, open));
        Saved?.Invoke(curve);
    }

    void Write(Stream stream, Optimizer optimizer, IReadOnlyList<TrainPoint> curve, OpenPoint open)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Put(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            hash.AppendData(bytes);
        }

        FloatBuffer[] arenas = [.. Arenas(optimizer)];
        byte[] header = JsonSerializer.SerializeToUtf8Bytes(new Header(key, optimizer.Steps, arenas.Sum(a => (long)a.Length), curve, open), s_json);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, header.Length);
        Put(Magic);
        Put(length);
        Put(header);
        foreach (FloatBuffer arena in arenas)
        {
            for (int start = 0; start < arena.Length; start += Piece)
            {
                Put(MemoryMarshal.AsBytes(arena.Slice(start, Math.Min(Piece, arena.Length - start))));
            }
        }

        stream.Write(hash.GetHashAndReset());
    }

    /// <summary>Puts the file's state into the optimizer and returns the curve so far; nothing when there is no file.</summary>
    public (List<TrainPoint> Curve, OpenPoint Open) Load(Optimizer optimizer)
    {
        if (!File.Exists(path))
        {
            return ([], default);
        }

        using FileStream file = Open();
        Header header = ReadHeader(file);
        FloatBuffer[] arenas = [.. Arenas(optimizer)];
        long floats = arenas.Sum(a => (long)a.Length), at = file.Position;
        if (header.Key != key)
        {
            throw new UserError("the checkpoint belongs to another run", path, "Its recipe, data or model differ; give another --out folder, or delete this one.");
        }

        if (header.Floats != floats || header.Steps < 0 || header.Curve is null || header.Curve.Any(p => p is null) || file.Length != at + (floats * 4) + SHA256.HashSizeInBytes || !IsWhole(file))
        {
            throw new UserError("the checkpoint is damaged", path, "Delete it; the run starts this model again.");
        }

        file.Position = at;
        Read(file, arenas);
        optimizer.Steps = header.Steps;
        return ([.. header.Curve], header.Open);
    }

    /// <summary>Reads the weights alone, whatever run they are of.</summary>
    /// <param name="weights">Of the shape that was trained.</param>
    /// <exception cref="UserError">There are none of this shape, or the file is damaged.</exception>
    public void LoadWeights(IReadOnlyList<FloatBuffer> weights)
    {
        using FileStream file = Open();
        Header header = ReadHeader(file);
        long floats = weights.Sum(a => (long)a.Length), at = file.Position;

        // Two moments lie behind them.
        if (header.Floats != 3 * floats || file.Length != at + (header.Floats * 4) + SHA256.HashSizeInBytes || !IsWhole(file))
        {
            throw new UserError("the checkpoint is damaged, or of another model than its run's student", path, "Put back a copy of it, or delete it.");
        }

        file.Position = at;
        Read(file, weights);
    }

    void Read(FileStream file, IEnumerable<FloatBuffer> arenas)
    {
        foreach (FloatBuffer arena in arenas)
        {
            for (int start = 0; start < arena.Length; start += Piece)
            {
                Span<float> piece = arena.Slice(start, Math.Min(Piece, arena.Length - start));
                file.ReadExactly(MemoryMarshal.AsBytes(piece));
                foreach (float x in piece)
                {
                    if (!float.IsFinite(x))
                    {
                        throw new UserError("the checkpoint holds a value that is not a number", path, "Delete it; the run starts this model again.");
                    }
                }
            }
        }
    }

    /// <exception cref="UserError">The system refuses the file.</exception>
    FileStream Open()
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }
    }

    /// <summary>The header alone, without the weights behind it.</summary>
    Header? Peek()
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using FileStream file = Open();
        return ReadHeader(file);
    }

    /// <summary>Reads the header and leaves the file at the first weight.</summary>
    Header ReadHeader(FileStream file)
    {
        byte[] start = new byte[Magic.Length + 4];
        int read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false), length = read < start.Length ? -1 : BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(Magic.Length));
        if (length <= 0 || length > file.Length - read || !start.AsSpan(0, Magic.Length).SequenceEqual(Magic))
        {
            throw new UserError("this is no checkpoint", path, "Delete it; the run starts this model again.");
        }

        byte[] header = new byte[length];
        file.ReadExactly(header);
        try
        {
            return JsonSerializer.Deserialize<Header>(header, s_json) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new UserError("the checkpoint's header cannot be read", path, "Delete it; the run starts this model again.");
        }
    }

    /// <summary>Whether the last 32 bytes are the hash of all before them.</summary>
    static bool IsWhole(FileStream file)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = new byte[1 << 20], stated = new byte[SHA256.HashSizeInBytes];
        file.Position = 0;
        for (long left = file.Length - stated.Length; left > 0;)
        {
            int read = (int)Math.Min(left, piece.Length);
            file.ReadExactly(piece, 0, read);
            hash.AppendData(piece, 0, read);
            left -= read;
        }

        file.ReadExactly(stated);
        return hash.GetHashAndReset().AsSpan().SequenceEqual(stated);
    }

    static IEnumerable<FloatBuffer> Arenas(Optimizer optimizer) => new[] { optimizer.Weights, optimizer.First, optimizer.Second }.SelectMany(w => w);
}
