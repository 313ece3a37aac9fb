using Retort.Asking;

namespace Retort.Tests.Asking;

public class SensitiveTextTests
{
    /// <summary>Numbers and keys that their makers publish as examples.</summary>
    [Theory]
    [InlineData("write to Ann.Lee+x@mail.example.co.uk!", Sensitive.Mail)]
    [InlineData("call +44 20 7946 0958 now", Sensitive.Phone)]
    [InlineData("call (555) 010-4477", Sensitive.Phone)]
    [InlineData("card 4111 1111 1111 1111", Sensitive.Card)]
    [InlineData("card 378282246310005.", Sensitive.Card)]
    [InlineData("IBAN GB82 WEST 1234 5698 7654 32", Sensitive.Account)]
    [InlineData("DE89370400440532013000", Sensitive.Account)]
    [InlineData("ssn 078-05-1120", Sensitive.SocialSecurity)]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nMIIE", Sensitive.PrivateKey)]
    [InlineData("AKIAIOSFODNN7EXAMPLE", Sensitive.ServiceKey)]
    [InlineData("use sk-abcdefghijklmnopqrstuvwx please", Sensitive.ServiceKey)]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", Sensitive.ServiceKey)]
    [InlineData("postgres://app:hunter22@db/main", Sensitive.Password)]
    [InlineData("password = \"correcthorse\"", Sensitive.Password)]
    public void EachKindIsFound(string text, Sensitive kind) => Assert.Contains(kind, SensitiveText.In(text));

    [Theory]
    [InlineData("Once there was a fox who had 1234567890123456 stars.")]
    [InlineData("card 4111 1111 1111 1112")]
    [InlineData("GB82 WEST 1234 5698 7654 33")]
    [InlineData("version 1.2.3-4, 2026-11-28, 10:30, 3.14159265358979")]
    [InlineData("a@b, x@localhost, @name")]
    [InlineData("000-12-3456 and 123-45-67890")]
    [InlineData("https://example.com:8080/a?b=c@d")]
    [InlineData("-----BEGIN PUBLIC KEY-----")]
    [InlineData("The secret: nobody knew it.")]
    public void OrdinaryTextIsLeftAlone(string text) => Assert.Empty(SensitiveText.In(text));

    /// <summary>Real prompts hold little of it: a scan that cries at everything would be switched off.</summary>
    [Theory]
    [InlineData("prompts/chat-arena-hard.jsonl")]
    [InlineData("prompts/chat-mt-bench.jsonl")]
    public void RealPromptsAreMostlyClean(string file)
    {
        string[] lines = File.ReadAllLines(Shared.Folder(file));
        Assert.InRange(lines.Count(l => SensitiveText.In(l).Count > 0), 0, lines.Length / 20);
    }

    /// <summary>No text makes it slow.</summary>
    [Theory]
    [InlineData("1 ")]
    [InlineData("a.")]
    [InlineData("GB82 AAAA ")]
    [InlineData("+1 (")]
    [InlineData("eyJaaaaaaaa.")]
    public void LongTextsOfOneKindEnd(string part) => SensitiveText.In(string.Concat(Enumerable.Repeat(part, 50_000)));
}
