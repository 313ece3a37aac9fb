namespace Retort.Guard.Detector;

/// <summary>
/// Finds the template of a prompt among those seen lately, in microseconds and in memory that does not grow: the newest take the place of the oldest.
/// Prompts are compared with the first one of a template alone, so a template does not drift.
/// </summary>
public sealed class TemplateIndex
{
    /// <summary>Prompts this much alike are of one template.</summary>
    public const double Alike = 0.35;

    const int Ways = 4;

    readonly Template?[] _templates;
    readonly int[] _places;
    readonly int _mask;
    int _next = 1;

    /// <param name="most">Templates that are remembered; a power of two.</param>
    public TemplateIndex(int most = 1 << 18)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(most & (most - 1), 0);
        _templates = new Template?[most];
        _places = new int[most * 4 * Ways];
        _mask = (most * 4) - 1;
    }

    /// <summary>All that are remembered.</summary>
    public IEnumerable<Template> Templates => _templates.OfType<Template>();

    /// <summary>The template; null where it is forgotten.</summary>
    public Template? this[int id] => _templates[id & (_templates.Length - 1)] is { } template && template.Id == id ? template : null;

    /// <summary>The template of a prompt, a new one where none is like it.</summary>
    public Template Meet(PromptSketch sketch)
    {
        Template? best = null;
        double alike = Alike;
        foreach (ulong key in sketch.Bands)
        {
            foreach (int id in Places(key))
            {
                if (this[id] is { } template && !ReferenceEquals(template, best) && PromptSketch.Compare(template.First, sketch.Template).Jaccard is var similarity && similarity >= alike)
                {
                    (best, alike) = (template, similarity);
                }
            }
        }

        return best ?? Add(sketch);
    }

    Template Add(PromptSketch sketch)
    {
        Template added = new(_next++, sketch.Template);
        _templates[added.Id & (_templates.Length - 1)] = added;
        foreach (ulong key in sketch.Bands)
        {
            Span<int> places = Places(key);
            places[..^1].CopyTo(places[1..]);
            places[0] = added.Id;
        }

        return added;
    }

    Span<int> Places(ulong key) => _places.AsSpan((int)(key >> 20 & (ulong)_mask) * Ways, Ways);
}
