namespace Retort.Evidence.Terms;

/// <summary>How a teacher is reached. Permission hangs on it: the same model may be free as weights and barred behind its maker's interface.</summary>
public enum AccessPath
{
    Weights,
    FirstPartyApi,
    CloudReseller,
    ConsumerPage,
    ThirdPartyProxy,
    Dataset,
}
