using System.Security.Cryptography;
using Retort.Evidence.Watermark;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Watermark;

public sealed class WatermarkKeysTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>RFC 5869 written out: extract with 32 zeros, expand once.</summary>
    [Fact]
    public void AKeyFollowsFromSecretAndScopeByHkdf()
    {
        byte[] secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)], extracted = HMACSHA256.HashData(new byte[32], secret);
        Assert.Equal(HMACSHA256.HashData(extracted, (byte[])[.. "retort watermark key\naccount/17/1"u8, 1]), new WatermarkKeys(secret).Key("account/17/1"));
    }

    [Fact]
    public void KeysDifferAndCommitmentsOpen()
    {
        WatermarkKeys keys = WatermarkKeys.Make();
        string[] scopes = ["account/1/1", "account/1/2", "account/11/1", "group/1/1", "all/1"];
        Assert.Equal(scopes.Length * 2, scopes.SelectMany(s => new[] { keys.Key(s), keys.Salt(s) }).Select(Convert.ToHexString).Distinct(StringComparer.Ordinal).Count());
        Assert.True(keys.Commit("all/1").IsTo(keys.Salt("all/1"), keys.Key("all/1")));
        Assert.False(keys.Commit("all/1").IsTo(keys.Salt("all/1"), keys.Key("group/1/1")));
        Assert.Equal("WatermarkKeys", keys.ToString());
    }

    [Fact]
    public void AFileHoldsTheSecretForItsOwnerAlone()
    {
        WatermarkKeys keys = WatermarkKeys.Make();
        keys.Write(_scratch["w.secret"]);
        Assert.Equal(keys.Key("all/1"), WatermarkKeys.Read(_scratch["w.secret"]).Key("all/1"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_scratch["w.secret"]));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAAA\n")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n")]
    public void AnythingElseIsRefusedByItsFilesName(string text) =>
        Assert.Equal(_scratch["w.secret"], Assert.Throws<UserError>(() => WatermarkKeys.Read(_scratch.Write("w.secret", text))).Where);
}
