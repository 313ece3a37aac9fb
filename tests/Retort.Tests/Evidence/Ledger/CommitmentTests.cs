using System.Security.Cryptography;
using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

public sealed class CommitmentTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void ARowIsOpenedByItsSaltAndContentAlone()
    {
        CommitmentSecret secret = CommitmentSecret.Make();
        Commitment commitment = secret.Commit("17/prompt", "What is a retort?"u8);
        byte[] salt = secret.Salt("17/prompt");
        Assert.True(commitment.IsTo(salt, "What is a retort?"u8));
        Assert.False(commitment.IsTo(salt, "What is a retort!"u8));
        Assert.False(commitment.IsTo(secret.Salt("17/answer"), "What is a retort?"u8));
        Assert.False(commitment.IsTo(salt.AsSpan(1), "?"u8));
        Assert.NotEqual(commitment, secret.Commit("18/prompt", "What is a retort?"u8));
        Assert.NotEqual(commitment, CommitmentSecret.Make().Commit("17/prompt", "What is a retort?"u8));
    }

    [Fact]
    public void HashesAreThoseOfTheDefinition()
    {
        byte[] bytes = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        byte[] salt = new CommitmentSecret(bytes).Salt("é");
        Assert.Equal(HMACSHA256.HashData(bytes, "é"u8.ToArray()), salt);
        Assert.Equal(Digest.Of([.. salt, 1, 2, 3]), Commitment.To(salt, [1, 2, 3]).Value);
    }

    [Fact]
    public void TheSecretIsKeptInAFile()
    {
        CommitmentSecret secret = CommitmentSecret.Make();
        secret.Write(_scratch["secret"]);
        Assert.Equal(secret.Salt("a"), CommitmentSecret.Read(_scratch["secret"]).Salt("a"));
        string text = File.ReadAllText(_scratch["secret"]).Trim();
        Assert.DoesNotContain(text, secret.ToString(), StringComparison.Ordinal);
        UserError e = Assert.Throws<UserError>(() => CommitmentSecret.Read(_scratch.Write("bad", text[1..])));
        Assert.DoesNotContain(text[1..9], e.ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CommitmentSecret(new byte[31]));
    }
}
