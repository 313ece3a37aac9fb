using System.Security.Cryptography;
using Retort.Evidence.Terms;
using Retort.Tests.Model.Files;
using static Retort.Tests.Evidence.Terms.Sample;

namespace Retort.Tests.Evidence.Terms;

public sealed class CoverageTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("https://api.openai.com/v1#gpt-5", "api.openai.com", "gpt-5")]
    [InlineData("https://API.OpenAI.com:443/v1#gpt%2D5", "api.openai.com", "gpt-5")]
    [InlineData("https://api.openai.com./v1", "api.openai.com", "")]
    [InlineData("http://[::1]:8000/v1#m", "::1", "m")]
    [InlineData("http://2130706433/v1#m", "127.0.0.1", "m")]
    public void AnAddressIsReadAsTheNetworkReadsIt(string reference, string host, string model) =>
        Assert.Equal(new UsedModel.Endpoint(reference, host, model), UsedModel.Of(reference, Shipped));

    [Theory]
    [InlineData("ftp://api.openai.com/v1#m")]
    [InlineData("https://")]
    [InlineData("https://api.deepseek.com@api.openai.com/v1#m")]
    [InlineData("no such file")]
    [InlineData("")]
    [InlineData("a/b/c")]
    public void WhatIsNoReferenceIsRefused(string reference) => Assert.Throws<UserError>(() => UsedModel.Of(reference, Shipped));

    [Fact]
    public void APasswordIsNotRepeated() => Assert.DoesNotContain("hunter2", Assert.Throws<UserError>(() => UsedModel.Of("https://me:hunter2@api.models.org/v1", Shipped)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("api.models.org", "api.models.org", true)]
    [InlineData("api.models.org", "xapi.models.org", false)]
    [InlineData("api.models.org", "api.models.org.evil.net", false)]
    [InlineData("*.models.org", "a.b.models.org", true)]
    [InlineData("*.models.org", "models.org", false)]
    [InlineData("*.models.org", "evilmodels.org", false)]
    public void HostsAreWholeNames(string pattern, string host, bool covered) => Assert.Equal(covered, new Coverage([pattern], [], []).HasHost(host));

    [Theory]
    [InlineData("gpt-5*", "GPT-5-mini", true)]
    [InlineData("gpt-5*", "gpt-oss-120b", false)]
    [InlineData("a*b*c", "abc", true)]
    [InlineData("a*b*c", "axxbyyc", true)]
    [InlineData("a*bc", "abbc", true)]
    [InlineData("a*ba", "aba", true)]
    [InlineData("ab*ba", "aba", false)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("*", "", true)]
    public void AStarStandsForAnyLetters(string pattern, string name, bool covered) => Assert.Equal(covered, new Coverage([], [pattern], []).HasModel(name));

    [Fact]
    public void WeightsAreKnownByContentAndNotByName()
    {
        byte[] weights = [1, 2, 3, 4];
        TermsRegister register = new([Entry("known") with { Covers = new([], [], [new(Convert.ToHexStringLower(SHA256.HashData(weights)), 4)]) }]);
        TermsVerdict Check(string path) => TermsGate.Check(register, [new(TermsRole.Teacher, UsedModel.Of(path, register), TermsPurpose.Train)], Today);
        Open(Check(_scratch.Write("any.bin", weights)));
        Closed(Check(_scratch.Write("other.bin", [1, 2, 3, 5])));
        Closed(Check(_scratch.Write("longer.bin", [1, 2, 3, 4, 5])));

        Directory.CreateDirectory(_scratch["folder"]);
        Closed(Check(_scratch["folder"]));
        _scratch.Write("folder/model-1.safetensors", weights);
        Open(Check(_scratch["folder"]));
        _scratch.Write("folder/model-2.safetensors", [9]);
        Closed(Check(_scratch["folder"]));
    }
}
