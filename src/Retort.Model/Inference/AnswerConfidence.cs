namespace Retort.Model.Inference;

/// <summary>
/// How sure a model is of an answer under way: the probability it gives to the tokens so far. It never rises again, so an answer can be given up at the
/// first token that takes it below a threshold.
/// </summary>
public struct AnswerConfidence
{
    double _log;
    bool _begun;

    /// <summary>Takes in the next part of an answer asked for with probabilities; one that ends without a token is not sure of anything.</summary>
    /// <returns>The confidence now.</returns>
    public double Add(AnswerPart part)
    {
        if (part.Drawn is { } drawn)
        {
            (_log, _begun) = (_log + drawn.LogProbability, true);
        }

        return part.Finish is not null && !_begun ? 0 : Math.Exp(_log);
    }
}
