using System.Text.Json;
using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>PEFT's <c>adapter_config.json</c> to and from <see cref="LoraOptions"/>. Defaults are PEFT's. Whatever would change the numbers and is not
/// computed here is refused by name.</summary>
static class AdapterConfigJson
{
    const string AllLinear = "all-linear";

    /// <summary>Fields that add to the plain adapter unless they are absent, null, false or empty.</summary>
    static readonly string[] s_refused =
    [
        "use_dora", "fan_in_fan_out", "lora_bias", "modules_to_save", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern", "layer_replication", "exclude_modules", "target_parameters",
        "trainable_token_indices", "megatron_config", "alora_invocation_tokens", "use_qalora", "arrow_config",
    ];

    /// <summary>Ways of beginning an adapter that leave the weights under it alone.</summary>
    static readonly string[] s_beginnings = ["gaussian", "eva", "orthogonal"];

    public static LoraOptions Read(JsonFields json)
    {
        if (json.Text("peft_type") != "LORA")
        {
            throw json.Wrong("peft_type", "Only LORA adapters are supported.");
        }

        foreach (string name in s_refused)
        {
            if (json.Find(name) is { } value && !IsEmpty(value))
            {
                throw json.Wrong(name, "Retort does not compute this; take a plain LoRA adapter.");
            }
        }

        if (json.Text("bias", "none") != "none")
        {
            throw json.Wrong("bias", "Only none is supported.");
        }

        if (json.Find("init_lora_weights") is { ValueKind: JsonValueKind.String } beginning && !s_beginnings.Contains(beginning.GetString()))
        {
            throw json.Wrong("init_lora_weights", "Such an adapter changes the weights under it; convert it to a plain one with PEFT.");
        }

        LoraOptions options = new(json.Int("r", 8), json.Double("lora_alpha", 8), Targets(json), json.Double("lora_dropout", 0), json.Bool("use_rslora", false));
        options.Validate(json.Where);
        return options;
    }

    /// <param name="baseName">The model the adapter belongs to, for people.</param>
    public static byte[] Write(LoraOptions options, string baseName)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("peft_type", "LORA");
            json.WriteString("task_type", "CAUSAL_LM");
            json.WriteString("base_model_name_or_path", baseName);
            json.WriteNumber("r", options.Rank);
            json.WriteNumber("lora_alpha", options.Alpha);
            json.WriteNumber("lora_dropout", options.Dropout);
            json.WriteBoolean("use_rslora", options.RankStabilized);
            json.WriteStartArray("target_modules");
            foreach (LoraTarget target in options.Targets)
            {
                json.WriteStringValue(LoraOptions.NameOf(target));
            }

            json.WriteEndArray();
            json.WriteString("bias", "none");
            json.WriteBoolean("fan_in_fan_out", false);
            json.WriteBoolean("init_lora_weights", true);
            json.WriteBoolean("inference_mode", true);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    /// <summary>PEFT takes module names that end in one of these.</summary>
    static IReadOnlyList<LoraTarget> Targets(JsonFields json)
    {
        JsonElement value = json.Find("target_modules") ?? throw json.Missing("target_modules");
        if (value.ValueKind == JsonValueKind.String && value.GetString() == AllLinear)
        {
            return LoraOptions.AllTargets;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw json.Wrong("target_modules", $"It must be {AllLinear} or a list of {string.Join(", ", LoraOptions.Names)}.");
        }

        HashSet<LoraTarget> targets = [];
        foreach (JsonElement element in value.EnumerateArray())
        {
            string name = element.ValueKind == JsonValueKind.String ? element.GetString()! : "";
            LoraTarget? target = LoraOptions.AllTargets.Where(t => name == LoraOptions.NameOf(t) || name == LoraOptions.ModuleOf(t)).Select(t => (LoraTarget?)t).FirstOrDefault();
            targets.Add(target ?? throw json.Wrong("target_modules", $"{JsonFields.Short(element.GetRawText())} is no linear layer that Retort adapts: {string.Join(", ", LoraOptions.Names)}."));
        }

        return [.. targets.Order()];
    }

    static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False => true,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };
}
