using Microsoft.AspNetCore.Http;
using Retort.Guard;
using Retort.Guard.Answers;
using Retort.Guard.OpenAi;

namespace Retort.Tests.Guard.Answers;

public class AnswerRelayTests
{
    sealed class Parts(int count, byte[] json) : PendingAnswer
    {
        int _given;

        public override long PromptTokens => 1;

        public override long MostTokens => 1;

        public override bool HasMore => false;

        public override ValueTask<ApiError?> Ask() => default;

        public override ValueTask<PartKind> Next()
        {
            Json = json;
            return new(_given++ < count ? PartKind.Json : PartKind.End);
        }

        public override ApiError Told() => throw new InvalidOperationException();

        public override void Abort(ApiError why)
        {
        }

        public override ValueTask DisposeAsync() => default;
    }

    /// <summary>A stream of 11,000 parts allocates what one of 1,000 does.</summary>
    [Fact]
    public void APartAllocatesNothing()
    {
        byte[] json = System.Text.Encoding.UTF8.GetBytes(FakeUpstream.Chunk("word"));
        Allocated(1000);
        Assert.Equal(Allocated(1000), Allocated(11_000));

        long Allocated(int parts)
        {
            DefaultHttpContext http = new();
            http.Response.Body = Stream.Null;
            using Passage passage = new(http, GuardRoute.Chat, 0) { Answer = new Parts(parts, json), Facts = new() { IsStream = true } };
            long before = GC.GetAllocatedBytesForCurrentThread();
            ValueTask<ApiError?> run = AnswerRelay.Run(passage, new(false, true, false, 3, false), TimeProvider.System);
            Assert.True(run.IsCompletedSuccessfully);
            Assert.Null(run.Result);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}
