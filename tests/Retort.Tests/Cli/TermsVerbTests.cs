using System.Text.Json;
using Retort.Cli;
using Retort.Tests.Evidence.Terms;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

public sealed class TermsVerbTests : IDisposable
{
    static readonly CalendarDay s_today = new(2026, 11, 28);

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void ListIsATable()
    {
        DoorRun run = Terms(ExitCode.Done, "list");
        string[] lines = run.Output.Split('\n');
        Assert.Matches(@"\Aid +path +class +read +stale  teacher\z", lines[0]);
        Assert.Contains(lines, l => l.StartsWith("openai-api ", StringComparison.Ordinal) && l.Contains("  first-party-api    no-competing-models-with-exception  2026-08-22         GPT", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("google-gemini-api ", StringComparison.Ordinal) && l.Contains("  stale  ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.StartsWith("deepseek-r1-weights ", StringComparison.Ordinal) && l.Contains("stale", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("gemma-4-weights ", StringComparison.Ordinal) && l.Contains("allow ?", StringComparison.Ordinal));
        Assert.Contains("not legal advice", run.Output, StringComparison.Ordinal);

        JsonElement[] entries = [.. Terms(ExitCode.Done, "list", "--json").Json.GetProperty("entries").EnumerateArray()];
        Assert.Equal(Sample.Shipped.Entries.Select(e => e.Id), entries.Select(e => e.GetProperty("id").GetString()));
        Assert.Equal("google-gemini-api", Assert.Single(entries, e => e.GetProperty("stale").GetBoolean()).GetProperty("id").GetString());
    }

    [Fact]
    public void ShowSaysAll()
    {
        string text = Terms(ExitCode.Done, "show", "llama-3.1-weights").Output;
        Assert.All(["allow-with-naming", "sections 1.b.i and 2", "Built with Llama", "read            2026-11-21"], part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 120, line));
        JsonElement json = Terms(ExitCode.Done, "show", "llama-3.1-weights", "--json").Json;
        Assert.Equal(("Llama", "not read", false), (json.GetProperty("obligations").GetProperty("name_prefix").GetString(), json.GetProperty("says").GetProperty("indemnity").GetString(), json.GetProperty("stale").GetBoolean()));
        DoorRun.At(s_today, "terms", "show", "lama-3.1-weights").Refused("terms show", "there are no terms 'lama-3.1-weights' in the register. Did you mean llama-3.1-weights?");
    }

    [Fact]
    public void AClosedGateIsExitCodeOneWithItsReasons()
    {
        DoorRun run = Terms(ExitCode.Negative, "check", "https://api.openai.com/v1#gpt-5");
        Assert.StartsWith("CLOSED: https://api.openai.com/v1#gpt-5 as teacher, to train\n", run.Output, StringComparison.Ordinal);
        Assert.All(["OpenAI Services Agreement", "section 3.3 (e)", "Why it is closed:", "--permission FILE"], part => Assert.Contains(part, run.Output, StringComparison.Ordinal));
        JsonElement json = Terms(ExitCode.Negative, "check", "https://api.openai.com/v1#gpt-5", "--json").Json, reason = Assert.Single(json.GetProperty("reasons").EnumerateArray());
        Assert.Equal(("closed", "openai-api", "class"), (json.GetProperty("verdict").GetString(), reason.GetProperty("entry").GetString(), reason.GetProperty("kind").GetString()));
        Assert.Equal(Sample.Shipped.Sha256, json.GetProperty("register_sha256").GetString());
    }

    [Fact]
    public void AnOpenGateIsExitCodeZeroWithWhatIsToBeMet()
    {
        DoorRun run = Terms(ExitCode.Done, "check", "http://localhost:8000/v1#mine", "--terms", "llama-3.1-weights", "--purpose", "export", "--role", "judge");
        Assert.StartsWith("OPEN: http://localhost:8000/v1#mine as judge, to export\n", run.Output, StringComparison.Ordinal);
        Assert.Contains("  - The name must begin with \"Llama\" (llama-3.1-weights).\n", run.Output, StringComparison.Ordinal);
        JsonElement json = Terms(ExitCode.Done, "check", "http://localhost:8000/v1#mine", "--terms", "llama-3.1-weights", "--json").Json;
        Assert.Equal(["name-prefix", "notice", "condition", "condition"], json.GetProperty("obligations").EnumerateArray().Select(o => o.GetProperty("kind").GetString()));
        Terms(ExitCode.Done, "check", Repository.PathOf("models/tales-teacher"));
    }

    [Fact]
    public void WhatNobodyCoversAsksForADeclaration()
    {
        Assert.Contains("--terms ID says which entry applies", Terms(ExitCode.Negative, "check", "http://localhost:8000/v1#mine").Output, StringComparison.Ordinal);
        DoorRun.At(s_today, "terms", "check", "http://localhost:8000/v1#mine", "--terms", "nothing-like-it").Refused("http://localhost:8000/v1#mine", "there are no terms 'nothing-like-it' in the register. retort terms list shows the ids.");
    }

    [Fact]
    public void AReadingGrowsOld()
    {
        string[] line = ["terms", "check", "deepseek-ai/DeepSeek-R1"];
        Assert.Equal(ExitCode.Done, DoorRun.At(new CalendarDay(2027, 5, 20), line).Code);
        DoorRun old = DoorRun.At(new CalendarDay(2027, 5, 21), line);
        Assert.Equal(ExitCode.Negative, old.Code);
        Assert.Contains("read on 2026-11-21, 181 days ago", old.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, DoorRun.At(new CalendarDay(2027, 5, 21), [.. line, "--max-age", "365"]).Code);
    }

    [Fact]
    public void APermissionOpensAndIsNamed()
    {
        string file = _scratch.Write("p.yaml", PermissionTests.Yaml(new('0', 64)).Replace("[shut]", "[openai-api]", StringComparison.Ordinal).Replace("  path: contract.pdf\n", "", StringComparison.Ordinal));
        string[] line = ["check", "https://api.openai.com/v1#gpt-5", "--permission", file];
        Assert.Contains("  opened by Contract 7 of Example Inc. for Us Ltd., until 2027-09-30\n", Terms(ExitCode.Done, line).Output, StringComparison.Ordinal);
        Assert.Contains("The permission Contract 7 opened nothing here: it is for openai-api to ask, train, from 2026-10-01 to 2027-09-30.", Terms(ExitCode.Negative, [.. line, "--purpose", "export"]).Output, StringComparison.Ordinal);
        DoorRun.At(s_today, "terms", "check", "openai/gpt-5", "--permission", _scratch["none.yaml"]).Refused(_scratch["none.yaml"], "there is no such file");
    }

    [Fact]
    public void AnEndpointsOwnWordCloses()
    {
        string file = _scratch.Write("models.json", """{"data": [{"id": "deepseek-chat", "distillationPolicy": {"status": "disallowed", "label": "Barred", "note": "Ask first."}}]}""");
        Terms(ExitCode.Done, "check", "https://api.deepseek.com/v1#deepseek-chat");
        Assert.Contains($"(distillationPolicy.status: disallowed at {file}; Barred; Ask first)", Terms(ExitCode.Negative, "check", "https://api.deepseek.com/v1#deepseek-chat", "--policy", file).Output.ReplaceLineEndings(" ").Replace("     ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        DoorRun.At(s_today, "terms", "check", "openai/gpt-5", "--policy", file).Refused("--policy", "a policy is an endpoint's");
    }

    [Fact]
    public void DiffShowsWhatGotStricter()
    {
        Directory.CreateDirectory(_scratch["old"]);
        Directory.CreateDirectory(_scratch["new"]);
        _scratch.Write("old/t.yaml", TermsFileTests.Yaml);
        _scratch.Write("new/t.yaml", TermsFileTests.Yaml.Replace("class: allow-with-naming", "class: prior-authorisation", StringComparison.Ordinal).Replace("id: sample-page", "id: sample-chat", StringComparison.Ordinal));
        Assert.Equal(
            "+ sample-chat: training-banned\n- sample-page: training-banned\n~ sample-api: STRICTER\n    class: allow-with-naming -> prior-authorisation\n\n1 added, 1 removed, 1 changed, of them 1 stricter\n",
            Terms(ExitCode.Done, "diff", _scratch["old"], _scratch["new"]).Output);
        Assert.True(Terms(ExitCode.Done, "diff", _scratch["old"], _scratch["new"], "--json").Json.GetProperty("changed")[0].GetProperty("stricter").GetBoolean());
        Assert.StartsWith("No entry differs.", Terms(ExitCode.Done, "diff", _scratch["old"], _scratch["old"]).Output, StringComparison.Ordinal);
        Assert.Equal(2, Terms(ExitCode.Done, "list", "--register", _scratch["old"], "--json").Json.GetProperty("entries").GetArrayLength());
    }

    [Theory]
    [InlineData("--purpose", "must be one of ask, train, export, not 'eat'", "check", "openai/gpt-5", "--purpose", "eat")]
    [InlineData("--role", "must be one of teacher, judge, prompt-grower, base-model, seed-data, not 'cook'", "check", "openai/gpt-5", "--role", "cook")]
    [InlineData("--max-age", "must be a whole number from 0 to 36500, not 'old'", "list", "--max-age", "old")]
    [InlineData("nowhere", "there is no such folder", "list", "--register", "nowhere")]
    [InlineData("gpt-5", "there is no such model", "check", "gpt-5")]
    [InlineData("terms", "say what to do")]
    public void BadInputIsOneSentence(string where, string what, params string[] arguments) => DoorRun.At(s_today, ["terms", .. arguments]).Refused(where, what);

    static DoorRun Terms(int code, params string[] arguments)
    {
        DoorRun run = DoorRun.At(s_today, ["terms", .. arguments]);
        Assert.Equal((code, ""), (run.Code, run.Error));
        return run;
    }
}
