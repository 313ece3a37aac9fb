using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Retort.Evidence.Ledger;

namespace Retort.Tests.Evidence.Ledger;

public class CanonicalJsonTests
{
    /// <summary>IEEE 754 bits and their text, from the table in appendix B of RFC 8785.</summary>
    [Theory]
    [InlineData(0x0000000000000000, "0")]
    [InlineData(0x8000000000000000, "0")]
    [InlineData(0x0000000000000001, "5e-324")]
    [InlineData(0x8000000000000001, "-5e-324")]
    [InlineData(0x7fefffffffffffff, "1.7976931348623157e+308")]
    [InlineData(0xffefffffffffffff, "-1.7976931348623157e+308")]
    [InlineData(0x4340000000000000, "9007199254740992")]
    [InlineData(0xc340000000000000, "-9007199254740992")]
    [InlineData(0x4430000000000000, "295147905179352830000")]
    [InlineData(0x44b52d02c7e14af5, "9.999999999999997e+22")]
    [InlineData(0x44b52d02c7e14af6, "1e+23")]
    [InlineData(0x44b52d02c7e14af7, "1.0000000000000001e+23")]
    [InlineData(0x444b1ae4d6e2ef4e, "999999999999999700000")]
    [InlineData(0x444b1ae4d6e2ef4f, "999999999999999900000")]
    [InlineData(0x444b1ae4d6e2ef50, "1e+21")]
    [InlineData(0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7")]
    [InlineData(0x3eb0c6f7a0b5ed8d, "0.000001")]
    [InlineData(0x41b3de4355555553, "333333333.3333332")]
    [InlineData(0x41b3de4355555554, "333333333.33333325")]
    [InlineData(0x41b3de4355555555, "333333333.3333333")]
    [InlineData(0x41b3de4355555556, "333333333.3333334")]
    [InlineData(0x41b3de4355555557, "333333333.33333343")]
    [InlineData(0xbecbf647612f3696, "-0.0000033333333333333333")]
    [InlineData(0x43143ff3c1cb0959, "1424953923781206.2")]
    public void NumbersOfTheSpecification(ulong bits, string text) =>
        Assert.Equal(text, Encoding.UTF8.GetString(CanonicalJson.Write(BitConverter.UInt64BitsToDouble(bits))));

    [Theory]
    [InlineData("[ 333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001 ]", "[333333333.3333333,1e+30,4.5,0.002,1e-27]")]
    [InlineData("[56, {\"d\": true, \"10\": null, \"1\": [ ]}]", "[56,{\"1\":[],\"10\":null,\"d\":true}]")]
    [InlineData("\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"", "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"")]
    [InlineData("{\"\\u20ac\": 1, \"\\r\": 2, \"\\ufb33\": 3, \"1\": 4, \"\\ud83d\\ude00\": 5, \"\\u0080\": 6, \"\\u00f6\": 7}", "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}")]
    [InlineData(" false ", "false")]
    [InlineData("-0.0", "0")]
    public void TextsOfTheSpecification(string json, string canonical)
    {
        byte[] once = CanonicalJson.Rewrite(Encoding.UTF8.GetBytes(json), "a");
        Assert.Equal(canonical, Encoding.UTF8.GetString(once));
        Assert.Equal(once, CanonicalJson.Rewrite(once, "a"));
    }

    [Theory]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{\"a\":1,\"\\u0061\":2}")]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"\\udc00x\":1}")]
    [InlineData("1e999")]
    [InlineData("[1,]")]
    [InlineData("01")]
    [InlineData("NaN")]
    [InlineData("")]
    public void OtherTextsAreRefused(string json) => Assert.Throws<UserError>(() => CanonicalJson.Rewrite(Encoding.UTF8.GetBytes(json), "a"));

    [Fact]
    public void ValuesOfDotNetAreWritten()
    {
        JsonObject value = new() { ["z"] = 1, ["l"] = 12345678901L, ["f"] = 0.1f, ["m"] = 1.50m, ["t"] = new DateTime(2026, 1, 2, 0, 0, 0, DateTimeKind.Utc), ["n"] = null, ["b"] = true };
        Assert.Equal("{\"b\":true,\"f\":0.1,\"l\":12345678901,\"m\":1.5,\"n\":null,\"t\":\"2026-01-02T00:00:00Z\",\"z\":1}", Encoding.UTF8.GetString(CanonicalJson.Write(value)));
        Assert.Throws<ArgumentException>(() => CanonicalJson.Write(double.NaN));
        Assert.Throws<ArgumentException>(() => CanonicalJson.Write(double.PositiveInfinity));
        Assert.Throws<ArgumentException>(() => CanonicalJson.Write("\ud800"));
    }

    /// <summary>It reads back as the same bits, no shorter digits would, and it is the one form of itself.</summary>
    [Fact]
    public void EveryNumberReadsBack()
    {
        Random random = new(3);
        for (int i = 0; i < 100_000; i++)
        {
            double value = i % 2 == 0 ? BitConverter.Int64BitsToDouble(random.NextInt64()) : Math.Round(random.NextDouble() * Math.Pow(10, random.Next(-8, 24)), random.Next(8));
            if (!double.IsFinite(value) || value == 0)
            {
                continue;
            }

            string text = EcmaNumber.Of(value);
            Assert.Equal(value, double.Parse(text, CultureInfo.InvariantCulture));
            int digits = text.Split('e')[0].Replace(".", "", StringComparison.Ordinal).Trim('0').Length;
            Assert.True(digits == 1 || double.Parse(value.ToString($"E{digits - 2}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) != value, text);
            Assert.Equal(value > 0 ? "-" + text : text[1..], EcmaNumber.Of(-value));
        }
    }

    [Fact]
    public void OrderAndSpacesDoNotMatter()
    {
        bool Holds((string[] Names, string Text, double Number) x)
        {
            string[] names = [.. x.Names.Where(IsWhole).Distinct(StringComparer.Ordinal)];
            if (!IsWhole(x.Text) || !double.IsFinite(x.Number))
            {
                return true;
            }

            JsonObject Of(IEnumerable<string> order) => new(order.Select(n => KeyValuePair.Create<string, JsonNode?>(n, new JsonArray(x.Text, x.Number, n))));
            byte[] canonical = CanonicalJson.Write(Of(names));
            JsonObject reversed = Of(names.Reverse());
            return canonical.AsSpan().SequenceEqual(CanonicalJson.Write(reversed))
                && canonical.AsSpan().SequenceEqual(CanonicalJson.Rewrite(Encoding.UTF8.GetBytes(reversed.ToJsonString(new() { WriteIndented = true })), "a"));
        }

        var values = from names in ArbMap.Default.GeneratorFor<string[]>()
                     from text in ArbMap.Default.GeneratorFor<string>()
                     from number in ArbMap.Default.GeneratorFor<double>()
                     select ((names ?? []).Where(n => n is not null).ToArray(), text ?? "", number);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000).WithQuietOnSuccess(true), Prop.ForAll(values.ToArbitrary(), Holds));
    }

    static bool IsWhole(string text)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(text) >= 0;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }
}
