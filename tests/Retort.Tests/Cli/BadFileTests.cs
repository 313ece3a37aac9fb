using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Retort.Cli;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Cli;

/// <summary>Files that are not what a verb was promised: each is refused in one sentence that names the file, and nothing is written.</summary>
public sealed class BadFileTests : IDisposable
{
    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    public static TheoryData<string, string> Roles()
    {
        TheoryData<string, string> all = [];
        foreach (string role in (string[])["recipe", "config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json", "model.bin", "tok.bin", "text", "prompts"])
        {
            foreach (string content in (string[])["nothing", "noise", "utf-16", "a folder"])
            {
                all.Add(role, content);
            }
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void AFileThatIsSomethingElseIsNamed(string role, string content)
    {
        string path = role switch
        {
            "recipe" => _world.Recipe(),
            "text" => _world.Text,
            "prompts" => _world.Prompts,
            "model.bin" => _world["model.bin"],
            "tok.bin" => _world["tok.bin"],
            _ => Path.Combine(_world.Teacher, role),
        };
        if (role == "model.safetensors.index.json")
        {
            File.Delete(Path.Combine(_world.Teacher, "model.safetensors"));
        }

        File.Delete(path);
        byte[] noise = new byte[3000];
        new Random(5).NextBytes(noise);
        switch (content)
        {
            case "a folder":
                Directory.CreateDirectory(path);
                break;
            case "noise":
                File.WriteAllBytes(path, noise);
                break;
            case "utf-16":
                File.WriteAllText(path, "{\"prompt\": \"Who?\", \"answer\": \"Ann\"}", Encoding.Unicode);
                break;
            default:
                File.WriteAllBytes(path, []);
                break;
        }

        string[] before = All();
        string[] line = role switch
        {
            "recipe" => ["distill", path, "--out", _world["run"]],
            "text" => ["evaluate", _world.Teacher, "--text", path],
            "prompts" => ["evaluate", _world.Teacher, "--prompts", path],
            "model.bin" => ["convert", path, _world["out"]],
            "tok.bin" => ["generate", _world.Teacher, "--prompt", "Who", "--tokenizer", path],
            _ => ["generate", _world.Teacher, "--prompt", "Who"],
        };
        DoorRun run = DoorRun.Of(line);

        // A folder of the name of a file that may be absent counts as absent: so do transformers and huggingface/tokenizers.
        if (content == "a folder" && role is "generation_config.json" or "tokenizer_config.json")
        {
            Assert.Equal(ExitCode.Done, run.Code);
            return;
        }

        bool missing = content == "a folder" && role is "config.json" or "model.safetensors" or "model.safetensors.index.json" or "tokenizer.json" or "model.bin" or "tok.bin";
        run.Refused(missing ? _world.Folder : path, "");
        Assert.Equal(before, All());
    }

    [Theory]
    [InlineData("generate", "--prompt", "Who")]
    [InlineData("evaluate", "--text", "text.txt")]
    [InlineData("convert", "out", null)]
    [InlineData("bench generate", "--tokens", "4")]
    [InlineData("distill", "recipe", null)]
    [InlineData("init", "--prompts", "prompts.jsonl")]
    public void AWeightThatIsNoNumberIsNamed(string verb, string option, string? value)
    {
        string weights = Path.Combine(_world.Teacher, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 400), float.NaN);
        File.WriteAllBytes(weights, bytes);
        string[] line = verb switch
        {
            "distill" => ["distill", _world.Recipe(), "--out", _world["run"]],
            "convert" => ["convert", _world.Teacher, _world[option]],
            "init" => ["init", "--teacher", _world.Teacher, "--student", "16,1,2,1,24", option, _world[value!], "-o", _world["made.yaml"]],
            _ => [.. verb.Split(' '), _world.Teacher, option, value!.EndsWith(".txt", StringComparison.Ordinal) ? _world[value] : value],
        };
        DoorRun.Of(line).Refused(weights, "holds NaN at position");
        Assert.False(Directory.Exists(_world["out"]) || File.Exists(_world["made.yaml"]) || Directory.Exists(_world["run/student"]));
    }

    [Theory]
    [InlineData("nan", "holds a value that is not a number")]
    [InlineData("flipped", "is damaged")]
    [InlineData("cut", "is damaged")]
    [InlineData("empty", "is no checkpoint")]
    [InlineData("noise", "is no checkpoint")]
    [InlineData("header", "header cannot be read")]
    public void ACheckpointThatCannotBeTrustedIsNamedAndKept(string fault, string what)
    {
        string recipe = _world.Recipe(), run = _world["run"], state = Path.Combine(run, "checkpoints", "twin-2.state");
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", run).Code);
        byte[] bytes = File.ReadAllBytes(state);
        switch (fault)
        {
            case "nan":
                BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 32 - 400), float.NaN);
                SHA256.HashData(bytes.AsSpan(0, bytes.Length - 32), bytes.AsSpan(bytes.Length - 32));
                break;
            case "flipped":
                bytes[^200] ^= 1;
                break;
            case "cut":
                bytes = bytes[..^1000];
                break;
            case "empty":
                bytes = [];
                break;
            case "noise":
                new Random(5).NextBytes(bytes);
                break;
            default:
                bytes[12] = (byte)'[';
                break;
        }

        File.WriteAllBytes(state, bytes);
        DoorRun.Of("distill", recipe, "--out", run, "--resume").Refused(state, what);
        Assert.Equal(bytes, File.ReadAllBytes(state));
        File.Delete(state);
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", run, "--resume").Code);
    }

    [Fact]
    public void VocabulariesThatDifferAreComparedByToken()
    {
        Tokenizer other = BytePairTrainer.Train(["zzz yyy xxx zzz yyy xxx qqq www qqq www"], 262, ["<|end|>"]);
        LlamaWeights weights = new(new LlamaConfig { Hidden = 16, Layers = 1, Heads = 2, KeyValueHeads = 2, HeadSize = 8, FeedForward = 24, Vocabulary = other.VocabularySize, Context = 64 });
        weights.Initialize(1);
        ModelFolder.Write(_world["other"], weights, NumberType.F32);
        other.Save(_world["other"]);
        const string Difference = @"token \d+ is '.+' for the (teacher|model) and '.+' for the (student|model) \(sizes 300 and 262\)";
        string[][] lines =
        [
            ["distill", _world.Recipe(), "--out", _world["run"], "--set", $"student={{from: {_world["other"]}}}"],
            ["evaluate", _world["other"], "--teacher", _world.Teacher, "--text", _world.Text],
            ["init", "--teacher", _world.Teacher, "--student", _world["other"], "--prompts", _world.Prompts, "-o", _world["made.yaml"]],
        ];
        Assert.All(lines, line => Assert.Matches(Difference, DoorRun.Of(line).Refused("", "different vocabularies").Error));
    }

    [Fact]
    public void AStudentLargerThanTheMemoryIsRefusedBeforeItIsMade()
    {
        long before = GC.GetTotalAllocatedBytes();
        DoorRun.Of("distill", _world.Recipe(), "--out", _world["run"], "--set", "student.shape={hidden: 8192, layers: 200, heads: 64, feed_forward: 32768}").Refused("student", "GiB are there");
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 1L << 30);
    }

    [Fact]
    public void PromptsThatFillTheRowsLeaveNothingToTrainOnOrScore()
    {
        File.WriteAllLines(_world.Prompts, Enumerable.Range(0, 40).Select(i => JsonSerializer.Serialize(new { prompt = string.Concat(Enumerable.Repeat($"Zq{i}! ", 60)), answer = "Bo" })));
        DoorRun.Of("distill", _world.Recipe(), "--out", _world["run"]).Refused("data", "no token that would count");
        DoorRun.Of("evaluate", _world.Teacher, "--prompts", _world.Prompts).Refused(_world.Prompts, "no token that would count");
    }

    [Theory]
    [InlineData("text", "")]
    [InlineData("text", "\n\n\n")]
    [InlineData("prompts", "")]
    [InlineData("prompts", "\n \n")]
    public void TextWithoutDocumentsIsRefused(string kind, string content)
    {
        File.WriteAllText(_world["none"], content);
        DoorRun.Of("distill", _world.Recipe(), "--out", _world["run"], "--set", $"data={{{kind}: none, held_out: 8, validation: 4}}").Refused("none", "there are 0 different documents");
        DoorRun.Of("init", "--teacher", _world.Teacher, "--student", "16,1,2,1,24", "--prompts", _world["none"], "-o", _world["made.yaml"]).Refused(_world["none"], "there are 0 different documents");
    }

    [Theory]
    [InlineData("{\"prompt\": 1, \"answer\": \"a\"}")]
    [InlineData("{\"prompt\": \"a\"}")]
    [InlineData("[1]")]
    [InlineData("\"prompt\"")]
    [InlineData("{\"prompt\": \"\\ud800\", \"answer\": \"a\"}")]
    [InlineData("{\"prompt\": \"a\", \"answer\": \"a\", \"gold\": 7}")]
    [InlineData("{")]
    public void ALineOfPromptsIsNamedByItsNumber(string line)
    {
        File.AppendAllText(_world.Prompts, $"\n{line}\n");
        DoorRun.Of("evaluate", _world.Teacher, "--prompts", _world.Prompts).Refused($"{_world.Prompts}, line 62", "a line must be a JSON object");
    }

    [Theory]
    [InlineData("distill RECIPE --out {0}/run", "the run folder cannot be made")]
    [InlineData("convert TEACHER {0}/out", "")]
    [InlineData("init --teacher TEACHER --student 16,1,2,1,24 --prompts PROMPTS -o {0}/r.yaml", "")]
    public void APlaceThatTakesNoFilesIsNamed(string line, string what)
    {
        // Nobody may make files in /proc, root included; nor in a folder whose name is a file's.
        foreach (string place in (string[])["/proc", _world.Text])
        {
            Assert.SkipUnless(Path.Exists(place), "There is no /proc.");
            string text = string.Format(line, place).Replace("RECIPE", _world.Recipe(), StringComparison.Ordinal).Replace("TEACHER", _world.Teacher, StringComparison.Ordinal).Replace("PROMPTS", _world.Prompts, StringComparison.Ordinal);
            string[] before = All();
            DoorRun.Of(text.Split(' ')).Refused(place + "/", what);
            Assert.Equal(before, All());
        }
    }

    [Fact]
    public void AFolderWithoutAModelSaysWhatItHolds()
    {
        Directory.CreateDirectory(_world["empty"]);
        DoorRun.Of("generate", _world["empty"], "--prompt", "a").Refused(_world["empty"], "holds no config.json");
        File.WriteAllBytes(_world["empty/stories.bin"], []);
        DoorRun.Of("generate", _world["empty"], "--prompt", "a").Refused(_world["empty"], $"name it: {_world["empty/stories.bin"]}");
    }

    string[] All() => [.. Directory.GetFileSystemEntries(_world.Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
}
