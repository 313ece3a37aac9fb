using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Model.Inference;

/// <summary>
/// Keys and values of all sequences in pages of 32 positions. A page whose tokens are known stays after its sequence has ended, under its
/// tokens and the page before it, until its memory is wanted; a sequence that begins with the same tokens takes it up (Kwon et al., arXiv
/// 2309.06180, and the prefix reuse built on it). One thread uses a cache.
/// </summary>
sealed class PagedCache
{
    readonly Page[] _pages;
    readonly Stack<int> _free = new();
    readonly Dictionary<Prefix, int> _known = [];
    readonly LinkedList<int> _idle = new();
    long _serial;

    /// <param name="pages">Pages of 32 positions.</param>
    public PagedCache(LlamaConfig config, int pages)
    {
        Keys = [.. Enumerable.Range(0, config.Layers).Select(_ => new FloatBuffer(checked(pages * PagedAttention.KeyLength(config.KeyValueHeads, config.HeadSize))))];
        Values = [.. Enumerable.Range(0, config.Layers).Select(_ => new FloatBuffer(checked(pages * PagedAttention.ValueLength(config.KeyValueHeads, config.HeadSize))))];
        _pages = [.. Enumerable.Range(0, pages).Select(i => new Page { Place = new(i) })];
        for (int i = pages - 1; i >= 0; i--)
        {
            _free.Push(i);
        }
    }

    public FloatBuffer[] Keys { get; }

    public FloatBuffer[] Values { get; }

    public int Pages => _pages.Length;

    /// <summary>Pages no running sequence holds.</summary>
    public int Available => _free.Count + _idle.Count;

    /// <summary>Bytes of one page of all layers.</summary>
    public static long PageBytes(LlamaConfig config) =>
        sizeof(float) * (long)config.Layers * (PagedAttention.KeyLength(config.KeyValueHeads, config.HeadSize) + PagedAttention.ValueLength(config.KeyValueHeads, config.HeadSize));

    /// <summary>Takes up the pages whose tokens a prompt begins with; at least one token is left to be computed.</summary>
    /// <returns>The pages, each held once more.</returns>
    public List<int> Reuse(ReadOnlySpan<int> prompt)
    {
        List<int> pages = [];
        long before = 0;
        for (int at = 0; at + PagedAttention.Page < prompt.Length; at += PagedAttention.Page)
        {
            if (!_known.TryGetValue(new(before, prompt.Slice(at, PagedAttention.Page).ToArray()), out int page))
            {
                break;
            }

            Hold(page);
            pages.Add(page);
            before = _pages[page].Serial;
        }

        return pages;
    }

    /// <summary>An empty page, held once.</summary>
    /// <exception cref="InvalidOperationException">All are held.</exception>
    public int Take()
    {
        if (!_free.TryPop(out int page))
        {
            page = _idle.First?.Value ?? throw new InvalidOperationException("PagedCache.Take: every page is held.");
            _idle.RemoveFirst();
            Forget(page);
        }

        _pages[page].Holders = 1;
        return page;
    }

    /// <summary>Makes a full page known by its tokens, so that others may take it up. Where the same tokens are known already, that page stays.</summary>
    /// <param name="before">The page before it, or −1 at the start of a sequence.</param>
    public void Publish(int page, int before, ReadOnlySpan<int> tokens)
    {
        long serial = before < 0 ? 0 : _pages[before].Serial;
        if (before >= 0 && serial == 0)
        {
            return;
        }

        Prefix prefix = new(serial, tokens.ToArray());
        if (_known.TryAdd(prefix, page))
        {
            _pages[page].Serial = ++_serial;
            _pages[page].Prefix = prefix;
        }
    }

    public void Release(int page)
    {
        Page p = _pages[page];
        if (--p.Holders > 0)
        {
            return;
        }

        if (p.Prefix is null)
        {
            _free.Push(page);
        }
        else
        {
            _idle.AddLast(p.Place);
        }
    }

    void Hold(int page)
    {
        Page p = _pages[page];
        if (p.Holders++ == 0)
        {
            _idle.Remove(p.Place);
        }
    }

    void Forget(int page)
    {
        Page p = _pages[page];
        _known.Remove(p.Prefix!);
        (p.Prefix, p.Serial) = (null, 0);
    }

    sealed class Page
    {
        public int Holders { get; set; }

        /// <summary>Its number among all that were ever published; 0 for one that is not. A page's followers are known under it.</summary>
        public long Serial { get; set; }

        public Prefix? Prefix { get; set; }

        public required LinkedListNode<int> Place { get; init; }
    }

    /// <summary>What a page holds: its tokens, after everything that the page before it stands for.</summary>
    sealed class Prefix(long before, int[] tokens) : IEquatable<Prefix>
    {
        readonly long _before = before;
        readonly int[] _tokens = tokens;

        public bool Equals(Prefix? other) => other is not null && other._before == _before && other._tokens.AsSpan().SequenceEqual(_tokens);

        public override bool Equals(object? obj) => Equals(obj as Prefix);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.Add(_before);
            foreach (int token in _tokens)
            {
                hash.Add(token);
            }

            return hash.ToHashCode();
        }
    }
}
