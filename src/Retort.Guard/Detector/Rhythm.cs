namespace Retort.Guard.Detector;

/// <summary>How an account's requests lie in time, in a few kinds: whether they come in sittings, and how much of the day they fill.</summary>
static class Rhythm
{
    const int Enough = 20;

    /// <summary>A number for the kind; 0 where there are too few requests to tell.</summary>
    public static ulong Of(AccountTrail account)
    {
        if (account.Prompts < Enough)
        {
            return 0;
        }

        double follow = (double)account.FollowUps / account.Prompts;
        return 1 + (follow switch { < 0.1 => 0UL, < 0.4 => 1, < 0.8 => 2, _ => 3 });
    }
}
