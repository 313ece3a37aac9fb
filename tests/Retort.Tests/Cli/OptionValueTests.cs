using System.CommandLine;
using System.Text.Json;
using Retort.Cli;

namespace Retort.Tests.Cli;

public class OptionValueTests
{
    /// <summary>Every option of every verb that takes a value, those of verbs to come included.</summary>
    public static TheoryData<string, string> Takers()
    {
        using StringWriter nowhere = new();
        TheoryData<string, string> all = [];
        void Add(Command command, string path)
        {
            foreach (Option option in command.Options.Where(o => o.HelpName is not null))
            {
                all.Add(path, option.Name);
                foreach (string alias in option.Aliases)
                {
                    all.Add(path, alias);
                }
            }

            foreach (Command below in command.Subcommands)
            {
                Add(below, $"{path} {below.Name}".Trim());
            }
        }

        Add(Door.Root(new Session(nowhere, nowhere), new Option<bool>("--json")), "");
        return all;
    }

    [Fact]
    public void EveryVerbWithSuchOptionsIsAmongThem()
    {
        string[] verbs = [.. Takers().Select(row => row.Data.Item1).Distinct()];
        Assert.All(["init", "distill", "generate", "evaluate", "convert", "pull", "bench kernels", "bench train", "bench generate"], verb => Assert.Contains(verb, verbs));
    }

    [Theory]
    [MemberData(nameof(Takers))]
    public void AnOptionIsNotAnothersValue(string verb, string option)
    {
        string name = option == "-o" ? "--output" : option;
        foreach (string value in (string[])["--help-me", "-q", "--resum", "--threads", "-5x"])
        {
            DoorRun.Of([.. verb.Split(' '), "m", option, value]).Refused(name, "a value is missing: ").Refused(name, $"what follows is an option, {value}. ");
        }

        // The parser takes this one apart before anyone else sees it.
        DoorRun.Of([.. verb.Split(' '), "m", option, $"{option}=4"]).Refused(name, "a value is missing: ");

        // The caller asked for JSON, whatever the parser made of it.
        DoorRun json = DoorRun.Of([.. verb.Split(' '), "m", option, "--json"]);
        Assert.Equal((ExitCode.BadInput, name), (json.Code, json.Json.GetProperty("error").GetProperty("where").GetString()));
    }

    [Theory]
    [MemberData(nameof(Takers))]
    public void OnlyATextMayBeEmptyOrBeJoinedToADash(string verb, string option)
    {
        (string name, bool text) = (option == "-o" ? "--output" : option, option is "--prompt" or "--stop");
        DoorRun joined = DoorRun.Of([.. verb.Split(' '), "m", $"{option}=--resume", .. option == "--stop" ? (string[])["--prompt", "a"] : []]);
        DoorRun empty = DoorRun.Of([.. verb.Split(' '), "m", option, "", .. option == "--stop" ? (string[])["--prompt", "a"] : []]);
        if (text)
        {
            joined.Refused("m", "no such model");
            empty.Refused(option == "--stop" ? "--stop" : "m", option == "--stop" ? "an empty text would end every answer" : "no such model");
        }
        else
        {
            joined.Refused(name, "a value is missing: ");
            empty.Refused(name, "a value is missing: ");
        }
    }

    [Theory]
    [InlineData("--temperature", "-0.5", "must be a number from 0 to 1000, not '-0.5'")]
    [InlineData("--seed", "-3", "must be a whole number from 0, not '-3'")]
    [InlineData("--top-p", "-1e-3", "must be a number from")]
    public void ANegativeNumberIsANumber(string option, string value, string what) =>
        DoorRun.Of("generate", "m", "--prompt", "a", option, value).Refused(option, what);

    [Fact]
    public void ATextMayBeginWithADashAndASpace() => DoorRun.Of("generate", "m", "--prompt", "- an item", "--stop", "-").Refused("m", "no such model");

    [Fact]
    public void AJoinedTextDoesNotExcuseAnother() => DoorRun.Of("generate", "m", "--prompt=a", "--stop=--seed", "--stop", "--seed").Refused("--stop", "a value is missing: TEXT");

    [Theory]
    [InlineData("generate", "MODEL")]
    [InlineData("distill", "RECIPE")]
    [InlineData("evaluate", "MODEL")]
    [InlineData("pull", "MODEL")]
    [InlineData("convert", "IN")]
    [InlineData("bench generate", "MODEL")]
    public void AnEmptyArgumentIsRefused(string verb, string argument) => DoorRun.Of([.. verb.Split(' '), "", .. verb == "convert" ? (string[])["o"] : []]).Refused(verb.Split(' ')[^1], $"{argument} is empty");

    [Fact]
    public void VersionAndNothingToDoAreAnsweredAsJson()
    {
        JsonElement version = DoorRun.Of("--version", "--json").Json;
        Assert.Matches(@"\A\d+\.\d+\.\d+\z", version.GetProperty("retort").GetString());
        Assert.Equal("say what to do", DoorRun.Of("--json").Json.GetProperty("error").GetProperty("what").GetString());
    }
}
