using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Retort.Guard.Detector;

namespace Retort.Guard;

/// <summary>Where requests come from, as hashes under a key that follows from the pepper: without it nobody reads an address back from them.</summary>
/// <param name="hops">Proxies whose word counts; of others x-forwarded-for is not looked at.</param>
sealed class ClientOrigin(ReadOnlyMemory<byte> key, IReadOnlyList<IPAddress> hops)
{
    /// <summary>What a connection that keeps its address and agent was found to be.</summary>
    static readonly object s_known = new();

    const int LongestAgent = 256;

    public RequestOrigin Of(HttpContext http)
    {
        string? agent = http.Request.Headers.UserAgent;
        IDictionary<object, object?>? connection = hops.Count == 0 ? http.Features.Get<IConnectionItemsFeature>()?.Items : null;
        if (connection is not null && connection.TryGetValue(s_known, out object? found) && found is Known known && known.Agent == agent)
        {
            return known.Origin;
        }

        RequestOrigin origin = Of(Address(http), agent);
        connection?[s_known] = new Known(agent, origin);
        return origin;
    }

    sealed record Known(string? Agent, RequestOrigin Origin);

    RequestOrigin Of(IPAddress? address, string? agent)
    {
        if (address is null)
        {
            return new(0, 0, Agent(agent));
        }

        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return new(Hash(1, bytes), Hash(2, bytes[..(address.IsIPv4MappedToIPv6 || address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 15 : 6)]), Agent(agent));
    }

    /// <summary>The last address that was not said by a trusted hop of itself: each hop puts the one it heard from at the end.</summary>
    IPAddress? Address(HttpContext http)
    {
        IPAddress? address = http.Connection.RemoteIpAddress;
        if (address is null || hops.Count == 0)
        {
            return address;
        }

        string[] said = http.Request.Headers["x-forwarded-for"].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (int i = said.Length - 1; i >= 0 && IsHop(address) && IPAddress.TryParse(said[i], out IPAddress? before); i--)
        {
            address = before;
        }

        return address;
    }

    bool IsHop(IPAddress address) => hops.Any(h => h.MapToIPv6().Equals(address.MapToIPv6()));

    ulong Agent(string? agent)
    {
        if (string.IsNullOrEmpty(agent))
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[LongestAgent * 3];
        return Hash(3, bytes[..Encoding.UTF8.GetBytes(agent.AsSpan(0, Math.Min(agent.Length, LongestAgent)), bytes)]);
    }

    /// <summary>Never 0, which stands for not known.</summary>
    ulong Hash(byte kind, ReadOnlySpan<byte> content)
    {
        Span<byte> what = stackalloc byte[1 + (LongestAgent * 3)], hash = stackalloc byte[32];
        what[0] = kind;
        content.CopyTo(what[1..]);
        HMACSHA256.HashData(key.Span, what[..(content.Length + 1)], hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash) | 1;
    }
}
