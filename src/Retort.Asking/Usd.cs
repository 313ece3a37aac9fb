using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Retort.Asking;

/// <summary>United States dollars in whole millionths of a millionth, so that sums are exact and a price of a cent for a million tokens has no fraction.</summary>
[JsonConverter(typeof(AsNumber))]
public readonly record struct Usd(long Pico) : IComparable<Usd>
{
    const decimal Each = 1e12m;

    /// <summary>The next whole part up: nothing is ever taken for cheaper than it is.</summary>
    /// <exception cref="OverflowException">Nine million dollars and more.</exception>
    public static Usd Of(decimal dollars) => new((long)decimal.Ceiling(dollars * Each));

    public decimal Dollars => Pico / Each;

    public static Usd operator +(Usd a, Usd b) => new(checked(a.Pico + b.Pico));

    public static Usd operator -(Usd a, Usd b) => new(checked(a.Pico - b.Pico));

    public static Usd operator *(Usd a, long count) => new(checked(a.Pico * count));

    public static bool operator >(Usd a, Usd b) => a.Pico > b.Pico;

    public static bool operator <(Usd a, Usd b) => a.Pico < b.Pico;

    public static bool operator >=(Usd a, Usd b) => a.Pico >= b.Pico;

    public static bool operator <=(Usd a, Usd b) => a.Pico <= b.Pico;

    public int CompareTo(Usd other) => Pico.CompareTo(other.Pico);

    /// <summary>As "USD 1.23", with more places below a cent.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"USD {(Pico is 0 or >= 10_000_000_000 or <= -10_000_000_000 ? Dollars.ToString("0.00", CultureInfo.InvariantCulture) : Dollars.ToString("0.000000", CultureInfo.InvariantCulture))}");

    /// <summary>In JSON a number of dollars.</summary>
    public sealed class AsNumber : JsonConverter<Usd>
    {
        public override Usd Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDecimal() is > -9_000_000 and < 9_000_000 and var dollars ? Of(dollars) : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, Usd value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Dollars);
    }
}
