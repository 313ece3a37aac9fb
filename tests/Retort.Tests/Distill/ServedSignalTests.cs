using System.Text;
using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Tokenizers;
using TokenizerSamples = Retort.Tests.Model.Tokenizers.Samples;

namespace Retort.Tests.Distill;

/// <summary>Served probabilities are laid onto the student's tokens by bytes.</summary>
public class ServedSignalTests
{
    static readonly Tokenizer s_words = TokenizerSamples.Trained(600, Corpus.End), s_bytes = TokenizerSamples.Trained(258, Corpus.End);

    static ServedToken[] Served(Tokenizer by, string text, params (string Token, double P)[] besides) =>
        [.. by.Encode(text, addSpecial: false).Select(id => new ServedToken(by.TokenBytes(id).ToArray(), Math.Log(0.5), [(by.TokenBytes(id).ToArray(), Math.Log(0.5)), .. besides.Select(b => (Encoding.UTF8.GetBytes(b.Token), Math.Log(b.P)))]))];

    static (SignalFile File, SignalAlignment Alignment, Dataset Data) Build(Tokenizer own, IReadOnlyList<Document> documents, Func<string, IReadOnlyList<ServedToken>?> served)
    {
        Dataset data = Dataset.Pack(documents, own, 64, maskPrompts: true, "data");
        SignalHeader header = SignalFile.Describe("asked", own.Hash, data, own.VocabularySize, 4, 1, TailHandling.Bucket);
        (SignalFile file, SignalAlignment met) = ServedSignal.Of(data, documents, served, own, header);
        return (file, met, data);
    }

    static Dictionary<int, float> At(SignalFile file, long position)
    {
        int[] ids = new int[4];
        float[] p = new float[4];
        file.Read(position, ids, p);
        return ids.Zip(p).Where(e => e.First >= 0).ToDictionary(e => e.First, e => e.Second);
    }

    [Fact]
    public void TheTeachersOwnTokensKeepTheirProbabilities()
    {
        const string Text = "the cat sat on the mat";
        Document document = new("where? ", Text + Corpus.End) { Id = "a/0" };
        (string, double)[] besides = [(s_words.TokenText(70).Replace('Ġ', ' '), 0.25)];
        (SignalFile file, SignalAlignment met, Dataset data) = Build(s_words, [document], _ => Served(s_words, Text, besides));
        int[] answer = Dataset.Answer(document, s_words);
        Assert.Equal(new SignalAlignment(1, 0, answer.Length, answer.Length - 1, 0), met);
        DocumentPlace place = Assert.Single(data.Places);
        for (int i = 0; i < answer.Length; i++)
        {
            Dictionary<int, float> entries = At(file, place.Predicting(i));
            bool end = i == answer.Length - 1;
            Assert.Equal(end ? 1 : 0.5f, entries[answer[i]], 0.001f);
            Assert.Equal(!end && answer[i] != 70, entries.ContainsKey(70));
        }

        // Positions that do not count hold nothing.
        Assert.Empty(At(file, place.Start));
    }

    /// <summary>A student that writes letter by letter: where a word of the teacher begins, its likely words count for their first letters; within a word the text itself is learned.</summary>
    [Fact]
    public void OtherTokensMeetWhereBothBegin()
    {
        const string Text = "the cat sat";
        Document document = new("so ", Text + Corpus.End) { Id = "a/0" };
        ServedToken[] served = Served(s_words, Text, (" cow", 0.25), (" cup", 0.125));
        (SignalFile file, SignalAlignment met, Dataset data) = Build(s_bytes, [document], _ => served);
        int[] answer = Dataset.Answer(document, s_bytes);
        Assert.True(answer.Length > served.Length + 1, "the student's tokens should be shorter");
        Assert.Equal((0, answer.Length), (met.AsText, met.Tokens));
        Assert.Equal(served.Length, met.Same + met.Begun);
        DocumentPlace place = Assert.Single(data.Places);
        int at = 0;
        HashSet<int> begins = [.. served.Select(t => (at += t.Bytes.Length) - t.Bytes.Length)];
        int offset = 0;
        for (int i = 0; i < answer.Length; i++)
        {
            int position = place.Predicting(i);
            if (position >= 0)
            {
                Dictionary<int, float> entries = At(file, position);
                bool met1 = begins.Contains(offset) && i < answer.Length - 1;
                if (met1)
                {
                    int space = s_bytes.Encode(" ", addSpecial: false)[0];
                    Assert.Equal(0.375f + (answer[i] == space ? 0.5f : 0), entries[space], 0.001f);
                }
                else
                {
                    Assert.Equal((answer[i], 1f), (Assert.Single(entries).Key, entries[answer[i]]));
                }
            }

            offset += s_bytes.TokenBytes(answer[i]).Length;
        }
    }

    [Fact]
    public void WhatCannotBeMatchedIsLearnedAsText()
    {
        Document[] documents = [new("", "the cat" + Corpus.End) { Id = "a/0" }, new("", "the mat" + Corpus.End) { Id = "b/0" }, new("", "no teacher" + Corpus.End)];
        (SignalFile file, SignalAlignment met, Dataset data) = Build(s_words, documents, id => id == "a/0" ? Served(s_words, "the cow") : null);
        Assert.Equal((3, 3, 0, 0), (met.Documents, met.AsText, met.Same, met.Begun));
        for (int i = 0; i < data.Tokens.Length; i++)
        {
            Assert.Equal(data.Mask[i] != 0 ? [new(data.Targets[i], 1f)] : Array.Empty<KeyValuePair<int, float>>(), At(file, i));
        }
    }
}
