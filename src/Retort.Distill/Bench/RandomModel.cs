using System.Text;
using Retort.Model;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill.Bench;

/// <summary>A model of a given shape with random weights and a vocabulary that fills it: speed does not depend on what weights say.</summary>
public static class RandomModel
{
    /// <summary>Writes it as a Hugging Face folder in bf16.</summary>
    /// <exception cref="UserError">The folder cannot be written.</exception>
    public static void Write(string folder, LlamaConfig config, CancellationToken stop)
    {
        LlamaWeights weights = new(config);
        weights.Initialize(seed: 1);
        ModelFolder.Write(folder, weights, NumberType.BF16, stop: stop);

        // Words of random letters hold more pairs than any vocabulary asks for.
        RandomStream random = new(1);
        StringBuilder words = new();
        for (int i = 0; i < 2 * config.Vocabulary; i++)
        {
            words.Append(' ');
            for (int c = 0; c < 6; c++)
            {
                words.Append((char)('a' + random.NextInt(26)));
            }
        }

        BytePairTrainer.Train([words.ToString()], config.Vocabulary, []).Save(Path.Combine(folder, "tokenizer.json"));
    }
}
