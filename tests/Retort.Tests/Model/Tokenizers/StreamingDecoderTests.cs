using System.Text;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

public class StreamingDecoderTests
{
    static readonly Tokenizer Bytes = Samples.Trained(300, "<|end|>");

    [Theory]
    [InlineData("bytes.json")]
    [InlineData("pieces.json")]
    public void PiecesAddUpToTheWhole(string name)
    {
        Tokenizer tokenizer = Tokenizer.Open(GoldenFiles.Find(name));
        var random = new RandomStream(21);
        foreach (string text in Samples.Texts.Concat(Enumerable.Range(0, 300).Select(_ => Samples.RandomText(random, 40))))
        {
            int[] ids = tokenizer.Encode(text);
            foreach (bool skip in (bool[])[true, false])
            {
                var stream = new StreamingDecoder(tokenizer, skip);
                Assert.Equal(tokenizer.Decode(ids, skip), string.Concat(ids.Select(stream.Append)) + stream.Finish());
            }
        }
    }

    [Fact]
    public void TextComesAsSoonAsItIsCertain()
    {
        var stream = new StreamingDecoder(Bytes);
        int[] ids = [.. Encoding.UTF8.GetBytes("a🙂").Select(value => Enumerable.Range(1, 256).First(id => Bytes.TokenBytes(id)[0] == value))];
        Assert.Equal(["a", "", "", "", "🙂"], ids.Select(stream.Append));
        Assert.Equal("", stream.Append(0));
        Assert.Equal("", stream.Append(ids[1]));
        Assert.Equal("\uFFFD", stream.Finish());
    }

    [Fact]
    public void AContinuationKeepsItsLeadingSpace()
    {
        Tokenizer tokenizer = Tokenizer.Open(GoldenFiles.Find("pieces.json"));
        int[] ids = tokenizer.Encode("the girl", addSpecial: false);
        var whole = new StreamingDecoder(tokenizer);
        var rest = new StreamingDecoder(tokenizer, atStart: false);
        Assert.Equal("the girl", string.Concat(ids.Select(whole.Append)));
        Assert.Equal(" the girl", string.Concat(ids.Select(rest.Append)));
    }
}
