using Retort.Evidence.Terms;
using static Retort.Tests.Evidence.Terms.Sample;

namespace Retort.Tests.Evidence.Terms;

public class TermsGateTests
{
    public static TheoryData<TermsClass, TermsPurpose, bool> Table
    {
        get
        {
            // Written out, not computed from the order of the classes.
            HashSet<TermsClass> open = [TermsClass.Allow, TermsClass.AllowWithNaming, TermsClass.FlowDown];
            TheoryData<TermsClass, TermsPurpose, bool> table = [];
            foreach (TermsClass c in Enum.GetValues<TermsClass>())
            {
                foreach (TermsPurpose purpose in Enum.GetValues<TermsPurpose>())
                {
                    table.Add(c, purpose, open.Contains(c));
                }
            }

            return table;
        }
    }

    [Theory]
    [MemberData(nameof(Table))]
    public void AClassOpensOrClosesEveryPurpose(TermsClass c, TermsPurpose purpose, bool opens)
    {
        TermsVerdict verdict = TermsGate.Check(new([Entry("one", c)]), [Use("one.models.org", purpose)], Today);
        Assert.Equal(opens, verdict is TermsVerdict.Open);
        Assert.Equal(c, Assert.Single(verdict.Uses).Class);
        if (verdict is TermsVerdict.Closed closed)
        {
            TermsReason reason = Assert.Single(closed.Reasons);
            Assert.Equal(TermsReasonKind.Class, reason.Kind);
            Assert.All(["one", "Terms of one", "section 4.2", KebabName.Of(purpose), KebabName.Of(c)], part => Assert.Contains(part, reason.Sentence, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(180, true)]
    [InlineData(181, false)]
    [InlineData(-1, false)]
    public void AReadingCountsForHalfAYear(int age, bool opens)
    {
        TermsVerdict verdict = TermsGate.Check(new([Entry("one", read: Today.AddDays(-age))]), [Use("one.models.org")], Today);
        Assert.Equal(opens, verdict is TermsVerdict.Open);
        Assert.All((verdict as TermsVerdict.Closed)?.Reasons ?? [], r => Assert.Equal(TermsReasonKind.Stale, r.Kind));
    }

    [Fact]
    public void HowOldAReadingMayBeIsAParameter()
    {
        TermsRegister register = new([Entry("one", read: Today.AddDays(-10))]);
        Open(TermsGate.Check(register, [Use("one.models.org")], Today, maxAgeDays: 10));
        Assert.Contains("10 days ago, and counts for 9", Assert.Single(Closed(TermsGate.Check(register, [Use("one.models.org")], Today, maxAgeDays: 9)).Reasons).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void ALicenceThatGoesWithWhatItCoversDoesNotGrowOld()
    {
        TermsEntry entry = Entry("one", read: Today.AddDays(-3000)) with { IsFixed = true };
        Open(TermsGate.Check(new([entry]), [Use("one.models.org")], Today));
        Closed(TermsGate.Check(new([entry with { Read = Today.AddDays(1) }]), [Use("one.models.org")], Today));
    }

    [Fact]
    public void ABaseModelsLicenceGoesAlong()
    {
        TermsRegister register = new([Entry("one", obligations: Owed(weights: ["MIT License"]))]);
        Assert.Empty(Open(TermsGate.Check(register, [Use("one.models.org")], Today)).Obligations);
        Assert.Equal([new Obligation.WithWeights("one", "MIT License")], Open(TermsGate.Check(register, [Use("one.models.org", role: TermsRole.BaseModel)], Today)).Obligations);
    }

    /// <summary>The verdict over many uses is open just when each alone is, in any order, and a stricter class never opens one.</summary>
    [Fact]
    public void TheVerdictIsTheMeetOverAllUses()
    {
        TermsClass[] classes = Enum.GetValues<TermsClass>();
        for (int seed = 0; seed < 2000; seed++)
        {
            Random random = new(seed);
            string[] ids = ["a", "b", "c", "d"];
            TermsEntry[] entries = [.. ids.Select(id => Entry(id, classes[random.Next(random.Next(2) == 0 ? 3 : classes.Length)], Today.AddDays(-random.Next(200))))];
            TermsUse[] uses = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Use($"{ids[random.Next(4)]}.models.org", declared: random.Next(3) == 0 ? ids[random.Next(4)] : null, model: $"{ids[random.Next(4)]}/m"))];
            TermsRegister register = new(entries);
            bool open = TermsGate.Check(register, uses, Today) is TermsVerdict.Open;
            Assert.Equal(uses.All(u => TermsGate.Check(register, [u], Today) is TermsVerdict.Open), open);
            Assert.Equal(open, TermsGate.Check(register, [.. uses.Reverse()], Today) is TermsVerdict.Open);
            int changed = random.Next(4);
            TermsRegister stricter = new(entries.Select((e, i) => i == changed && e.Class < TermsClass.AccessBanned ? e with { Class = e.Class + 1 } : e));
            Assert.True(open || TermsGate.Check(stricter, uses, Today) is TermsVerdict.Closed);
        }
    }

    [Fact]
    public void SomebodyElsesWordOpensNothing() =>
        Assert.Equal(TermsReasonKind.Reported, Assert.Single(Closed(TermsGate.Check(new([Entry("one", evidence: TermsEvidence.Reported)]), [Use("one.models.org")], Today)).Reasons).Kind);

    [Fact]
    public void WhatNobodyCoversIsUnknown()
    {
        TermsVerdict.Closed closed = Closed(TermsGate.Check(new([Entry("one")]), [Use("two.models.org")], Today));
        Assert.Equal((TermsReasonKind.NoEntry, null), (closed.Reasons[0].Kind, closed.Reasons[0].Entry));
        Assert.Equal(TermsClass.Unknown, closed.Uses[0].Class);
        Assert.Contains("two.models.org", closed.Reasons[0].Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void AModelsNameAtAnUnknownHostOpensNothing()
    {
        TermsRegister register = new([Entry("one")]);
        Closed(TermsGate.Check(register, [Use("two.models.org", model: "one/large")], Today));
        Open(TermsGate.Check(register, [Use("two.models.org", model: "one/large", declared: "one")], Today));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("192.168.1.9")]
    [InlineData("::1")]
    [InlineData("box")]
    [InlineData("box.local")]
    public void ThisMachineNeedsADeclaration(string host)
    {
        TermsRegister register = new([Entry("one"), Entry("shut", TermsClass.TrainingBanned)]);
        Assert.Contains("declare", Assert.Single(Closed(TermsGate.Check(register, [Use(host)], Today)).Reasons).Why, StringComparison.Ordinal);
        Open(TermsGate.Check(register, [Use(host, declared: "one")], Today));
        Closed(TermsGate.Check(register, [Use(host, declared: "shut")], Today));
        Assert.Equal("shut", Assert.Single(Closed(TermsGate.Check(register, [Use(host, declared: "one", model: "shut/large")], Today)).Reasons).Entry!.Id);
    }

    [Fact]
    public void ADeclarationDoesNotLoosenWhatTheAddressShows()
    {
        TermsVerdict.Closed closed = Closed(TermsGate.Check(new([Entry("one"), Entry("shut", TermsClass.NoCompetingModels)]), [Use("shut.models.org", declared: "one")], Today));
        Assert.Equal("shut", Assert.Single(closed.Reasons).Entry!.Id);
        Assert.Equal("one was declared, but shut covers it and is stricter, so shut holds", Assert.Single(Assert.Single(closed.Uses).Notes));
    }

    [Fact]
    public void AStricterDeclarationHolds()
    {
        TermsVerdict.Closed closed = Closed(TermsGate.Check(new([Entry("one"), Entry("shut", TermsClass.NoCompetingModels)]), [Use("one.models.org", declared: "shut")], Today));
        Assert.Equal("shut", Assert.Single(closed.Reasons).Entry!.Id);
    }

    [Fact]
    public void ADeclaredIdThatIsNoneIsBadInput() =>
        Assert.Contains("Did you mean one?", Assert.Throws<UserError>(() => TermsGate.Check(new([Entry("one")]), [Use("localhost", declared: "onr")], Today)).Hint, StringComparison.Ordinal);

    [Fact]
    public void OneClosedUseClosesTheRun()
    {
        TermsRegister register = new([Entry("one"), Entry("two"), Entry("shut", TermsClass.PriorAuthorisation), Entry("old", read: Today.AddDays(-400))]);
        TermsUse[] fine = [Use("one.models.org"), Use("two.models.org", role: TermsRole.Judge)];
        Open(TermsGate.Check(register, fine, Today));
        Open(TermsGate.Check(register, [], Today));
        TermsVerdict.Closed closed = Closed(TermsGate.Check(register, [.. fine, Use("shut.models.org", TermsPurpose.Ask, role: TermsRole.PromptGrower), Use("old.models.org", role: TermsRole.SeedData)], Today));
        Assert.Equal(["shut", "old"], closed.Reasons.Select(r => r.Entry!.Id));
        Assert.StartsWith("prompt grower https://shut.models.org/v1#m may not be used to ask: shut (Terms of shut, section 4.2): ", closed.Reasons[0].Sentence, StringComparison.Ordinal);
        Assert.StartsWith("seed data ", closed.Reasons[1].Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void ObligationsOfAllUsesAddUpOnceEach()
    {
        TermsRegister register = new([
            Entry("named", TermsClass.AllowWithNaming, obligations: Owed("Llama", ["Built with Llama"])),
            Entry("flows", TermsClass.FlowDown, obligations: Owed(flows: ["The Terms"], conditions: ["Be good."])),
        ]);
        TermsVerdict.Open open = Open(TermsGate.Check(register, [Use("named.models.org"), Use("flows.models.org"), Use("named.models.org", TermsPurpose.Export)], Today));
        Assert.Equal(
            [new Obligation.NamePrefix("named", "Llama"), new Obligation.Notice("named", "Built with Llama"), new Obligation.FlowDown("flows", "The Terms"), new Obligation.Condition("flows", "Be good.")],
            open.Obligations);
    }

    [Theory]
    [InlineData(TermsClass.Allow, TermsClass.Allow, true)]
    [InlineData(TermsClass.Allow, TermsClass.TrainingBanned, false)]
    [InlineData(TermsClass.Allow, TermsClass.Unknown, false)]
    [InlineData(TermsClass.NoCompetingModels, TermsClass.Allow, false)]
    [InlineData(TermsClass.Unknown, TermsClass.Allow, false)]
    public void TheStricterOfRegisterAndEndpointHolds(TermsClass registered, TermsClass own, bool opens)
    {
        TermsVerdict verdict = TermsGate.Check(new([Entry("one", registered)]), [Use("one.models.org", says: new(own, "distillationPolicy", "Label", null, null, null))], Today);
        Assert.Equal(opens, verdict is TermsVerdict.Open);
        Assert.Equal(TermsClasses.Stricter(registered, own), verdict.Uses[0].Class);
    }

    [Fact]
    public void AnEndpointsYesDoesNotReplaceAnEntry() =>
        Closed(TermsGate.Check(new([Entry("one")]), [Use("two.models.org", says: new(TermsClass.Allow, "is_trainable_text", null, null, null, null))], Today));

    [Fact]
    public void AVerdictNamesWhatItRestsOn()
    {
        TermsRegister register = new([Entry("one")]);
        TermsVerdict verdict = TermsGate.Check(register, [Use("one.models.org")], Today, 30);
        Assert.Equal((register.Sha256, Today, 30), (verdict.RegisterSha256, verdict.On, verdict.MaxAgeDays));
        Assert.Equal(CanonicalTerms.Sha256(register.Get("one", "")), Assert.Single(verdict.Uses[0].Entries).Sha256);
    }
}
