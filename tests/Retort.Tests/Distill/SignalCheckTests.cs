using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Distill;

namespace Retort.Tests.Distill;

/// <summary>What an endpoint says of its probabilities is believed only where it can be true.</summary>
public class SignalCheckTests
{
    static JsonObject Entry(string token, double p) => new() { ["token"] = token, ["bytes"] = new JsonArray([.. Encoding.UTF8.GetBytes(token).Select(b => (JsonNode)(int)b)]), ["logprob"] = Math.Log(p) };

    static JsonObject Token(string token, double p, params (string Token, double P)[] top)
    {
        JsonObject made = Entry(token, p);
        made["top_logprobs"] = new JsonArray([.. top.Select(t => (JsonNode)Entry(t.Token, t.P))]);
        return made;
    }

    static JsonArray Good() => [Token("Grü", 0.5, ("Grü", 0.5), ("Ha", 0.3)), Token("ße", 0.2, ("!", 0.6), ("x", 0.25)), Token(" 🦉", 0.9, (" 🦉", 0.9), ("", 0.05))];

    static SignalFault? Check(JsonArray tokens, string text = "Grüße 🦉", int asked = 2) => SignalCheck.Of(new(text, "stop", null, JsonSerializer.SerializeToUtf8Bytes(tokens)), asked, [], out _);

    [Fact]
    public void WhatHoldsIsTaken()
    {
        Assert.Null(Check(Good()));

        // The drawn token may stand beside those that were wanted, as a character may be split between tokens.
        Assert.Null(Check([Token("a", 0.1, ("b", 0.5), ("c", 0.3), ("a", 0.1))], "a"));
        JsonArray split = [Token("x", 0.5, ("x", 0.5)), Token("y", 0.5, ("y", 0.5))];
        (split[0]!["bytes"], split[1]!["bytes"]) = (new JsonArray(0xC3), new JsonArray(0xBC));
        (split[0]!["top_logprobs"]![0]!["bytes"], split[1]!["top_logprobs"]![0]!["bytes"]) = (new JsonArray(0xC3), new JsonArray(0xBC));
        Assert.Null(Check(split, "ü", 1));
    }

    /// <summary>Tokens that spell a stop text are no part of the answer; what ends in nothing that was asked to stop it is another text.</summary>
    [Fact]
    public void AStopTextIsNoPartOfTheAnswer()
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(Good());
        Assert.Null(SignalCheck.Of(new("Grü", "stop", null, json), 2, ["x", "ße"], out IReadOnlyList<ServedToken> whole));
        Assert.Single(whole);
        Assert.Null(SignalCheck.Of(new("Gr", "stop", null, json), 2, ["ü"], out IReadOnlyList<ServedToken> none));
        Assert.Empty(none);
        Assert.Equal(SignalFault.OtherText, SignalCheck.Of(new("Grü", "stop", null, json), 2, ["x"], out _));
    }

    [Fact]
    public void EachFaultIsNamed()
    {
        SignalFault? After(Action<JsonArray> damage)
        {
            JsonArray tokens = Good();
            damage(tokens);
            return Check(tokens);
        }

        Assert.Equal(SignalFault.OtherText, Check(Good(), "Grüße 🦊"));
        Assert.Equal(SignalFault.OtherText, Check(Good(), "Grüße"));
        Assert.Equal(SignalFault.OtherText, After(t => t.RemoveAt(1)));
        Assert.Equal(SignalFault.OtherText, After(t => t.Insert(1, Token("ß", 0.2, ("!", 0.6), ("x", 0.25)))));
        Assert.Equal(SignalFault.Missing, After(t => t[1]!["bytes"] = null));
        Assert.Equal(SignalFault.Missing, After(t => t[2]!["top_logprobs"]![0]!["logprob"] = "0"));
        Assert.Equal(SignalFault.Missing, SignalCheck.Of(new("a", "stop", null, null), 2, [], out _));
        Assert.Equal(SignalFault.Missing, SignalCheck.Of(new("a", "stop", null, "{"u8.ToArray()), 2, [], out _));
        Assert.Equal(SignalFault.Count, Check(Good(), asked: 3));
        Assert.Equal(SignalFault.Count, Check([Token("a", 0.1, ("b", 0.5), ("c", 0.2), ("d", 0.1), ("a", 0.1))], "a"));
        Assert.Equal(SignalFault.Order, Check([Token("a", 0.1, ("b", 0.2), ("c", 0.5))], "a"));
        Assert.Equal(SignalFault.Mass, Check([Token("a", 0.4, ("b", 0.7), ("a", 0.4))], "a"));
        Assert.Equal(SignalFault.Mass, Check([Token("a", 1.4, ("b", 0.7), ("c", 0.1))], "a"));
        Assert.Equal(SignalFault.Drawn, Check([Token("a", 0.4, ("a", 0.5), ("b", 0.1))], "a"));
    }

    [Fact]
    public void AnyBytesAreReadOrRefused()
    {
        Random random = new(3);
        byte[] good = JsonSerializer.SerializeToUtf8Bytes(Good());
        int held = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] damaged = [.. good];
            for (int n = random.Next(1, 4); n > 0; n--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            held += SignalCheck.Of(new("Grüße 🦉", "stop", null, damaged), 2, [], out _) is null ? 1 : 0;
        }

        // The token's own spelling is not read, so damage there is none; most else is found.
        Assert.InRange(held, 1, 8_000);
    }
}
