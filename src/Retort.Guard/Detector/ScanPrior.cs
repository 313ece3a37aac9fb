using MathNet.Numerics;

namespace Retort.Guard.Detector;

/// <summary>
/// The price of having looked everywhere. Every group of accounts gets a share of one: each size the same, each group of one size the same. A likelihood
/// ratio of one group, times its share, is less than the sum of all of them, which is an e-value: so the largest, chosen after the fact and at any time, passes
/// 1/α with a probability of at most α (Ville 1939; Shafer and Vovk 2019, "Game-Theoretic Foundations", chapter 2).
/// </summary>
public static class ScanPrior
{
    /// <summary>The natural logarithm of a group's share.</summary>
    /// <param name="accounts">Accounts there are.</param>
    /// <param name="members">Accounts of the group.</param>
    public static double Log(int accounts, int members) => -Math.Log(Math.Max(accounts, 1)) - (SpecialFunctions.FactorialLn(accounts) - SpecialFunctions.FactorialLn(members) - SpecialFunctions.FactorialLn(accounts - members));
}
