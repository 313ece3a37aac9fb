namespace Retort.Model.Files;

/// <summary>How a stored tensor's numbers are coded; the names are those of the safetensors format.</summary>
public enum NumberType
{
    F32,
    F16,
    BF16,

    /// <summary>Read as arrays only, never as weights.</summary>
    F64,

    /// <summary>Read as arrays only, never as weights.</summary>
    I64,

    /// <summary>Read as arrays only, never as weights.</summary>
    I32,
}

/// <summary>Properties of the number types.</summary>
public static class NumberTypes
{
    extension(NumberType type)
    {
        /// <summary>Bytes of one number.</summary>
        public int Size => type switch
        {
            NumberType.F32 or NumberType.I32 => 4,
            NumberType.F16 or NumberType.BF16 => 2,
            _ => 8,
        };

        /// <summary>Whether weights may be stored so.</summary>
        public bool HoldsWeights => type is NumberType.F32 or NumberType.F16 or NumberType.BF16;
    }
}
