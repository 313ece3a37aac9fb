namespace Retort.Model.Llama;

/// <summary>The gradients of weights, which run beside the attention of the layer below.</summary>
public sealed partial class LlamaBackward
{
    /// <summary>Matrix gradients of feed-forward and output projection.</summary>
    void AddUpper(List<Action<int>> items, LayerWeights? g, LlamaActivations a, int layer)
    {
        LayerActivations y = a.Layers[layer];
        a.Lora?.AddGradients(items, layer, LoraTarget.Down, _dOutput, y.Attended);
        a.Lora?.AddGradients(items, layer, LoraTarget.Gate, _dGate, y.Attended);
        a.Lora?.AddGradients(items, layer, LoraTarget.Up, _dUp, y.Attended);
        a.Lora?.AddGradients(items, layer, LoraTarget.Output, _dMiddle, y.Attended);
        if (g is null)
        {
            return;
        }

        WeightGradients.Add(items, g.Down, _dOutput, _gatedPanels!, _sums);
        WeightGradients.Add(items, g.Gate, _dGate, _feedForwardPanels!, _sums);
        WeightGradients.Add(items, g.Up, _dUp, _feedForwardPanels!, _sums);
        WeightGradients.Add(items, g.Output, _dMiddle, _attendedPanels!, _sums);
        WeightGradients.AddNorm(items, g.FeedForwardNorm, _dFeedForwardNorm, y.Middle, y.FeedForwardRstd, _sums);
    }

    /// <summary>Matrix gradients of query, key and value.</summary>
    void AddLower(List<Action<int>> items, LayerWeights? g, LlamaActivations a, int layer)
    {
        LayerActivations y = a.Layers[layer];
        int set = layer % 2;
        a.Lora?.AddGradients(items, layer, LoraTarget.Query, _dQuery[set], y.Attended);
        a.Lora?.AddGradients(items, layer, LoraTarget.Key, _dKey[set], y.Attended);
        a.Lora?.AddGradients(items, layer, LoraTarget.Value, _dValue[set], y.Attended);
        if (g is null)
        {
            return;
        }

        WeightGradients.Add(items, g.Query, _dQuery[set], _attentionPanels!, _sums);
        WeightGradients.Add(items, g.Key, _dKey[set], _attentionPanels!, _sums);
        WeightGradients.Add(items, g.Value, _dValue[set], _attentionPanels!, _sums);
        WeightGradients.AddNorm(items, g.AttentionNorm, _dAttentionNorm, a.Inputs[layer], y.AttentionRstd, _sums);
        if (g.QueryBias is { } bias)
        {
            WeightGradients.AddBias(items, bias, _dQuery[set], _sums);
            WeightGradients.AddBias(items, g.KeyBias!, _dKey[set], _sums);
            WeightGradients.AddBias(items, g.ValueBias!, _dValue[set], _sums);
        }

        if (g.QueryNorm is { } norm)
        {
            WeightGradients.AddHeadNorm(items, norm, _dNormedQuery![set], y.RawQuery!, y.QueryRstd!, _c.Heads, _sums);
            WeightGradients.AddHeadNorm(items, g.KeyNorm!, _dNormedKey![set], y.RawKey!, y.KeyRstd!, _c.KeyValueHeads, _sums);
        }
    }
}
