using System.Text;
using Retort.Evidence.Terms;

namespace Retort.Tests.Evidence.Terms;

public class EndpointPolicyTests
{
    [Theory]
    [InlineData("""{"is_trainable_text": true}""", TermsClass.Allow)]
    [InlineData("""{"is_trainable_text": false}""", TermsClass.TrainingBanned)]
    [InlineData("""{"is_trainable_text": null}""", TermsClass.Unknown)]
    [InlineData("""{"distillationPolicy": {"status": "allowed"}}""", TermsClass.Allow)]
    [InlineData("""{"distillationPolicy": {"status": "disallowed"}}""", TermsClass.TrainingBanned)]
    [InlineData("""{"distillationPolicy": {"status": "unknown"}}""", TermsClass.Unknown)]
    [InlineData("""{"distillationPolicy": {"status": "allowed"}, "is_trainable_text": false}""", TermsClass.TrainingBanned)]
    [InlineData("""{"distillationPolicy": {"status": "disallowed"}, "is_trainable_text": true}""", TermsClass.TrainingBanned)]
    [InlineData("""{"distillationPolicy": {"status": "unknown"}, "is_trainable_text": true}""", TermsClass.Unknown)]
    [InlineData("""{"distillationPolicy": {"status": "disallowed"}, "is_trainable_text": "yes"}""", TermsClass.TrainingBanned)]
    [InlineData("""{"distillationPolicy": {"status": "maybe"}, "is_trainable_text": false}""", TermsClass.TrainingBanned)]
    [InlineData("""{"distillationPolicy": {"status": "disallowed", "label": 7, "note": {}}}""", TermsClass.TrainingBanned)]
    [InlineData("""{"data": [7, {"id": 7}, {"id": "m", "is_trainable_text": false}]}""", TermsClass.TrainingBanned)]
    public void SaysWhatTheFieldSays(string json, TermsClass expected) => Assert.Equal(expected, Parse(json)!.Class);

    [Theory]
    [InlineData("""{"is_trainable_text": false}""", "is_trainable_text: false")]
    [InlineData("""{"is_trainable_text": null}""", "is_trainable_text: null")]
    [InlineData("""{"distillationPolicy": {"status": "disallowed"}}""", "distillationPolicy.status: disallowed")]
    [InlineData("""{"distillationPolicy": {"status": "allowed"}}""", "distillationPolicy.status: allowed")]
    public void NamesFieldAndValue(string json, string field) => Assert.Equal(field, Parse(json)!.Field);

    [Fact]
    public void WithoutEitherFieldNothingIsSaid() => Assert.Null(Parse("""{"id": "m", "context_length": 8192}"""));

    [Fact]
    public void TheFieldsOfNanoGptAreKept() => Assert.Equal(
        new EndpointPolicy(TermsClass.TrainingBanned, "distillationPolicy", "Barred", "provider-terms", "https://models.org/terms", "Ask first."),
        Parse("""{"distillationPolicy": {"status": "disallowed", "label": "Barred", "basis": "provider-terms", "sourceUrl": "https://models.org/terms", "note": "Ask first."}}"""));

    [Fact]
    public void AListIsSearchedByIdOrSlug()
    {
        const string List = """{"data": [{"id": "a/one", "is_trainable_text": true}, {"slug": "b/two", "is_trainable_text": false}]}""";
        Assert.Equal((TermsClass.Allow, TermsClass.TrainingBanned), (Parse(List, "a/one")!.Class, Parse(List, "b/two")!.Class));
        Assert.Contains("'c/three' is not in the endpoint's list", Assert.Throws<UserError>(() => Parse(List, "c/three")).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "not an object")]
    [InlineData("""{"is_trainable_text": "yes"}""", "is_trainable_text")]
    [InlineData("""{"distillationPolicy": {}}""", "status is missing")]
    [InlineData("""{"distillationPolicy": {"status": "maybe"}}""", "status is \"maybe\"")]
    [InlineData("""{"distillationPolicy": {"status": "maybe"}, "is_trainable_text": true}""", "status is \"maybe\"")]
    [InlineData("""{"distillationPolicy": true}""", "true")]
    [InlineData("""{"data": [7, {"id": 7}]}""", "'m' is not in the endpoint's list")]
    public void WhatIsWrongIsNamed(string json, string what) => Assert.Contains(what, Assert.Throws<UserError>(() => Parse(json)).What, StringComparison.Ordinal);

    static EndpointPolicy? Parse(string json, string model = "m") => EndpointPolicy.Parse(Encoding.UTF8.GetBytes(json), "models.json", model);
}
