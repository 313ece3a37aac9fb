using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Retort.Kernels;

// Shapes: heads of D channels; a page holds P = 32 positions: keys [key-value heads, D, 32], values [key-value heads, 32, V], V = D rounded
// up to 16. q_TQ and o_TQ are rows of all query heads, [tokens, heads · D].

/// <summary>
/// Attention of tokens in a row to everything before them and themselves, o = softmax(q·kᵀ/√D)·v, keys and values lying in pages of a cache.
/// Lanes are positions for the scores and channels for the sums. What a token gets is the same bits whether it comes alone or with others.
/// </summary>
public static unsafe class PagedAttention
{
    /// <summary>Positions of one page.</summary>
    public const int Page = 32;

    const float Never = -1e30f;

    /// <summary>Rows that pass over keys and values together; where fewer are left, the last one's scores are computed again, to nowhere.</summary>
    const int Tile = 4;

    /// <summary>Floats of one position's values of one head.</summary>
    public static int ValueWidth(int size) => (size + 15) / 16 * 16;

    /// <summary>Floats of a page's keys.</summary>
    public static int KeyLength(int keyHeads, int size) => keyHeads * size * Page;

    /// <summary>Floats of a page's values.</summary>
    public static int ValueLength(int keyHeads, int size) => keyHeads * ValueWidth(size) * Page;

    /// <summary>Floats of scratch <see cref="Forward"/> needs.</summary>
    /// <param name="pages">Pages of the sequence.</param>
    /// <param name="rows">Tokens times query heads of one key-value head.</param>
    public static int Scratch(int pages, int rows, int size) => checked((rows + Tile - 1) * ((pages * Page) + ValueWidth(size)));

    /// <summary>Puts one token's keys and values into their place.</summary>
    /// <param name="keys">The page's keys.</param>
    /// <param name="values">The page's values.</param>
    /// <param name="place">Which of the page's positions.</param>
    public static void Store(Span<float> keys, Span<float> values, ReadOnlySpan<float> k_GD, ReadOnlySpan<float> v_GD, int place, int keyHeads, int size)
    {
        int width = ValueWidth(size);
        Shape.Within("PagedAttention.Store", "place", place, Page);
        Shape.Holds("PagedAttention.Store", "keys", keys.Length, KeyLength(keyHeads, size));
        Shape.Holds("PagedAttention.Store", "values", values.Length, ValueLength(keyHeads, size));
        for (int c = 0; c < keyHeads * size; c++)
        {
            keys[(c * Page) + place] = k_GD[c];
        }

        for (int g = 0; g < keyHeads; g++)
        {
            v_GD.Slice(g * size, size).CopyTo(values[(((g * Page) + place) * width)..]);
        }
    }

    /// <summary>The query heads of one key-value head for tokens in a row of one sequence.</summary>
    /// <param name="o_TQ">Output; these heads' channels of every row are written.</param>
    /// <param name="keys">All pages' keys; finite wherever a page of this sequence lies.</param>
    /// <param name="values">All pages' values.</param>
    /// <param name="pages_P">The sequence's pages in order of its positions.</param>
    /// <param name="first">Position of the first token; its own keys and values are stored already, as are those of the others.</param>
    /// <param name="tokens">T.</param>
    public static void Forward(
        Span<float> o_TQ, ReadOnlySpan<float> q_TQ, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, ReadOnlySpan<int> pages_P, int first, int tokens, int heads, int keyHeads, int size, int keyHead, Span<float> scratch)
    {
        int last = first + tokens, used = (last + Page - 1) / Page;
        Shape.Holds("PagedAttention.Forward", "o", o_TQ.Length, (long)tokens * heads * size);
        Shape.Holds("PagedAttention.Forward", "q", q_TQ.Length, (long)tokens * heads * size);
        Shape.Holds("PagedAttention.Forward", "pages", pages_P.Length, used);
        Shape.Within("PagedAttention.Forward", "page", pages_P[..used], Math.Min(keys.Length / KeyLength(keyHeads, size), values.Length / ValueLength(keyHeads, size)));
        Shape.Holds("PagedAttention.Forward", "scratch", scratch.Length, Scratch(used, tokens * heads / keyHeads, size));
        fixed (float* o = o_TQ, q = q_TQ, k = keys, v = values, s = scratch)
        fixed (int* pages = pages_P)
        {
            Place at = new(first, tokens, heads / keyHeads, heads * size, size, KeyLength(keyHeads, size), ValueLength(keyHeads, size));
            nint head = (nint)keyHead * (heads / keyHeads) * size;
            float* key = k + ((nint)keyHead * size * Page), value = v + ((nint)keyHead * ValueWidth(size) * Page);
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Rows<Lanes512, Vector512<float>>(o + head, q + head, key, value, pages, at, s); break;
                case VectorPath.Vector256: Rows<Lanes256, Vector256<float>>(o + head, q + head, key, value, pages, at, s); break;
                case VectorPath.Vector128: Rows<Lanes128, Vector128<float>>(o + head, q + head, key, value, pages, at, s); break;
                default: Rows<Lanes1, float>(o + head, q + head, key, value, pages, at, s); break;
            }
        }
    }

    /// <summary>Where rows and pages lie.</summary>
    /// <param name="Group">Query heads of one key-value head.</param>
    /// <param name="Stride">Floats from one token's queries to the next one's.</param>
    /// <param name="KeyPage">Floats from page to page of keys.</param>
    /// <param name="ValuePage">The same of values.</param>
    internal readonly record struct Place(int First, int Tokens, int Group, int Stride, int Size, nint KeyPage, nint ValuePage)
    {
        /// <summary>Where a row of queries starts, token after token and head after head.</summary>
        public nint Row(int row) => ((nint)(row / Group) * Stride) + (row % Group * Size);

        /// <summary>Positions a row attends to.</summary>
        public int Reach(int row) => First + (row / Group) + 1;
    }

    /// <summary>Page by page, so that a page's keys, and later its values, stay near while all rows pass over them.</summary>
    internal static void Rows<W, V>(float* o, float* q, float* k, float* v, int* pages, in Place at, float* s) where W : struct, ILanes<V> where V : struct
    {
        int rows = at.Tokens * at.Group, used = (at.Reach(rows - 1) + Page - 1) / Page, width = ValueWidth(at.Size);
        nint line = (nint)used * Page;
        float* sums = s + ((rows + Tile - 1) * line);
        for (int page = 0; page < used; page++)
        {
            float* key = k + (pages[page] * at.KeyPage), to = s + (page * Page);
            nint ahead = (pages[Math.Min(page + 1, used - 1)] - (nint)pages[page]) * at.KeyPage;
            int row = FirstRow(page, at);
            for (; row + 1 < rows; row += Tile, ahead = 0)
            {
                Scores4<W, V>(to + (row * line), line, q + at.Row(row), q + at.Row(row + 1), q + at.Row(Math.Min(row + 2, rows - 1)), q + at.Row(Math.Min(row + 3, rows - 1)), key, ahead, at.Size);
            }

            if (row < rows)
            {
                Scores1<W, V>(to + (row * line), q + at.Row(row), key, ahead, at.Size);
            }
        }

        float* inverse = stackalloc float[rows];
        for (int row = 0; row < rows; row++)
        {
            inverse[row] = Weigh<W, V>(s + (row * line), at.Reach(row));
        }

        new Span<float>(sums, (rows + Tile - 1) * width).Clear();
        for (int page = 0; page < used; page++)
        {
            float* value = v + (pages[page] * at.ValuePage), p = s + (page * Page);
            nint ahead = (pages[Math.Min(page + 1, used - 1)] - (nint)pages[page]) * at.ValuePage;
            int row = FirstRow(page, at);
            for (; row + 1 < rows; row += Tile, ahead = 0)
            {
                for (int c = 0; c < width; c += 2 * W.Count)
                {
                    Sums4<W, V>(sums + (row * (nint)width) + c, width, c, p + (row * line), line, value, ahead);
                }
            }

            if (row < rows)
            {
                for (int c = 0; c < width; c += 2 * W.Count)
                {
                    Sums1<W, V>(sums + (row * (nint)width) + c, width, c, p + (row * line), value, ahead);
                }
            }
        }

        for (int row = 0; row < rows; row++)
        {
            float* to = o + at.Row(row), from = sums + (row * (nint)width);
            for (int c = 0; c < at.Size; c++)
            {
                to[c] = from[c] * inverse[row];
            }
        }
    }

    /// <summary>The first row whose reach is past the start of a page; every row of its last page has weights there.</summary>
    static int FirstRow(int page, in Place at) => Math.Max(0, ((page * Page) - at.First) * at.Group);

    /// <summary>Asks for two vectors of the next page: no processor foretells where it lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Ahead(float* next, int second)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(next);
            Sse.Prefetch0(next + second);
        }
    }

    /// <summary>Scores to weights not yet divided by their sum; those of the last page's positions past the row's reach become 0.</summary>
    /// <returns>One over the sum.</returns>
    static float Weigh<W, V>(float* s, int reach) where W : struct, ILanes<V> where V : struct
    {
        int own = (reach + Page - 1) / Page * Page;
        new Span<float>(s + reach, own - reach).Fill(Never);
        return 1f / Softmax.Exponentials<W, V>(s, own, Softmax.Max<W, V>(s, own), 1f);
    }

    /// <param name="line">Floats from one row's scores to the next one's.</param>
    /// <param name="ahead">Floats from this page to the next.</param>
    static void Scores4<W, V>(float* s, nint line, float* q0, float* q1, float* q2, float* q3, float* k, nint ahead, int size) where W : struct, ILanes<V> where V : struct
    {
        V scale = W.Broadcast(1f / MathF.Sqrt(size));
        for (int l = 0; l < Page; l += 2 * W.Count)
        {
            float* key = k + l;
            V a0 = W.Broadcast(0f), b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
            for (int d = 0; d < size; d++, key += Page)
            {
                Ahead(key + ahead, W.Count);
                V x = W.Load(key), y = W.Load(key + W.Count), u = W.Broadcast(q0[d]);
                a0 = W.MultiplyAdd(u, x, a0);
                b0 = W.MultiplyAdd(u, y, b0);
                u = W.Broadcast(q1[d]);
                a1 = W.MultiplyAdd(u, x, a1);
                b1 = W.MultiplyAdd(u, y, b1);
                u = W.Broadcast(q2[d]);
                a2 = W.MultiplyAdd(u, x, a2);
                b2 = W.MultiplyAdd(u, y, b2);
                u = W.Broadcast(q3[d]);
                a3 = W.MultiplyAdd(u, x, a3);
                b3 = W.MultiplyAdd(u, y, b3);
            }

            float* to = s + l;
            Put<W, V>(to, a0, b0, scale);
            Put<W, V>(to + line, a1, b1, scale);
            Put<W, V>(to + (2 * line), a2, b2, scale);
            Put<W, V>(to + (3 * line), a3, b3, scale);
        }
    }

    static void Scores1<W, V>(float* s, float* q, float* k, nint ahead, int size) where W : struct, ILanes<V> where V : struct
    {
        V scale = W.Broadcast(1f / MathF.Sqrt(size));
        for (int l = 0; l < Page; l += 2 * W.Count)
        {
            float* key = k + l;
            V a = W.Broadcast(0f), b = a;
            for (int d = 0; d < size; d++, key += Page)
            {
                Ahead(key + ahead, W.Count);
                V u = W.Broadcast(q[d]);
                a = W.MultiplyAdd(u, W.Load(key), a);
                b = W.MultiplyAdd(u, W.Load(key + W.Count), b);
            }

            Put<W, V>(s + l, a, b, scale);
        }
    }

    /// <summary>Adds one page's weighted values to the sums of four rows, two vectors of channels from <paramref name="c"/> on; where only one is left it does
    /// the same one twice.</summary>
    static void Sums4<W, V>(float* sums, nint width, int c, float* p, nint line, float* v, nint ahead) where W : struct, ILanes<V> where V : struct
    {
        int second = c + W.Count < width ? W.Count : 0;
        float* s1 = sums + width, s2 = s1 + width, s3 = s2 + width, value = v + c;
        V a0 = W.Load(sums), b0 = W.Load(sums + second), a1 = W.Load(s1), b1 = W.Load(s1 + second), a2 = W.Load(s2), b2 = W.Load(s2 + second), a3 = W.Load(s3), b3 = W.Load(s3 + second);
        for (int i = 0; i < Page; i++, value += width, p++)
        {
            Ahead(value + ahead, second);
            V x = W.Load(value), y = W.Load(value + second), u = W.Broadcast(p[0]);
            a0 = W.MultiplyAdd(u, x, a0);
            b0 = W.MultiplyAdd(u, y, b0);
            u = W.Broadcast(p[line]);
            a1 = W.MultiplyAdd(u, x, a1);
            b1 = W.MultiplyAdd(u, y, b1);
            u = W.Broadcast(p[2 * line]);
            a2 = W.MultiplyAdd(u, x, a2);
            b2 = W.MultiplyAdd(u, y, b2);
            u = W.Broadcast(p[3 * line]);
            a3 = W.MultiplyAdd(u, x, a3);
            b3 = W.MultiplyAdd(u, y, b3);
        }

        W.Store(sums, a0);
        W.Store(sums + second, b0);
        W.Store(s1, a1);
        W.Store(s1 + second, b1);
        W.Store(s2, a2);
        W.Store(s2 + second, b2);
        W.Store(s3, a3);
        W.Store(s3 + second, b3);
    }

    static void Sums1<W, V>(float* sums, int width, int c, float* p, float* v, nint ahead) where W : struct, ILanes<V> where V : struct
    {
        int second = c + W.Count < width ? W.Count : 0;
        float* value = v + c;
        V a = W.Load(sums), b = W.Load(sums + second);
        for (int i = 0; i < Page; i++, value += width)
        {
            Ahead(value + ahead, second);
            V u = W.Broadcast(p[i]);
            a = W.MultiplyAdd(u, W.Load(value), a);
            b = W.MultiplyAdd(u, W.Load(value + second), b);
        }

        W.Store(sums, a);
        W.Store(sums + second, b);
    }

    static void Put<W, V>(float* s, V a, V b, V scale) where W : struct, ILanes<V> where V : struct
    {
        W.Store(s, W.Multiply(a, scale));
        W.Store(s + W.Count, W.Multiply(b, scale));
    }
}
