using System.Net;
using System.Net.Sockets;
using System.Text;
using Retort.Guard;
using Retort.Guard.Answers;
using Retort.Guard.Hardening;

namespace Retort.Tests.Guard.Answers;

public class UpstreamAnswerTests
{
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
