using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using Retort.Asking;
using Retort.Evidence.Terms;
using Retort.Model.Chat;
using Retort.Model.Inference;

namespace Retort.Tests.ReadMe;

/// <summary>The README's example of asking a client of one's own: it is what stands here, and does what it says.</summary>
public sealed partial class OwnClientTests : IDisposable
{
    readonly WorkingCopy _copy = new();

    public void Dispose() => _copy.Dispose();

    [Fact]
    public async Task AnyChatClientCanBeAsked()
    {
        File.WriteAllText(_copy["recipe.yaml"], "teacher: https://models.example.com/v1#tales\nterms: {teacher: own-model}\ndata: {prompts: p.txt}\nask: {max_tokens: 8}\n");
        File.WriteAllText(_copy["p.txt"], "Once there was a fox\nOnce there was a kite\n");
        foreach (string file in Directory.GetFiles(Repository.PathOf("terms")))
        {
            Directory.CreateDirectory(_copy["terms"]);
            File.Copy(file, Path.Combine(_copy["terms"], Path.GetFileName(file)));
        }

        // README
        using IChatClient mine = new LocalModel(InferenceModel.Open(_copy["models/tales-teacher"]), new EngineOptions(Threads: 2, CacheTokens: 8192));
        CollectOptions options = new(_copy["runs/mine"], TermsRegister.Read(_copy["terms"]), Environment.GetEnvironmentVariable, mine);
        CollectResult result = await CollectJob.Run(AskRecipe.Read(_copy["recipe.yaml"]), options, forecast => { }, facts => { }, TimeProvider.System, CancellationToken.None);
        using Transcripts answers = Transcripts.Open(_copy["runs/mine/transcripts.db"], TimeProvider.System);
        string[] texts = [.. answers.Answers().Select(a => a.Choice.Text)];

        // so far
        Assert.IsType<CollectResult.Asked>(result);
        Assert.Equal(2, texts.Count(t => t.Length > 0));
    }

    [Fact]
    public void TheReadMeHoldsJustThat()
    {
        string source = File.ReadAllText(Repository.PathOf("tests/Retort.Tests/ReadMe/OwnClientTests.cs"));
        string[] lines = [.. Placed().Replace(source[source.IndexOf("// README\n", StringComparison.Ordinal)..source.IndexOf("// so far\n", StringComparison.Ordinal)], "$1").Split('\n')[1..].Select(l => l.Trim()).Where(l => l.Length > 0)];
        Assert.Equal(5, lines.Length);
        Assert.Contains($"```csharp\n{string.Join('\n', lines)}\n```", File.ReadAllText(Repository.PathOf("README.md")), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"_copy\[(""[^""]*"")\]")]
    private static partial Regex Placed();
}
