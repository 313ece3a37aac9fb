using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Retort.Guard.Answers;

/// <summary>
/// One connection to an upstream, HTTP/1.1 (RFC 9112), for one request after another. Reading a part of a body allocates nothing, which the system's client does
/// for every part. What is malformed ends in an <see cref="IOException"/>, as a connection that breaks does.
/// </summary>
sealed class UpstreamConnection : IDisposable
{
    const int BufferLength = 8 << 10, MostHead = 32 << 10, MostLine = 4 << 10;

    static readonly TimeSpan s_connect = TimeSpan.FromSeconds(10);

    readonly Socket _socket;
    readonly Stream _stream;
    byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
    int _start, _end;

    /// <summary>Of the body, or of its chunk, bytes still to come; below 0 until the connection ends.</summary>
    long _left;
    bool _isChunked, _isBehindChunk, _isLast, _hasEnded, _staysOpen;

    UpstreamConnection(Socket socket, Stream stream) => (_socket, _stream) = (socket, stream);

    /// <summary>Whether a request went over it before this one.</summary>
    public bool WasUsed { get; private set; }

    /// <summary>Whether anything of this request's answer has come.</summary>
    public bool HasHeard { get; private set; }

    /// <summary>Since when it waits for another request, as the clock's time stamp.</summary>
    public long IdleSince { get; set; }

    /// <summary>Whether the last answer was read to its end and another request may follow.</summary>
    public bool IsReusable => _hasEnded && _staysOpen && _start == _end;

    /// <summary>Connects.</summary>
    /// <exception cref="IOException">Nobody answers there.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static async ValueTask<UpstreamConnection> Open(Uri url, CancellationToken stop)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(s_connect);
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(url.IdnHost, url.Port), limit.Token).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (url.Scheme == Uri.UriSchemeHttps)
            {
                SslStream secured = new(stream);
                stream = secured;
                await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = url.IdnHost, ApplicationProtocols = [SslApplicationProtocol.Http11] }, limit.Token).ConfigureAwait(false);
            }

            UpstreamConnection made = new(socket, stream);
            (socket, stream) = (null!, null);
            return made;
        }
        catch (Exception e) when (e is SocketException or System.Security.Authentication.AuthenticationException)
        {
            throw new IOException(e.Message, e);
        }
        finally
        {
            stream?.Dispose();
            socket?.Dispose();
        }
    }

    /// <summary>Whether the other side has ended it while it waited.</summary>
    public bool IsStale => _socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Sends a whole request.</summary>
    public ValueTask Send(ReadOnlyMemory<byte> request)
    {
        (HasHeard, _hasEnded, _staysOpen) = (false, false, false);
        return _stream.WriteAsync(request);
    }

    /// <summary>Reads up to the body of the answer.</summary>
    public async ValueTask<UpstreamHead> Head()
    {
        while (true)
        {
            int length;
            while ((length = _buffer.AsSpan(_start.._end).IndexOf("\r\n\r\n"u8)) < 0)
            {
                await Fill(MostHead).ConfigureAwait(false);
            }

            UpstreamHead head = UpstreamHead.Parse(_buffer.AsSpan(_start, length + 2));
            _start += length + 4;
            if (head.Status >= 200)
            {
                Begin(head);
                return head;
            }
        }
    }

    /// <summary>The next bytes of the body; 0 at its end.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> Read(Memory<byte> to)
    {
        while (_isChunked && _left == 0 && !_hasEnded)
        {
            int line;
            while ((line = _buffer.AsSpan(_start.._end).IndexOf((byte)'\n')) < 0)
            {
                await Fill(MostLine).ConfigureAwait(false);
            }

            Chunk(_buffer.AsSpan(_start, line));
            _start += line + 1;
        }

        if (_hasEnded || _left == 0)
        {
            _hasEnded = true;
            return 0;
        }

        int most = _left < 0 ? to.Length : (int)Math.Min(to.Length, _left), read;
        if (_start == _end && (!_isChunked || _left >= BufferLength))
        {
            read = await _stream.ReadAsync(to[..most]).ConfigureAwait(false);
        }
        else
        {
            if (_start == _end)
            {
                await Fill(BufferLength).ConfigureAwait(false);
            }

            read = Math.Min(most, _end - _start);
            _buffer.AsSpan(_start, read).CopyTo(to.Span);
            _start += read;
        }

        if (_left < 0)
        {
            _hasEnded = read == 0;
            return read;
        }

        _left -= read == 0 ? throw new IOException("The answer was cut off.") : read;
        _hasEnded = _left == 0 && !_isChunked;
        return read;
    }

    /// <summary>Breaks it off, from whatever thread: who waits for bytes gets an exception.</summary>
    public void Abort() => _socket.Dispose();

    public void Dispose()
    {
        _stream.Dispose();
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    void Begin(UpstreamHead head)
    {
        (_isChunked, _isBehindChunk, _isLast, _staysOpen) = (head.IsChunked, false, false, head.StaysOpen);
        _left = head.IsChunked || head.Status is 204 or 304 ? 0 : head.Length ?? -1;
        _hasEnded = !head.IsChunked && _left == 0;
        _staysOpen &= _left >= 0;
    }

    /// <summary>A line between chunks: the empty one behind a chunk, a chunk's length, or behind the last chunk trailers up to an empty line.</summary>
    void Chunk(ReadOnlySpan<byte> line)
    {
        line = line.EndsWith("\r"u8) ? line[..^1] : throw new IOException("A chunk's line does not end in CR LF.");
        if (_isBehindChunk)
        {
            _isBehindChunk = line.IsEmpty ? false : throw new IOException("A chunk is longer than it says.");
        }
        else if (_isLast)
        {
            _hasEnded = line.IsEmpty;
            _isLast = !line.IsEmpty;
        }
        else
        {
            int digits = line.IndexOfAny(";"u8) is >= 0 and var extension ? extension : line.Length;
            if (digits is 0 or > 8 || !System.Buffers.Text.Utf8Parser.TryParse(line[..digits].TrimEnd((byte)' '), out uint length, out int read, 'x') || read != line[..digits].TrimEnd((byte)' ').Length)
            {
                throw new IOException("A chunk has no length.");
            }

            (_left, _isLast, _isBehindChunk) = (length, length == 0, length != 0);
        }
    }

    /// <summary>Reads more into the buffer, which has room for so many bytes at most.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    async ValueTask Fill(int most)
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _buffer.Length)
        {
            int held = _end - _start;
            if (held >= most)
            {
                throw new IOException("A line is too long.");
            }

            byte[] larger = held > _buffer.Length / 2 ? ArrayPool<byte>.Shared.Rent(_buffer.Length * 2) : _buffer;
            _buffer.AsSpan(_start, held).CopyTo(larger);
            if (larger != _buffer)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = larger;
            }

            (_start, _end) = (0, held);
        }

        int read = await _stream.ReadAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
        if (read == 0 && _left >= 0)
        {
            throw new IOException("The connection ended.");
        }

        HasHeard |= read > 0;
        WasUsed = true;
        _end += read;
    }
}
