namespace Retort.Guard.Detector;

/// <summary>
/// Whether accounts divide one list among them: templates that several share and fill differently, against the chance that strangers do. Each template
/// counts once, however much it is asked; what most of the group ask, or ask word for word, is an exercise or a benchmark and does not count.
/// </summary>
/// <param name="Shared">Templates that count: no account stands for more than a few.</param>
/// <param name="Met">Templates in which members met, all of them.</param>
/// <param name="Sharers">Accounts that asked in one of them.</param>
/// <param name="Exposure">Pairs of a prompt and a template of somebody else that could have met.</param>
public readonly record struct DividedList(double Shared, int Met, IReadOnlySet<long> Sharers, double Exposure)
{
    /// <summary>More of a group than this share one template only where it was set them.</summary>
    const double MostOfGroup = 1.0 / 3;

    /// <summary>A template that is asked by more others than members is not the group's.</summary>
    const double LeastOfAll = 0.5;

    /// <summary>Templates that one account may stand for.</summary>
    const int MostOfAccount = 3;

    /// <summary>A template of whose text this much was in others that were counted says nothing new.</summary>
    const double MostAgain = 0.4;

    /// <summary>Rates of meeting under the alternative, mixed with equal shares: no rate is tuned to any campaign.</summary>
    static readonly double[] s_rates = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

    /// <summary>Counts a group's templates.</summary>
    /// <param name="sources">Accounts that work on the same material, whose meetings do not count.</param>
    public static DividedList Of(IReadOnlyCollection<AccountTrail> group, TemplateIndex templates, CommonSources sources)
    {
        HashSet<long> members = [.. group.Select(a => a.Id)];
        HashSet<int> seen = [];
        HashSet<long> sharers = [];
        Dictionary<long, int> counted = [];
        HashSet<uint> texts = [];
        int shared = 0, met = 0;
        double prompts = 0, distinct = 0, own = 0;
        foreach (AccountTrail account in group)
        {
            prompts += account.Different;
            distinct += account.Templates.Count;
            own += (double)account.Different * account.Templates.Count;
            foreach (int id in account.Templates)
            {
                if (seen.Add(id) && templates[id] is { } template && Counts(template, members, sources) && IsApart(template, texts))
                {
                    met++;

                    // No account stands for more than a few of them: what many share with one alone is that one's, not theirs.
                    long[] among = [.. template.Accounts.Where(a => members.Contains(a) && counted.GetValueOrDefault(a) < MostOfAccount)];
                    if (among.Length >= 2)
                    {
                        shared++;
                        foreach (long sharer in among)
                        {
                            sharers.Add(sharer);
                            counted[sharer] = counted.GetValueOrDefault(sharer) + 1;
                        }
                    }
                }
            }
        }

        return new(shared, met, sharers, ((prompts * distinct) - own) / 2);
    }

    /// <summary>Whether a template has little to do with those that were counted: one exercise in many words is one.</summary>
    static bool IsApart(Template template, HashSet<uint> texts)
    {
        int again = 0;
        foreach (uint run in template.Text)
        {
            again += texts.Contains(run) ? 1 : 0;
        }

        if (again > MostAgain * template.Text.Length)
        {
            return false;
        }

        foreach (uint run in template.Text)
        {
            texts.Add(run);
        }

        return true;
    }

    /// <summary>Whether a template is evidence of a group.</summary>
    public static bool Counts(Template template, IReadOnlySet<long> members, CommonSources sources)
    {
        if (template.Accounts.Count < 2 || template.IsCommon)
        {
            return false;
        }

        long[] among = [.. template.Accounts.Where(members.Contains)];
        return among.Length >= 2
            && among.Length >= LeastOfAll * template.Accounts.Count
            && (among.Length == 2 || among.Length <= MostOfGroup * members.Count)
            && among.Any(a => a != among[0] && !sources.Have(a, among[0]));
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
        double rate = Math.Max(Met / Math.Max(Exposure, 1), chance);
        return (shared * Math.Log(rate / chance)) - ((rate - chance) * exposure);
    }
}
