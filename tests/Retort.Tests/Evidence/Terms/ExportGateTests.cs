using Retort.Evidence.Terms;
using static Retort.Tests.Evidence.Terms.Sample;

namespace Retort.Tests.Evidence.Terms;

public class ExportGateTests
{
    static readonly Obligation[] s_all =
    [
        new Obligation.NamePrefix("a", "Llama"), new Obligation.Notice("a", "Built with Llama"), new Obligation.Notice("b", "Built with Qwen|Improved using Qwen"),
        new Obligation.FlowDown("c", "Gemma Terms of Use"), new Obligation.Condition("a", "Stay small."),
    ];

    [Theory]
    [InlineData("Llama-tales", "Built with Llama.\nImproved using Qwen", "GEMMA TERMS\nOF USE\n…")]
    [InlineData("Llama-tales", "Built  with\nLlama, built with it. Built with Qwen", "x Gemma Terms of Use y")]
    [InlineData("llama-tales", "Built with Llama, Built with Qwen", "Gemma Terms of Use", "the name must begin with \"Llama\"")]
    [InlineData("My-Llama", "Built with Llama, Built with Qwen", "Gemma Terms of Use", "the name must begin with \"Llama\"")]
    [InlineData("Llama-tales", "Built with Qwen", "Gemma Terms of Use", "the notices must say \"Built with Llama\"")]
    [InlineData("Llama-tales", "Built with Llama", "Gemma Terms of Use", "the notices must say \"Built with Qwen\" or \"Improved using Qwen\"")]
    [InlineData("Llama-tales", "Built with Llama, Built with Qwen", "MIT", "a licence file must hold \"Gemma Terms of Use\", whose terms bind whoever gets the model")]
    public void EachObligationIsMetOrHasItsSentence(string name, string notices, string licence, params string[] unmet)
    {
        ExportVerdict verdict = ExportGate.Check(s_all, new(name, notices, [licence]));
        Assert.Equal(unmet, (verdict as ExportVerdict.Unmet)?.Obligations.Select(o => o.Sentence) ?? []);
        Assert.Equal("Stay small.", Assert.Single(verdict.Conditions).Sentence);
    }

    [Fact]
    public void TheLicenceOfABaseModelIsLookedForAmongTheFiles()
    {
        Obligation[] owed = [new Obligation.WithWeights("a", "MIT License")];
        Assert.Equal("a licence file must hold \"MIT License\" where a student begins from these weights", Assert.Single(Assert.IsType<ExportVerdict.Unmet>(ExportGate.Check(owed, new("any", "MIT License", ["Apache License"]))).Obligations).Sentence);
        Assert.IsType<ExportVerdict.Met>(ExportGate.Check(owed, new("any", "", ["Apache License", "MIT License\n\nCopyright …"])));
    }

    [Fact]
    public void NothingOwedIsMet() => Assert.IsType<ExportVerdict.Met>(ExportGate.Check([], new("any", "", [])));

    [Fact]
    public void TwoPrefixesCannotBothBeMet() =>
        Assert.Equal("b", Assert.Single(Assert.IsType<ExportVerdict.Unmet>(ExportGate.Check([new Obligation.NamePrefix("a", "Llama"), new Obligation.NamePrefix("b", "Other")], new("Llama-Other", "", []))).Obligations).Entry);

    [Fact]
    public void AStudentOfLlamaIsNotExportedUnderAnotherName()
    {
        UsedModel llama = UsedModel.Of("meta-llama/Llama-3.1-8B-Instruct", Shipped);
        Assert.IsType<TermsVerdict.Open>(TermsGate.Check(Shipped, [new(TermsRole.Teacher, llama, TermsPurpose.Train)], Today));
        TermsVerdict.Open open = Open(TermsGate.Check(Shipped, [new(TermsRole.Teacher, llama, TermsPurpose.Export)], Today));
        ExportVerdict.Unmet refused = Assert.IsType<ExportVerdict.Unmet>(ExportGate.Check(open.Obligations, new("tales-small", "Built with Llama", [])));
        Assert.Equal("the name must begin with \"Llama\"", Assert.Single(refused.Obligations).Sentence);
        Assert.IsType<ExportVerdict.Met>(ExportGate.Check(open.Obligations, new("Llama-tales-small", "Built with Llama", [])));
    }
}
