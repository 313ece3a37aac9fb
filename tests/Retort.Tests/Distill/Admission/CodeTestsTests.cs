using System.Net.NetworkInformation;
using Retort.Asking;
using Retort.Distill;

namespace Retort.Tests.Distill;

/// <summary>Answers' code under node: what passes, and what fails, leaves early, runs on, reads the environment or reaches out.</summary>
public class CodeTestsTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    static async Task<CodeTests> Node(int seconds = 10)
    {
        if (OperatingSystem.IsWindows() || !(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(f => File.Exists(Path.Combine(f, "node"))))
        {
            Assert.Skip("node is absent.");
        }

        return await CodeTests.Open(new("node", seconds, 256), TimeProvider.System, Stop);
    }

    [Theory]
    [InlineData("Here it is:\n```js\nfunction add(a, b) { return a + b; }\n```\nIt adds.", true, "")]
    [InlineData("function add(a, b) { return a + b; }", true, "")]
    [InlineData("First\n```js\nbroken(\n```\nand better:\n```js\nconst add = (a, b) => a + b;\n```", true, "")]
    [InlineData("```js\nfunction add(a, b) { return a - b; }\n```", false, "Node.js v")]
    [InlineData("```js\nfunction add(a, b) { return a + b; }\nprocess.exit(0);\n```", false, "it left before its tests were done")]
    [InlineData("```js\nfunction add(a, b) { return 6; }\nfor (let i = 0; i < 1e5; i++) console.error('much to say ' + i);\n```", false, "Node.js v")]
    [InlineData("```js\nfunction add(a, b) { return a + b; }\nrequire('fs').mkdirSync('shut'); require('fs').writeFileSync('shut/x', ''); require('fs').chmodSync('shut', 0);\n```", true, "")]
    [InlineData("I cannot write code.", false, "Node.js v")]
    [InlineData("```js\nfunction add(a, b) { return a + b; }\nif (Object.keys(process.env).some(k => !['PATH', 'HOME', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(k))) throw new Error('env');\n```", true, "")]
    [InlineData("```js\nfunction add(a, b) { return a + b; }\nconst big = []; for (;;) big.push(new Array(1e6).fill(Math.random()));\n```", false, null)]
    public async Task CodeIsRunWithItsTests(string answer, bool passes, string? said)
    {
        CodeVerdict verdict = await (await Node()).Run(answer, "if (add(2, 3) !== 5) throw new Error('add');", Stop);
        Assert.Equal(passes, verdict.Passed);
        Assert.StartsWith(said ?? "", verdict.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatRunsOnIsEnded() => Assert.False((await (await Node(1)).Run("for (;;);", "", Stop)).Passed);

    [Fact]
    public async Task WhereThereAreNamespacesThereIsNoNetwork()
    {
        CodeTests node = await Node();
        bool reached = !(await node.Run("", "if (Object.values(require('os').networkInterfaces()).flat().some(i => !i.internal)) throw new Error('network');", Stop)).Passed;
        bool here = NetworkInterface.GetAllNetworkInterfaces().Any(i => i.NetworkInterfaceType != NetworkInterfaceType.Loopback && i.OperationalStatus == OperationalStatus.Up && i.GetIPProperties().UnicastAddresses.Count > 0);
        Assert.Equal(here && !node.IsOffline, reached);
    }

    [Fact]
    public async Task VerdictsAreByAnswerAndDecide()
    {
        CodeTests node = await Node();
        StoredAnswer good = AdmissionTests.Answer(1, 0, "const one = () => 1;", asked: 2), bad = AdmissionTests.Answer(1, 1, "const one = () => 2;", asked: 2);
        AdmissionRules rules = AdmissionRules.Of(new() { Gold = new("code", null, null, "all", new("node", 10, 256)) });
        AdmissionEvidence evidence = AdmissionEvidence.None with { Gold = new Dictionary<string, string> { [good.QuestionId] = "if (one() !== 1) throw new Error('no');" } };
        IReadOnlyDictionary<string, CodeVerdict> ran = await node.Run(Admission.Of([good, bad], rules, evidence, Exclusion.NoGold).Admitted, evidence.Gold, 2, Stop);
        Admission admission = Admission.Of([good, bad], rules, evidence with { Code = ran });
        Assert.Equal([good.Id], admission.Admitted.Select(a => a.Answer.Id));
        Assert.Equal([(bad.Id, Exclusion.Wrong)], admission.Excluded.Select(e => (e.Answer.Id, e.Why)));
        Assert.All(Admission.Of([good, bad], rules, evidence).Excluded, e => Assert.Equal((Exclusion.Wrong, "its code was not run"), (e.Why, e.Detail)));
    }

    [Fact]
    public async Task ARunnerThatIsNotThereIsNamed() =>
        Assert.Contains("no such program", (await Assert.ThrowsAsync<UserError>(() => CodeTests.Open(new("/nowhere/node", 1, 64), TimeProvider.System, Stop))).What, StringComparison.Ordinal);
}
