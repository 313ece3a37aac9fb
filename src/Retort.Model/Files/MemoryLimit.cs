using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>Refuses a model that does not fit before its memory is asked for.</summary>
static class MemoryLimit
{
    /// <param name="available">Bytes; by default what the runtime says this process may use.</param>
    public static void Check(LlamaConfig config, string where, long? available = null) => Check(LlamaWeights.Bytes(config), where, available);

    /// <param name="needed">Bytes.</param>
    /// <param name="available">Bytes; by default what the runtime says this process may use.</param>
    public static void Check(long needed, string where, long? available = null)
    {
        long there = available ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (needed > there)
        {
            throw new UserError($"The weights take {needed / 1e9:0.0} GB in memory, {there / 1e9:0.0} GB are there", where, "Use a smaller model or a machine with more memory.");
        }
    }
}
