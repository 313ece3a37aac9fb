using Retort.Cli;
using Retort.Evidence.Terms;
using static Retort.Tests.Evidence.Terms.Sample;

namespace Retort.Tests.Evidence.Terms;

/// <summary>The register in terms/ as it ships, on the day it was made.</summary>
public class ShippedRegisterTests
{
    public static TheoryData<string> Ids => [.. Shipped.Entries.Select(e => e.Id)];

    /// <summary>A user's own word for a model of their own: it covers nothing by itself and asks for nothing.</summary>
    const string Own = "own-model";

    [Theory]
    [MemberData(nameof(Ids))]
    public void EveryEntryIsComplete(string id)
    {
        TermsEntry e = Shipped.Get(id, "");
        Assert.InRange(e.Read, new DateOnly(2025, 1, 1), Today);
        Assert.True(e.Effective is null || e.Effective <= e.Read, "it holds from before it was read");
        Assert.All([e.Teacher, e.Document, e.Clause, e.Says.Training, e.Says.Collection, e.Says.Benchmarking, e.Says.SyntheticData, e.Says.Indemnity], text => Assert.NotEqual("", text));
        Assert.NotEqual(TermsFile.NotRead, e.Says.Training);
        Assert.Equal(id == Own, e.Covers.Hosts.Count + e.Covers.Models.Count + e.Covers.Files.Count == 0);
        Assert.True(e.Path is AccessPath.Weights or AccessPath.Dataset || e.Covers.Hosts.Count > 0, "what is asked over the network has a host");
    }

    [Fact]
    public void WhatShipsInTheProgramIsTheFolder() => Assert.Equal(Shipped.Sha256, ShippedTerms.Read().Sha256);

    [Theory]
    [InlineData("https://api.openai.com/v1#gpt-5", "openai-api", "section 3.3 (e)")]
    [InlineData("openai/gpt-5", "openai-api", "section 3.3 (e)")]
    [InlineData("https://chatgpt.com/backend-api#gpt-5", "openai-chatgpt", "What you cannot do")]
    [InlineData("https://api.anthropic.com/v1#claude-opus-4-5", "anthropic-api", "section D.4 (a)")]
    [InlineData("https://claude.ai/api#claude", "anthropic-claude-ai", "Consumer Terms")]
    [InlineData("https://generativelanguage.googleapis.com/v1beta/openai#gemini-3-pro", "google-gemini-api", "Additional Terms")]
    [InlineData("https://gemini.google.com/app#x", "google-consumer", "Google Terms of Service")]
    [InlineData("https://api.x.ai/v1#grok-4", "xai-api", "Output")]
    [InlineData("https://api.llama.com/v1#llama-4", "meta-model-api", "Model API")]
    [InlineData("https://chat.qwen.ai/api#qwen", "qwen-chat", "II.1")]
    [InlineData("https://copilot.microsoft.com/x#y", "microsoft-copilot", "Copilot")]
    [InlineData("https://openrouter.ai/api/v1#deepseek/deepseek-r1", "openrouter", "is_trainable_text")]
    [InlineData("meta-llama/Llama-2-7b-chat-hf", "llama-2-weights", "section 1.b.v")]
    [InlineData("meta-llama/Meta-Llama-3-8B", "llama-3-weights", "section 1.b.v")]
    [InlineData("Qwen/Qwen-7B-Chat", "qwen-1-weights", "Tongyi")]
    [InlineData("LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", "exaone-weights", "EXAONE")]
    [InlineData("mistralai/Mistral-Large-Instruct-2411", "mistral-research-weights", "Research License")]
    [InlineData("google/gemma-4-31b-it", "gemma-4-weights", "Apache")]
    public void IsClosedWithItsClause(string reference, string id, string part)
    {
        TermsReason[] reasons = [.. Closed(Check(reference)).Reasons];
        Assert.Contains(reasons, r => r.Entry!.Id == id && r.Sentence.Contains(part, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("deepseek-ai/DeepSeek-R1", "deepseek-r1-weights")]
    [InlineData("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B@main", "deepseek-r1-weights")]
    [InlineData("https://api.deepseek.com/v1#deepseek-reasoner", "deepseek-api")]
    [InlineData("https://api.mistral.ai/v1#mistral-large-latest", "mistral-api")]
    [InlineData("Qwen/Qwen3-8B", "qwen-apache-weights")]
    [InlineData("moonshotai/Kimi-K2-Instruct", "kimi-k2-weights")]
    [InlineData("karpathy/tinyllamas", "tinyllamas-weights")]
    [InlineData("sample:tales", "retort-tales-text")]
    public void IsOpen(string reference, string id) => Assert.Equal(id, Assert.Single(Assert.Single(Open(Check(reference)).Uses).Entries).Entry.Id);

    [Theory]
    [InlineData("meta-llama/Llama-3.1-8B", "the name must begin with \"Llama\"")]
    [InlineData("meta-llama/Llama-4-Scout-17B-16E", "the name must begin with \"Llama\"")]
    [InlineData("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "the name must begin with \"Llama\"")]
    [InlineData("Qwen/Qwen2.5-72B-Instruct", "the notices must say \"Built with Qwen\" or \"Improved using Qwen\"")]
    [InlineData("nvidia/Cosmos-1.0-Autoregressive-4B", "the notices must say \"Built on NVIDIA Cosmos\"")]
    [InlineData("google/gemma-3-4b-it", "a licence file must hold \"Gemma Terms of Use\", whose terms bind whoever gets the model")]
    [InlineData("deepseek-ai/deepseek-llm-7b-base", "a licence file must hold \"DeepSeek License Agreement\", whose terms bind whoever gets the model")]
    public void IsOpenAndLeavesSomethingToBeMet(string reference, string sentence) => Assert.Contains(sentence, Open(Check(reference)).Obligations.Select(o => o.Sentence));

    [Fact]
    public void TheBundledModelsAreKnownByTheirWeights() =>
        Assert.All(["models/tales-teacher", "models/tales-base"], model => Assert.Equal("retort-tales", Assert.Single(Assert.Single(Open(Check(Repository.PathOf(model))).Uses).Entries).Entry.Id));

    /// <summary>What ships with Retort comes with its licence and does not grow old, so that an old release still runs its own samples.</summary>
    [Fact]
    public void EverythingElseIsStaleInAYear()
    {
        TermsVerdict verdict = TermsGate.Check(Shipped, [.. Shipped.Entries.Select(e => Use("localhost", declared: e.Id, model: ""))], Today.AddDays(365));
        Assert.Equal(Shipped.Entries.Where(e => e.Provider != "Retort").Select(e => e.Id), Closed(verdict).Reasons.Where(r => r.Kind == TermsReasonKind.Stale).Select(r => r.Entry!.Id));
        Assert.Equal([Own, "retort-tales", "retort-tales-text"], Shipped.Entries.Where(e => e.IsFixed).Select(e => e.Id));
    }

    [Fact]
    public void WeightsThatAStudentMayBeginFromNameTheirLicence() =>
        Assert.All(Shipped.Entries.Where(e => e.Path == AccessPath.Weights && e.Id != Own), e => Assert.NotEmpty(e.Obligations.WithWeights));

    static TermsVerdict Check(string reference) => TermsGate.Check(Shipped, [new(TermsRole.Teacher, UsedModel.Of(reference, Shipped), TermsPurpose.Train)], Today);
}
