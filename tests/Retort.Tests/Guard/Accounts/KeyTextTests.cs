using System.Security.Cryptography;
using System.Text;
using Retort.Guard.Accounts;

namespace Retort.Tests.Guard.Accounts;

public sealed class KeyTextTests
{
    [Fact]
    public void AKeyReadsBack()
    {
        HashSet<ulong> ids = [];
        for (int i = 0; i < 1000; i++)
        {
            string key = KeyText.Make();
            Assert.Matches("^rt_[0-9a-z]{12}_[0-9A-Za-z]{49}$", key);
            foreach (string header in (string[])[key, "Bearer " + key, "bearer   " + key + "  "])
            {
                Assert.Equal(KeyTextFault.None, KeyText.Read(header, out ulong id, out ReadOnlySpan<char> read));
                Assert.Equal(key, read.ToString());
                ids.Add(id);
            }
        }

        Assert.Equal(1000, ids.Count);
    }

    /// <summary>Every one wrong character, and every two neighbours that changed places, is told without a store.</summary>
    [Fact]
    public void TyposAreTold()
    {
        string key = KeyText.Make();
        for (int i = 3; i < key.Length; i++)
        {
            foreach (char c in "0aZ9_-\u00e9\0")
            {
                Assert.True(c == key[i] || KeyText.Read(key[..i] + c + key[(i + 1)..], out _, out _) is KeyTextFault.Mistyped or KeyTextFault.Malformed, $"{i} {c}");
            }

            if (i + 1 < key.Length && key[i] != key[i + 1])
            {
                Assert.NotEqual(KeyTextFault.None, KeyText.Read(key[..i] + key[i + 1] + key[i] + key[(i + 2)..], out _, out _));
            }
        }

        Assert.Equal(KeyTextFault.Malformed, KeyText.Read(key.AsSpan(0, key.Length - 1), out _, out _));
        Assert.Equal(KeyTextFault.Mistyped, KeyText.Read(key[..^1] + (key[^1] == 'a' ? 'b' : 'a'), out _, out _));
        Assert.Equal(KeyTextFault.Missing, KeyText.Read("Bearer ", out _, out _));
    }

    /// <summary>The hash that is written out is HMAC-SHA-256 as the system has it.</summary>
    [Fact]
    public void AKeyIsKeptAsHmac()
    {
        string key = KeyText.Make();
        byte[] hash = new byte[32], secret = HMACSHA256.HashData(Encoding.UTF8.GetBytes(AccountWorld.PepperText), "retort guard keys"u8.ToArray());
        AccountWorld.Pepper().Hash(key, hash);
        Assert.Equal(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(key[..^6])), hash);
    }

    [Theory]
    [InlineData(null, "no pepper")]
    [InlineData("", "no pepper")]
    [InlineData("short", "fewer than 32")]
    public void WithoutAPepperNothingStarts(string? value, string what)
    {
        UserError error = Assert.Throws<UserError>(() => Pepper.Of("MY_PEPPER", name => name == "MY_PEPPER" ? value : null));
        Assert.Equal("MY_PEPPER", error.Where);
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.Contains("openssl rand", error.Hint, StringComparison.Ordinal);
    }
}
