using Retort.Distill.Bench;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

public class TokenizeBenchTests
{
    [Fact]
    public void CountsAndMeasures()
    {
        using var folder = new ScratchFolder();
        Tokenizer tokenizer = Samples.Trained();
        tokenizer.Save(folder.Root);
        string text = string.Join("\r\n", Samples.Texts);
        File.WriteAllText(folder["text"], text);
        TokenizeBenchResult r = TokenizeBench.Run(folder.Root, folder["text"], warmUp: 0);
        Assert.Equal((tokenizer.Encode(text).Length, new FileInfo(folder["text"]).Length), (r.Tokens, r.Bytes));
        Assert.All([r.TextMbPerS, r.LinesMbPerS, r.NewMbPerS, r.DecodeMbPerS], rate => Assert.True(rate > 0));
    }

    [Fact]
    public void WhatIsNoTextIsRefused()
    {
        using var folder = new ScratchFolder();
        Samples.Trained().Save(folder.Root);
        File.WriteAllText(folder["empty"], "");
        Assert.Equal(folder["empty"], Assert.Throws<UserError>(() => TokenizeBench.Run(folder.Root, folder["empty"])).Where);
        Assert.Equal(folder["nothing"], Assert.Throws<UserError>(() => TokenizeBench.Run(folder.Root, folder["nothing"])).Where);
        Assert.Equal(folder["empty"], Assert.Throws<UserError>(() => TokenizeBench.Run(folder["empty"], folder["empty"])).Where[..folder["empty"].Length]);
    }
}
