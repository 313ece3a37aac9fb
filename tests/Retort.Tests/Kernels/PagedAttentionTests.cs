using Retort.Kernels;

namespace Retort.Tests.Kernels;

public class PagedAttentionTests
{
    const int Page = PagedAttention.Page;

    public static TheoryData<int, int, int, int> Cases => new()
    {
        { 1, 1, 8, 1 }, { 4, 2, 6, 33 }, { 9, 3, 64, 100 }, { 6, 6, 20, 64 }, { 8, 2, 80, 70 }, { 2, 1, 128, 31 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void EqualsSoftmaxInDouble(int heads, int keyHeads, int size, int tokens)
    {
        Cache cache = new(heads, keyHeads, size, tokens);
        float[] o = cache.Attend(0, tokens);
        double[] expected = new double[o.Length];
        for (int t = 0; t < tokens; t++)
        {
            for (int h = 0; h < heads; h++)
            {
                int g = h / (heads / keyHeads);
                double[] p = new double[t + 1];
                for (int s = 0; s <= t; s++)
                {
                    for (int c = 0; c < size; c++)
                    {
                        p[s] += (double)cache.Q[(((t * heads) + h) * size) + c] * cache.K[(((s * keyHeads) + g) * size) + c];
                    }

                    p[s] = Math.Exp(p[s] / Math.Sqrt(size));
                }

                double sum = p.Sum();
                for (int c = 0; c < size; c++)
                {
                    expected[(((t * heads) + h) * size) + c] = Enumerable.Range(0, t + 1).Sum(s => p[s] / sum * cache.V[(((s * keyHeads) + g) * size) + c]);
                }
            }
        }

        Near.Equal(expected, o, 3e-6, "o");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ATokenGetsTheSameBitsAloneAndWithOthers(int heads, int keyHeads, int size, int tokens)
    {
        Cache cache = new(heads, keyHeads, size, tokens);
        float[] all = cache.Attend(0, tokens);
        int row = heads * size;
        for (int t = 0; t < tokens; t += 1 + (t % 3))
        {
            int count = Math.Min(1 + (t % 3), tokens - t);
            Assert.Equal(all.AsSpan(t * row, count * row).ToArray(), cache.Attend(t, count));
        }
    }

    [Fact]
    public void AWrongShapeIsNamed()
    {
        float[] x = new float[8], k = new float[PagedAttention.KeyLength(1, 8)], v = new float[PagedAttention.ValueLength(1, 8)], s = new float[PagedAttention.Scratch(1, 1, 8)];
        void Run(int o, int q, int[] pages, int scratch) => PagedAttention.Forward(x.AsSpan(0, o), x.AsSpan(0, q), k, v, pages, 0, 1, 1, 1, 8, 0, s.AsSpan(0, scratch));
        Run(8, 8, [0], s.Length);
        Near.Refuses("PagedAttention.Forward", "o", () => Run(7, 8, [0], s.Length));
        Near.Refuses("PagedAttention.Forward", "q", () => Run(8, 7, [0], s.Length));
        Near.Refuses("PagedAttention.Forward", "pages", () => Run(8, 8, [], s.Length));
        Near.Refuses("PagedAttention.Forward", "page", () => Run(8, 8, [1], s.Length));
        Near.Refuses("PagedAttention.Forward", "scratch", () => Run(8, 8, [0], s.Length - 1));
        Near.Refuses("PagedAttention.Store", "place", () => PagedAttention.Store(k, v, x, x, Page, 1, 8));
    }

    /// <summary>One sequence in pages that lie out of order among others, which hold large numbers.</summary>
    sealed class Cache
    {
        readonly int _heads;
        readonly int _keyHeads;
        readonly int _size;
        readonly int[] _pages;
        readonly float[] _keys;
        readonly float[] _values;

        public Cache(int heads, int keyHeads, int size, int tokens)
        {
            (_heads, _keyHeads, _size) = (heads, keyHeads, size);
            Q = Draw.Floats(1, tokens * heads * size, 2f);
            K = Draw.Floats(2, tokens * keyHeads * size, 2f);
            V = Draw.Floats(3, tokens * keyHeads * size);
            int pages = (tokens + Page - 1) / Page, keyPage = PagedAttention.KeyLength(keyHeads, size), valuePage = PagedAttention.ValueLength(keyHeads, size);
            _pages = [.. Enumerable.Range(0, pages).Select(p => (2 * (pages - p)) - 1)];
            _keys = Draw.Floats(4, 2 * pages * keyPage, 1e6f);
            _values = Draw.Floats(5, 2 * pages * valuePage, 1e6f);
            for (int t = 0; t < tokens; t++)
            {
                int page = _pages[t / Page], row = keyHeads * size;
                PagedAttention.Store(_keys.AsSpan(page * keyPage, keyPage), _values.AsSpan(page * valuePage, valuePage), K.AsSpan(t * row, row), V.AsSpan(t * row, row), t % Page, keyHeads, size);
            }
        }

        public float[] Q { get; }

        public float[] K { get; }

        public float[] V { get; }

        public float[] Attend(int first, int tokens)
        {
            int row = _heads * _size;
            float[] o = new float[tokens * row], scratch = new float[PagedAttention.Scratch(_pages.Length, tokens * _heads / _keyHeads, _size)];
            for (int g = 0; g < _keyHeads; g++)
            {
                PagedAttention.Forward(o, Q.AsSpan(first * row, tokens * row), _keys, _values, _pages, first, tokens, _heads, _keyHeads, _size, g, scratch);
            }

            return o;
        }
    }
}
