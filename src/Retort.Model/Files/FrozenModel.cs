using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>A model read to be frozen, and what it was read from.</summary>
/// <param name="Hash">As <see cref="OpenModel"/> has it.</param>
/// <param name="TokenizerPath">As <see cref="OpenModel"/> has it.</param>
public sealed record FrozenModel(FrozenWeights Weights, string Path, string Hash, string? TokenizerPath);
