using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Twins;

/// <summary>
/// The entries of a ledger of twins, canonical JSON: a seed's commitment; numbers set aside for twins to come; a twin, with commitments to its prompt, its
/// account and both answers in the order they were drawn, which says nothing of which was served; numbers that will have no twin.
/// A number that is void after it had a twin was not served either: whether its entry was written was not known when its answers were given up.
/// </summary>
abstract record TwinEntry
{
    const int Format = 1;

    TwinEntry()
    {
    }

    /// <param name="At">When the epoch began.</param>
    public sealed record Seed(int Epoch, DateTimeOffset At, string Commitment) : TwinEntry
    {
        public override JsonObject ToJson() => new() { ["format"] = Format, ["kind"] = "twin-seed", ["epoch"] = Epoch, ["time"] = Time(At), ["commitments"] = new JsonObject { ["seed"] = Commitment } };
    }

    /// <param name="From">The first number.</param>
    /// <param name="To">The last.</param>
    public sealed record Numbers(int Epoch, long From, long To) : TwinEntry
    {
        public override JsonObject ToJson() => new() { ["format"] = Format, ["kind"] = "twin-numbers", ["epoch"] = Epoch, ["from"] = From, ["to"] = To };
    }

    public sealed record Twin(long Number, int Epoch, DateTimeOffset At, string Account, string Prompt, string First, string Second) : TwinEntry
    {
        public override JsonObject ToJson() => new()
        {
            ["format"] = Format,
            ["kind"] = "twin",
            ["number"] = Number,
            ["epoch"] = Epoch,
            ["time"] = Time(At),
            ["commitments"] = new JsonObject { ["account"] = Account, ["prompt"] = Prompt, ["first"] = First, ["second"] = Second },
        };
    }

    /// <param name="All">In order.</param>
    public sealed record Void(IReadOnlyList<long> All) : TwinEntry
    {
        public override JsonObject ToJson() => new() { ["format"] = Format, ["kind"] = "twin-void", ["numbers"] = new JsonArray([.. All.Select(n => (JsonNode)n)]) };
    }

    public abstract JsonObject ToJson();

    public byte[] ToBytes() => CanonicalJson.Write(ToJson());

    /// <summary>What the twin of some contents has in the ledger.</summary>
    public static Twin Of(TwinContent content, int epoch, CommitmentSecret secret)
    {
        string To(string name, string text) => secret.Commit(Row(content.Number, name), Encoding.UTF8.GetBytes(text)).ToString();
        return new(content.Number, epoch, content.At, To("account", content.Account), To("prompt", content.Prompt), To("first", content.First), To("second", content.Second));
    }

    /// <summary>The name under which the ledger's secret makes the salt of one of a twin's contents.</summary>
    public static string Row(long number, string name) => string.Create(CultureInfo.InvariantCulture, $"twin {number}/{name}");

    /// <summary>Reads an entry; null for one of another kind.</summary>
    /// <exception cref="UserError">It is broken.</exception>
    public static TwinEntry? Parse(ReadOnlySpan<byte> entry, string where)
    {
        JsonFields fields = JsonFields.Parse(entry, where);
        return fields.Text("kind") switch
        {
            "twin-seed" => new Seed(fields.Int("epoch"), When(fields), Commitments(fields).Text("seed")),
            "twin-numbers" => new Numbers(fields.Int("epoch"), Whole(fields, "from"), Whole(fields, "to")),
            "twin" when Commitments(fields) is var c => new Twin(Whole(fields, "number"), fields.Int("epoch"), When(fields), c.Text("account"), c.Text("prompt"), c.Text("first"), c.Text("second")),
            "twin-void" => new Void([.. (fields.Array("numbers") ?? throw fields.Missing("numbers")).Select(n => n.ValueKind == JsonValueKind.Number && n.TryGetInt64(out long number) ? number : throw fields.Wrong("numbers", "It must list whole numbers."))]),
            _ => null,
        };
    }

    static JsonFields Commitments(JsonFields fields) => fields.Object("commitments") ?? throw fields.Missing("commitments");

    static long Whole(JsonFields fields, string name) =>
        fields.Find(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long number) ? number : throw fields.Wrong(name, "It must be a whole number.");

    static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    static DateTimeOffset When(JsonFields fields) =>
        DateTimeOffset.TryParseExact(fields.Text("time"), "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at) ? at : throw fields.Wrong("time", "It must be a time.");
}
