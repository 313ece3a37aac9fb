using System.Net;
using System.Net.Sockets;
using System.Text;
using Retort.Guard;
using Retort.Guard.Answers;
using Retort.Guard.Hardening;

namespace Retort.Tests.Guard.Answers;

/// <summary>Tests that count what the whole process allocates run after all others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

[Collection(Alone.Name)]
public class UpstreamAnswerTests
{
    const string Json = "Content-Type: application/json\r\n";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n" + Json + "Content-Length: 2\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + Json + "content-length:2\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 200 OK\r\n" + Json + "\r\n{\"a\":1}", "{\"a\":1}")]
    [InlineData("HTTP/1.0 200 OK\r\n" + Json + "Content-Length: 2\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: 1\r\n\r\n", "{}")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "upstream_broke_off")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n", "upstream_broke_off")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", "upstream_broke_off")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", "upstream_broke_off")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "upstream_broke_off")]
    [InlineData("HTTP/1.1 200 OK\r\n" + Json + "Content-Length: 3\r\n\r\n{}", "upstream_broke_off")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "upstream_unreachable")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "upstream_unreachable")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "upstream_unreachable")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", "upstream_unreachable")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n{}", "upstream_unreachable")]
    [InlineData("SSH-2.0\r\n\r\n", "upstream_unreachable")]
    [InlineData("", "upstream_unreachable")]
    public async Task WhateverAnUpstreamSaysIsReadOrRefused(string said, string outcome)
    {
        using Socket listener = Listen();
        Thread server = new(() =>
        {
            using Socket socket = listener.Accept();
            socket.NoDelay = true;
            socket.Receive(new byte[4096]);
            foreach (byte b in Encoding.ASCII.GetBytes(said))
            {
                socket.Send([b]);
            }

            socket.Shutdown(SocketShutdown.Send);
            socket.Receive(new byte[1]);
        });
        server.Start();
        using (UpstreamModel model = new(UpstreamModel.Url(Url(listener)), null))
        {
            Assert.Equal(outcome, await Ask(model));
        }

        server.Join();
    }

    /// <summary>A connection that the other side ended while it waited, and one that it ends just as it is used again: both are replaced, and the question is asked once by each.</summary>
    [Fact]
    public async Task AConnectionThatWasEndedIsReplaced()
    {
        using Socket listener = Listen();
        int connections = 0, questions = 0;
        Thread server = new(() =>
        {
            for (; connections < 3; connections++)
            {
                using Socket socket = listener.Accept();
                socket.Receive(new byte[4096]);
                socket.Send(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}"));
                questions++;
                if (connections == 1)
                {
                    // Read and not answered.
                    socket.Receive(new byte[4096]);
                }
            }
        });
        server.Start();
        using UpstreamModel model = new(UpstreamModel.Url(Url(listener)), null);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("{}", await Ask(model));
        }

        server.Join();
        Assert.Equal(3, questions);
    }

    [Fact]
    public void DamagedHeads()
    {
        byte[] whole = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\nRetry-After: 3\r\nContent-Type: text/event-stream\r\n");
        Random random = new(7);
        int read = 0;
        for (int i = 0; i < 50_000; i++)
        {
            byte[] head = [.. whole];
            for (int changes = random.Next(1, 5); changes > 0; changes--)
            {
                head[random.Next(head.Length - 2)] = (byte)":\r\n 0+-aT\t\x7f"[random.Next(11)];
            }

            Exception? e = Record.Exception(() => UpstreamHead.Parse(head));
            Assert.True(e is null or IOException, $"{e}");
            read += e is null ? 1 : 0;
        }

        Assert.InRange(read, 1000, 49_000);
    }

    static Socket Listen()
    {
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }

    static string Url(Socket listener) => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndPoint!).Port}/v1";

    /// <summary>The answer, or the code of what went wrong.</summary>
    static async Task<string> Ask(UpstreamModel model)
    {
        await using PendingAnswer answer = model.Prepare(RouteKind.Chat, Encoding.UTF8.GetBytes(PathWorld.Question), new RequestFacts { Begin = 1 }, null, out _);
        return await answer.Ask() is { } refused ? refused.Code! : await answer.Next() == PartKind.Json ? Encoding.UTF8.GetString(answer.Json.Span) : answer.Failure!.Code!;
    }

    [Fact]
    public async Task APartOfAnUpstreamsStreamAllocatesNothing()
    {
        byte[] head = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"), data = Encoding.UTF8.GetBytes($"data: {FakeUpstream.Chunk("word")}\n\n");
        byte[] chunk = [.. Encoding.ASCII.GetBytes($"{data.Length:x}\r\n"), .. data, .. "\r\n"u8];
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using SemaphoreSlim asked = new(0);
        Thread server = new(() =>
        {
            using Socket socket = listener.Accept();
            socket.NoDelay = true;
            socket.Receive(new byte[4096]);
            socket.Send(head);
            for (int i = 0; i < 12_000; i++)
            {
                asked.Wait();
                socket.Send(chunk);
            }
        });
        server.Start();
        using UpstreamModel model = new(UpstreamModel.Url($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndPoint!).Port}/v1"), null);
        await using PendingAnswer answer = model.Prepare(RouteKind.Chat, Encoding.UTF8.GetBytes(PathWorld.StreamQuestion), new RequestFacts { IsStream = true, Begin = 1 }, null, out _);
        Assert.Null(await answer.Ask());
        long before = 0;
        for (int i = 0; i < 12_000; i++)
        {
            if (i == 2000)
            {
                before = GC.GetTotalAllocatedBytes(true);
            }

            ValueTask<PartKind> next = answer.Next();
            asked.Release();
            if (await next != PartKind.Json)
            {
                Assert.Fail("no part");
            }
        }

        long each = (GC.GetTotalAllocatedBytes(true) - before) / 10_000;
        server.Join();
        Assert.True(each < 8, $"{each} bytes a part");
    }
}
