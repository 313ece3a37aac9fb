using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using Retort.Kernels;
using Retort.Model;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>What a signal file says of itself; every field is checked when it is opened.</summary>
/// <param name="Teacher">SHA-256 of the teacher's weights.</param>
/// <param name="Tokenizer">Hash of its tokenizer.</param>
/// <param name="Data">Hash of the dataset, row by row in order.</param>
/// <param name="Tokens">Rows × length.</param>
/// <param name="K">Entries kept a token.</param>
/// <param name="Temperature">Temperature of the probabilities.</param>
/// <param name="Tail">Treatment of the rest.</param>
/// <param name="Encoding">"u16+f16": ids of 16 bits, packed, and half-precision probabilities; the id's width grows with the vocabulary.</param>
public sealed record SignalHeader(string Teacher, string Tokenizer, string Data, long Tokens, int Vocabulary, int K, double Temperature, string Tail, string Encoding)
{
    /// <summary>Bits of one id: 16 up to 65,536 tokens of vocabulary, then as many as the largest id needs.</summary>
    public int IdBits => IdBitsOf(Vocabulary);

    internal static int IdBitsOf(int vocabulary) => Math.Max(16, 32 - BitOperations.LeadingZeroCount((uint)Math.Max(1, vocabulary - 1)));

    /// <summary>Bytes of one token's ids.</summary>
    public int IdBytes => ((K * IdBits) + 7) / 8;

    /// <summary>Bytes one token takes.</summary>
    public int BytesPerToken => IdBytes + (2 * K);
}

/// <summary>
/// A teacher's k most likely tokens, or k draws, at every position: "RTSIG1\n\0", a length, a JSON header, a record a token of k ids and
/// k half-precision probabilities, and a SHA-256 of it all. For k = 20 that is 80 bytes a token up to 65,536 tokens of vocabulary, 83 to 90 up to a million.
/// </summary>
public sealed class SignalFile
{
    static ReadOnlySpan<byte> Magic => "RTSIG1\n\0"u8;

    readonly byte[] _records;

    SignalFile(SignalHeader header, byte[] records)
    {
        Header = header;
        _records = records;
    }

    public SignalHeader Header { get; }

    public TailHandling Tail => Header.Tail switch
    {
        "bucket" => TailHandling.Bucket,
        "renormalize" => TailHandling.Renormalize,
        _ => TailHandling.Sample,
    };

    /// <summary>The entries of one token; an unused slot has id −1.</summary>
    /// <param name="ids_K">Output.</param>
    /// <param name="p_K">Output; sums to 1 unless the tail is a bucket.</param>
    public void Read(long token, Span<int> ids_K, Span<float> p_K)
    {
        int k = Header.K, bits = Header.IdBits, idBytes = Header.IdBytes;
        ReadOnlySpan<byte> record = _records.AsSpan(checked((int)(token * Header.BytesPerToken)), Header.BytesPerToken);
        float sum = 0;
        for (int i = 0; i < k; i++)
        {
            p_K[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(record[(idBytes + (2 * i))..]);
            ids_K[i] = p_K[i] > 0 ? BitsAt(record[..idBytes], i * bits, bits) : -1;
            sum += p_K[i];
        }

        float scale = Tail == TailHandling.Bucket ? (sum > 1f ? 1f / sum : 1f) : 1f / sum;
        for (int i = 0; i < k; i++)
        {
            p_K[i] *= scale;
        }
    }

    /// <summary>Whether every kept entry is a token of the vocabulary with a probability.</summary>
    bool Holds()
    {
        int[] ids = new int[Header.K];
        float[] p = new float[Header.K];
        for (long token = 0; token < Header.Tokens; token++)
        {
            Read(token, ids, p);
            if (Array.Exists(ids, id => id >= Header.Vocabulary) || Array.Exists(p, x => !(x >= 0 && x <= 1.001f)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The header of a signal for this teacher, tokenizer and data.</summary>
    public static SignalHeader Describe(string teacherHash, string tokenizerHash, Dataset data, int vocabulary, int k, double temperature, TailHandling tail) =>
        new(teacherHash, tokenizerHash, data.Hash, data.Tokens.Length, vocabulary, k, temperature, TailNames.Of(tail), $"u{SignalHeader.IdBitsOf(vocabulary)}+f16");

    /// <summary>Runs the teacher once over a dataset.</summary>
    /// <param name="header">From <see cref="Describe"/>.</param>
    /// <param name="seed">Of the draws, for <see cref="TailHandling.Sample"/>.</param>
    /// <param name="progress">Tokens done.</param>
    public static SignalFile Compute(LlamaWeights teacher, SignalHeader header, Dataset data, TailHandling tail, ulong seed, Workers workers, Action<long> progress, CancellationToken stop)
    {
        const int L = MatMul.L, Batch = 8;
        int v = header.Vocabulary, blocks = data.Length / L, kept = header.K;
        double temperature = header.Temperature;
        byte[] records = new byte[checked(data.Tokens.Length * header.BytesPerToken)];
        LlamaActivations a = new(teacher.Config, Batch, blocks, workers, keep: false);
        LlamaHead head = new(teacher.Config, a.Blocks, workers, teacher: false);
        int[] tokens = new int[Batch * data.Length], starts = new int[Batch * data.Length];
        a.Starts = starts;
        for (int row = 0; row < data.Rows; row += Batch)
        {
            stop.ThrowIfCancellationRequested();
            int rows = Math.Min(Batch, data.Rows - row), first = row * data.Length;
            Array.Clear(tokens);
            data.Tokens.AsSpan(first, rows * data.Length).CopyTo(tokens);
            Array.Clear(starts);
            data.Starts.AsSpan(first, rows * data.Length).CopyTo(starts);
            LlamaForward.Run(teacher, a, tokens, workers);
            head.Run(teacher, a, null, null, null, static _ => true, (block, z, _) =>
            {
                if (block >= rows * blocks)
                {
                    return;
                }

                float[] logits = new float[v];
                for (int l = 0; l < L; l++)
                {
                    for (int i = 0; i < v; i++)
                    {
                        logits[i] = z[(i * L) + l];
                    }

                    int token = first + (block * L) + l;
                    Write(records.AsSpan(token * header.BytesPerToken, header.BytesPerToken), logits, kept, temperature, tail, new RandomStream(seed, (ulong)token), v);
                }
            }, workers);
            progress(first + (rows * data.Length));
        }

        return new(header, records);
    }

    static void Write(Span<byte> record, float[] logits, int k, double temperature, TailHandling tail, RandomStream random, int v)
    {
        float max = logits.Max();
        double[] p = new double[v];
        double sum = 0;
        for (int i = 0; i < v; i++)
        {
            sum += p[i] = Math.Exp((logits[i] - max) / temperature);
        }

        int[] ids = tail == TailHandling.Sample ? Draw(p, sum, k, random, out double[] kept) : Top(p, sum, k, out kept);
        Write(record, ids, kept, k, v);
    }

    /// <summary>Builds a file of entries that are known already.</summary>
    /// <param name="header">From <see cref="Describe"/>.</param>
    /// <param name="entries">Of a token by its position: at most k ids with their probabilities.</param>
    public static SignalFile Of(SignalHeader header, Func<long, IReadOnlyList<(int Id, double P)>> entries)
    {
        byte[] records = new byte[checked(header.Tokens * header.BytesPerToken)];
        for (long token = 0; token < header.Tokens; token++)
        {
            IReadOnlyList<(int Id, double P)> of = entries(token);
            Write(records.AsSpan(checked((int)(token * header.BytesPerToken)), header.BytesPerToken), [.. of.Select(e => e.Id)], [.. of.Select(e => e.P)], header.K, header.Vocabulary);
        }

        return new(header, records);
    }

    static void Write(Span<byte> record, int[] ids, double[] kept, int k, int v)
    {
        int idBytes = record.Length - (2 * k), bits = SignalHeader.IdBitsOf(v);
        for (int i = 0; i < ids.Length; i++)
        {
            for (int bit = 0; bit < bits; bit++)
            {
                int at = (i * bits) + bit;
                record[at / 8] |= (byte)(((ids[i] >> bit) & 1) << (at % 8));
            }

            BinaryPrimitives.WriteHalfLittleEndian(record[(idBytes + (2 * i))..], (Half)kept[i]);
        }
    }

    static int BitsAt(ReadOnlySpan<byte> bytes, int start, int count)
    {
        int at = start / 8;
        ulong window = 0;
        for (int i = 0; i < 4 && at + i < bytes.Length; i++)
        {
            window |= (ulong)bytes[at + i] << (8 * i);
        }

        return (int)((window >> (start % 8)) & ((1UL << count) - 1));
    }

    /// <summary>The k most probable, the lower id first among equals: a sorted short list that a new value enters from its end.</summary>
    static int[] Top(double[] p, double sum, int k, out double[] kept)
    {
        int[] ids = new int[k];
        int count = 0;
        for (int i = 0; i < p.Length; i++)
        {
            if (count == k && p[i] <= p[ids[k - 1]])
            {
                continue;
            }

            int at = count < k ? count++ : k - 1;
            for (; at > 0 && p[ids[at - 1]] < p[i]; at--)
            {
                ids[at] = ids[at - 1];
            }

            ids[at] = i;
        }

        kept = [.. ids.Select(i => p[i] / sum)];
        return ids;
    }

    /// <summary>k draws with replacement from p; equal draws are one entry with their share.</summary>
    static int[] Draw(double[] p, double sum, int k, RandomStream random, out double[] kept)
    {
        double[] at = [.. Enumerable.Range(0, k).Select(_ => random.NextDouble() * sum).Order()];
        List<int> ids = [];
        List<double> shares = [];
        double running = 0;
        int next = 0;
        for (int i = 0; i < p.Length && next < k; i++)
        {
            running += p[i];
            int draws = 0;
            for (; next < k && (at[next] < running || i == p.Length - 1); next++)
            {
                draws++;
            }

            if (draws > 0)
            {
                ids.Add(i);
                shares.Add((double)draws / k);
            }
        }

        kept = [.. shares];
        return [.. ids];
    }

    public void Save(string path) => AtomicFile.Write(path, stream =>
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Put(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            hash.AppendData(bytes);
        }

        byte[] header = JsonSerializer.SerializeToUtf8Bytes(Header);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, header.Length);
        Put(Magic);
        Put(length);
        Put(header);
        Put(_records);
        stream.Write(hash.GetHashAndReset());
    });

    /// <summary>Opens a file and refuses it for any teacher, tokenizer, data or treatment but its own, and when a byte of it has changed.</summary>
    public static SignalFile Open(string path, SignalHeader expected)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }

        int at = Magic.Length + 4;
        if (bytes.Length < at || !bytes.AsSpan(0, Magic.Length).SequenceEqual(Magic))
        {
            throw new UserError("this is no signal file", path, "Delete it; the next run computes it again.");
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(Magic.Length));
        if (length <= 0 || length > bytes.Length - at - SHA256.HashSizeInBytes)
        {
            throw new UserError("the header's length passes the end of the file", path, "Delete it; the next run computes it again.");
        }

        SignalHeader? header;
        try
        {
            header = JsonSerializer.Deserialize<SignalHeader>(bytes.AsSpan(at, length));
        }
        catch (JsonException)
        {
            header = null;
        }

        if (header is null)
        {
            throw new UserError("the header cannot be read", path, "Delete it; the next run computes it again.");
        }

        Same("teacher", header.Teacher, expected.Teacher);
        Same("tokenizer", header.Tokenizer, expected.Tokenizer);
        Same("data", header.Data, expected.Data);
        Same("vocabulary", header.Vocabulary, expected.Vocabulary);
        Same("k", header.K, expected.K);
        Same("temperature", header.Temperature, expected.Temperature);
        Same("tail", header.Tail, expected.Tail);
        Same("encoding", header.Encoding, expected.Encoding);
        Same("tokens", header.Tokens, expected.Tokens);
        byte[] records = bytes[(at + length)..^SHA256.HashSizeInBytes];
        if (records.Length != header.Tokens * header.BytesPerToken)
        {
            throw new UserError($"it holds {records.Length} bytes of records, its header promises {header.Tokens * header.BytesPerToken}", path, "The file is cut short; delete it, the next run computes it again.");
        }

        SignalFile file = new(header, records);
        return SHA256.HashData(bytes.AsSpan(0, bytes.Length - SHA256.HashSizeInBytes)).AsSpan().SequenceEqual(bytes.AsSpan(bytes.Length - SHA256.HashSizeInBytes)) && file.Holds()
            ? file
            : throw new UserError("the signal is damaged", path, "Delete it; the next run computes it again.");

        void Same<T>(string field, T found, T wanted)
        {
            if (!EqualityComparer<T>.Default.Equals(found, wanted))
            {
                throw new UserError($"the signal was made for another {field}: the file says {found}, this run has {wanted}", path, "Delete the file or name the run folder it belongs to.");
            }
        }
    }
}
