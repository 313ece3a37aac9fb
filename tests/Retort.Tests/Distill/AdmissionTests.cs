using System.Text;
using Retort.Asking;
using Retort.Distill;

namespace Retort.Tests.Distill;

public class AdmissionTests
{
    static StoredAnswer Answer(long request = 1, int place = 0, string text = "yes", string? finish = "stop", string? refusal = null, string? returned = "small", string? response = null, int asked = 1) => new(
        request, place, [1], new("https://a/v1", "org/small"), returned, Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"a"}],"n":{{asked}}}"""), response ?? $"id-{request}", null, new(text, finish, refusal, null));

    public static TheoryData<StoredAnswer, Exclusion?> Cases => new()
    {
        { Answer(), null },
        { Answer(finish: null), null },
        { Answer(returned: null), null },
        { Answer(returned: "small-2026-01-31"), null },
        { Answer(returned: "other/Small"), null },
        { Answer(place: 1, asked: 2), null },
        { Answer(finish: "length"), Exclusion.Unfinished },
        { Answer(finish: "tool_calls"), Exclusion.Unfinished },
        { Answer(finish: "content_filter"), Exclusion.Refused },
        { Answer(refusal: "no"), Exclusion.Refused },
        { Answer(text: " \n"), Exclusion.Empty },
        { Answer(returned: "small-large"), Exclusion.OtherModel },
        { Answer(returned: "smaller"), Exclusion.OtherModel },
        { Answer(returned: "big"), Exclusion.OtherModel },
        { Answer(place: 1), Exclusion.Surplus },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void EachAnswerIsAdmittedOrLeftOutForOneReason(StoredAnswer answer, Exclusion? why)
    {
        Admission admission = Admission.Of([answer, Answer(request: 7)]);
        Assert.Equal(why is null ? 2 : 1, admission.Admitted.Count);
        Assert.Equal(why is { } reason ? [reason] : [], admission.Excluded.Select(e => e.Why));
    }

    [Fact]
    public void AnAnswerGivenToTwoQuestionsIsNeithersOwn()
    {
        Admission admission = Admission.Of([Answer(1, response: "x"), Answer(2, response: "x"), Answer(3, response: "y"), Answer(3, 1, response: "y", asked: 2), Answer(4, response: ""), Answer(5, response: "")]);
        Assert.Equal([1L, 2L], admission.Excluded.Where(e => e.Why == Exclusion.NotItsOwn).Select(e => e.Answer.Request));
        Assert.Equal([4L, 5L], admission.Admitted.Select(a => a.Request).Where(r => r > 3));
    }
}
