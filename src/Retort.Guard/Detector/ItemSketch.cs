namespace Retort.Guard.Detector;

/// <summary>What fills a template, to tell whether two prompts are the same item: wrapped, cut or put together otherwise, or filled otherwise.</summary>
/// <param name="Words">A sample of its words.</param>
/// <param name="Runs">A sample of its runs of three words.</param>
/// <param name="Numbers">A sample of its numbers.</param>
public sealed record ItemSketch(uint[] Words, uint[] Runs, uint[] Numbers)
{
    /// <summary>Two items are the same where one has next to no words that the other has not. Where a form is filled otherwise, each has words of its own.</summary>
    const double OwnWords = 0.02;

    /// <summary>And where they are long and most runs are the same: filling a form otherwise breaks three runs at every place.</summary>
    const double SameRuns = 0.75;

    /// <summary>Runs from which on an item is long enough for that.</summary>
    const int Long = 16;

    public bool IsSameAs(ItemSketch other)
    {
        // Whoever wraps or cuts something leaves its numbers as they are.
        (int shared, int ofOne, int ofOther) = PromptSketch.Compare(Numbers, other.Numbers);
        if (shared < ofOne && shared < ofOther)
        {
            return false;
        }

        (shared, ofOne, ofOther) = PromptSketch.Compare(Words, other.Words);
        int least = Math.Min(ofOne, ofOther);
        if (least - shared <= OwnWords * least)
        {
            return true;
        }

        (shared, ofOne, ofOther) = PromptSketch.Compare(Runs, other.Runs);
        least = Math.Min(ofOne, ofOther);
        return least >= Long && shared >= SameRuns * least;
    }
}
