using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

public class CanonicalFormTests
{
    /// <summary>Beside the NFC of huggingface/tokenizers 0.22.2.</summary>
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("e\u0301e\u0301", "éé")]
    [InlineData("\u0301e\u0301", "\u0301é")]
    [InlineData("a\u0301\u0327b", "á\u0327b")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("\u1112\u1161\u11ab\u1161", "\ud55c\u1161")]
    [InlineData("\u212b\u0958\u0344", "\u00c5\u0915\u093c\u0308\u0301")]
    [InlineData("\ud834\udd57\ud834\udd65x", "\ud834\udd57\ud834\udd65x")]
    [InlineData("\u1dc6\u08d0", "\u1dc6\u08d0")]
    [InlineData("\ud806\udd35\ud806\udd30", "\ud806\udd35\ud806\udd30")]
    public void ComposesAsTheReference(string text, string composed) => Assert.Equal(composed, CanonicalForm.Compose(text));

    /// <summary>Runs that combine are taken apart alone; the whole text taken apart and composed gives the same.</summary>
    [Fact]
    public void RunsComposeAsWholeTexts()
    {
        const string letters = "aeoqAE xy\u0301\u0327\u0323\u0307\u0345éǭÅ\u1100\u1161\u11a8가각\u0915\u093c\u0958漢\u212b\u0344";
        var random = new RandomStream(31);
        for (int round = 0; round < 20_000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.NextInt(12)).Select(_ => letters[random.NextInt(letters.Length)]));
            string composed = CanonicalForm.Compose(text);
            Assert.Equal(CanonicalForm.Decompose(text), CanonicalForm.Decompose(composed));
            Assert.Equal(composed, CanonicalForm.Compose(CanonicalForm.Decompose(text)));
            Assert.Equal(composed, CanonicalForm.Compose(composed));
        }
    }
}
