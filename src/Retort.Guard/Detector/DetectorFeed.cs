using System.Buffers;
using System.Threading.Channels;

namespace Retort.Guard.Detector;

/// <summary>Where a request came from, as keyed hashes; 0 where it is not known.</summary>
/// <param name="Address">Of the client's address.</param>
/// <param name="Network">Of its network: 24 bits of an IPv4 address, 48 of an IPv6 one.</param>
/// <param name="Agent">Of the client's User-Agent.</param>
public readonly record struct RequestOrigin(ulong Address, ulong Network, ulong Agent);

/// <summary>A request that waits to be looked at; whoever takes it from the feed disposes it.</summary>
/// <param name="Route">As in the path, such as chat/completions.</param>
/// <param name="At">When it came, in milliseconds since 1970.</param>
public sealed record WaitingRequest(long Account, string Route, long At, RequestOrigin Origin, byte[] Rented, int Length) : IDisposable
{
    /// <summary>The JSON as it was sent.</summary>
    public ReadOnlyMemory<byte> Body => Rented.AsMemory(0, Length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(Rented);
}

/// <summary>
/// From the path to the detector. Never waits: what finds no room is left out and counted.
/// </summary>
/// <param name="most">Requests that may wait.</param>
/// <param name="mostBytes">Bytes of them all.</param>
public sealed class DetectorFeed(int most = 8192, long mostBytes = 64 << 20)
{
    readonly Channel<WaitingRequest> _waiting = Channel.CreateBounded<WaitingRequest>(new BoundedChannelOptions(most) { SingleReader = true });
    long _bytes, _offered, _dropped;

    /// <summary>Requests that were offered.</summary>
    public long Offered => Volatile.Read(ref _offered);

    /// <summary>Of those, the ones that found no room.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Hands over a copy of a request; false where there is no room.</summary>
    public bool Offer(long account, string route, long at, in RequestOrigin origin, ReadOnlySpan<byte> body)
    {
        Interlocked.Increment(ref _offered);
        if (Interlocked.Add(ref _bytes, body.Length) <= mostBytes)
        {
            byte[] rented = ArrayPool<byte>.Shared.Rent(Math.Max(body.Length, 1));
            body.CopyTo(rented);
            WaitingRequest waiting = new(account, route, at, origin, rented, body.Length);
            if (_waiting.Writer.TryWrite(waiting))
            {
                return true;
            }

            waiting.Dispose();
        }

        Interlocked.Add(ref _bytes, -body.Length);
        Interlocked.Increment(ref _dropped);
        return false;
    }

    /// <summary>The next request, once there is one; null when the feed is closed and empty.</summary>
    public async ValueTask<WaitingRequest?> Take(CancellationToken stop)
    {
        while (await _waiting.Reader.WaitToReadAsync(stop).ConfigureAwait(false))
        {
            if (_waiting.Reader.TryRead(out WaitingRequest? next))
            {
                Interlocked.Add(ref _bytes, -next.Length);
                return next;
            }
        }

        return null;
    }

    /// <summary>Nothing more will be offered.</summary>
    public void Close() => _waiting.Writer.TryComplete();
}
