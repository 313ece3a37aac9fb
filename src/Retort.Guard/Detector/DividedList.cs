namespace Retort.Guard.Detector;

/// <summary>
/// Whether accounts divide one list among them: templates that several share and fill differently, against the chance that strangers do. Each template
/// counts once, however much it is asked; what most of the group ask, or ask word for word, is an exercise or a benchmark and does not count.
/// </summary>
/// <param name="Shared">Templates that count.</param>
/// <param name="Exposure">Pairs of a prompt and a template of somebody else that could have met.</param>
public readonly record struct DividedList(double Shared, double Exposure)
{
    /// <summary>More of a group than this share one template only where it was set them.</summary>
    const double MostOfGroup = 1.0 / 3;

    /// <summary>Rates of meeting under the alternative, mixed with equal shares: no rate is tuned to any campaign.</summary>
    static readonly double[] s_rates = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

    /// <summary>Counts a group's templates.</summary>
    public static DividedList Of(IReadOnlyCollection<AccountTrail> group, TemplateIndex templates, IReadOnlySet<long> members)
    {
        HashSet<int> seen = [];
        int shared = 0;
        double prompts = 0, distinct = 0, own = 0;
        foreach (AccountTrail account in group)
        {
            prompts += account.Prompts;
            distinct += account.Templates.Count;
            own += (double)account.Prompts * account.Templates.Count;
            foreach (int id in account.Templates)
            {
                if (seen.Add(id) && templates[id] is { } template && Counts(template, members))
                {
                    shared++;
                }
            }
        }

        return new(shared, ((prompts * distinct) - own) / 2);
    }

    /// <summary>Whether a template is evidence of a group.</summary>
    public static bool Counts(Template template, IReadOnlySet<long> members)
    {
        if (template.IsCommon)
        {
            return false;
        }

        int among = template.Accounts.Count(members.Contains);
        return among >= 2 && (among == 2 || among <= MostOfGroup * members.Count);
    }

    /// <summary>The natural logarithm of the likelihood ratio; meetings are Poisson, which makes the ratio no greater than it is for single chances.</summary>
    /// <param name="chance">The rate at which strangers meet, an upper bound.</param>
    public double LogRatio(double chance)
    {
        double most = double.NegativeInfinity, sum = 0;
        Span<double> terms = stackalloc double[s_rates.Length];
        for (int i = 0; i < terms.Length; i++)
        {
            double rate = Math.Max(s_rates[i], chance);
            terms[i] = (Shared * Math.Log(rate / chance)) - ((rate - chance) * Exposure);
            most = Math.Max(most, terms[i]);
        }

        foreach (double term in terms)
        {
            sum += Math.Exp(term - most);
        }

        return most + Math.Log(sum / terms.Length);
    }

    /// <summary>What one more template and a little more exposure add, by the rate that was found.</summary>
    public double LogRatioOf(double shared, double exposure, double chance)
    {
        double rate = Math.Max(Shared / Math.Max(Exposure, 1), chance);
        return (shared * Math.Log(rate / chance)) - ((rate - chance) * exposure);
    }
}
