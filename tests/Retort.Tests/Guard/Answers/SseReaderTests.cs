using System.Text;
using Retort.Guard.Answers;

namespace Retort.Tests.Guard.Answers;

public class SseReaderTests
{
    const string Stream = ": hello\n\nevent: a\ndata: one\n\ndata:two\r\n\r\nid: 4\ndata: three\ndata: four\ndata:\n\nevent: left\n\ndata: [DONE]\n\ndata: cut";

    static readonly (string, string)[] s_events = [("a", "one"), ("", "two"), ("", "three\nfour\n"), ("", "[DONE]")];

    /// <summary>However the bytes are cut.</summary>
    [Fact]
    public void EventsAreFoundAtEveryCut()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Stream);
        for (int size = 1; size <= bytes.Length; size++)
        {
            using SseReader reader = new(1000);
            List<(string, string)> found = [];
            for (int at = 0; at < bytes.Length; at += size)
            {
                int count = Math.Min(size, bytes.Length - at);
                bytes.AsMemory(at, count).CopyTo(reader.Room());
                reader.Came(count);
                while (reader.Next())
                {
                    found.Add((Encoding.UTF8.GetString(reader.Name.Span), Encoding.UTF8.GetString(reader.Data.Span)));
                }
            }

            Assert.Equal(s_events, found);
        }
    }

    [Fact]
    public void AnEventWithoutEndIsNoticed()
    {
        using SseReader reader = new(100);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(i > 5, reader.IsTooLong);
            reader.Room().Span[..20].Fill((byte)'a');
            reader.Came(20);
            Assert.False(reader.Next());
        }
    }
}
