using Retort.Evidence.Terms;

namespace Retort.Tests.Evidence.Terms;

/// <summary>Entries, registers and uses made for a test.</summary>
static class Sample
{
    public static readonly DateOnly Today = new(2026, 11, 28);

    public static TermsRegister Shipped { get; } = TermsRegister.Read(Repository.PathOf("terms"));

    /// <summary>An entry of the host ID.example.org and the model ID/model, read a week ago.</summary>
    public static TermsEntry Entry(string id, TermsClass c = TermsClass.Allow, DateOnly? read = null, TermsObligations? obligations = null, TermsEvidence evidence = TermsEvidence.Original) => new(
        id, "Example", "Models of " + id, AccessPath.FirstPartyApi, new([$"{id}.models.org"], [$"{id}/*"], []), "Terms of " + id, "1", new DateOnly(2026, 1, 1), read ?? Today.AddDays(-7), false,
        "https://models.org/terms", "section 4.2", "LicenseRef-Sample", null, null, evidence, new("Said of training.", "not read", "not read", "not read", "not read"), c,
        obligations ?? Owed(), null);

    public static TermsObligations Owed(string? prefix = null, string[]? notices = null, string[]? flows = null, string[]? weights = null, string[]? conditions = null) => new(prefix, notices ?? [], flows ?? [], weights ?? [], conditions ?? []);

    public static TermsUse Use(string host, TermsPurpose purpose = TermsPurpose.Train, string? declared = null, EndpointPolicy? says = null, string model = "m", TermsRole role = TermsRole.Teacher) =>
        new(role, new UsedModel.Endpoint($"https://{host}/v1#{model}", host, model), purpose, declared, says is null ? null : new($"https://{host}/v1/models", new DateTimeOffset(Today, default, default), new string('c', 64), says));

    public static TermsPermission Permission(string entry, params TermsPurpose[] purposes) =>
        new("Example", "Us", "Contract 7", Today.AddDays(-30), Today.AddDays(30), [entry], purposes, new string('a', 64), new string('b', 64));

    public static TermsVerdict.Open Open(TermsVerdict verdict) => Assert.IsType<TermsVerdict.Open>(verdict);

    public static TermsVerdict.Closed Closed(TermsVerdict verdict) => Assert.IsType<TermsVerdict.Closed>(verdict);
}
