using Retort.Evidence.Statistics;

namespace Retort.Tests.Evidence.Statistics;

public class NearDuplicatesTests
{
    static string[] Words(string text) => [.. PlainWords.Of(text).Select(w => text.Substring(w.Start, w.Length))];

    [Fact]
    public void WordsAreRunsOfLettersAndDigits()
    {
        Assert.Equal(["It's", "3", "o’clock", "naïve", "Straße"], Words("\"It's 3 o’clock,\n naïve—Straße!\""));
        Assert.Equal(["東", "京", "tower", "2"], Words("東京tower 2"));
        Assert.Equal(["𝒳", "b"], Words("𝒳\ud800b"));
        Assert.Empty(Words(" …!? 👍"));
    }

    [Theory]
    [InlineData("The quick brown fox jumps.", "the QUICK, brown fox — jumps", true)]
    [InlineData("Don't stop me now", "dont stop me now!", true)]
    [InlineData("ДА, ЭТО ОН", "да это он", true)]
    [InlineData("yes", "Yes.", true)]
    [InlineData("yes", "no", false)]
    [InlineData("", " \n", true)]
    [InlineData("👍", "👎", false)]
    [InlineData("👍", " 👍\n", true)]
    [InlineData("one two", "one two three", false)]
    [InlineData("one two three", "three two one", false)]
    public void EqualWordsMakeTextsEqual(string a, string b, bool equal)
    {
        Assert.Equal(equal ? 1 : 0, MinHash.Similarity(MinHash.Shingles(a), MinHash.Shingles(b)));
        NearDuplicates known = new(0.8);
        Assert.Null(known.Meet(a));
        Assert.Equal(equal ? new NearDuplicate(0, 1) : null, known.Meet(b));
    }

    [Fact]
    public void AgreementOfSignaturesEstimatesSimilarity()
    {
        Random random = new(1);
        MinHash sketch = new(7);
        foreach (int shared in (int[])[0, 20, 50, 80, 100])
        {
            // The mean of 40 estimates of 128 draws each: a standard deviation of at most 0.007.
            double mean = Enumerable.Range(0, 40).Average(_ =>
            {
                (ulong[] a, ulong[] b) = Pair(random, shared, (100 - shared) / 2, (100 - shared) / 2);
                return sketch.Signature(a).Zip(sketch.Signature(b)).Count(p => p.First == p.Second) / (double)MinHash.Size;
            });
            Assert.Equal(shared / 100.0, mean, 0.035);
        }
    }

    [Fact]
    public void PairsAtTheThresholdAreMissedAsOftenAsSaid()
    {
        // 107 of 200 at 0.535, where bands of 3 miss 0.092 %: of 30,000 pairs 27.7 are expected, with a deviation of 5.3.
        const int Pairs = 30_000;
        Random random = new(2);
        NearDuplicates known = new(0.535, 3);
        Assert.InRange(known.Missed, 0.0008, 0.001);
        int missed = 0;
        for (int i = 0; i < Pairs; i++)
        {
            (ulong[] a, ulong[] b) = Pair(random, 107, 46, 47);
            Assert.Equal(i, known.Add(a));
            missed += known.Find(b) is null ? 1 : 0;
        }

        Assert.InRange(missed, 7, 50);
        Assert.InRange(new NearDuplicates(0.8).Missed, 0.00004, 0.00006);
    }

    [Fact]
    public void TheMostSimilarIsNamedOfEqualsTheFirstAndNoneBelowTheThreshold()
    {
        const string Text = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega";
        NearDuplicates known = new(0.8);
        Assert.Null(known.Meet(Text));

        // Of 22 shingles 3 differ in the middle, 19 / 25; 1 at an end, 21 / 23.
        Assert.Null(known.Meet(Text.Replace("mu", "MUTATED", StringComparison.Ordinal)));
        Assert.Equal(new NearDuplicate(0, 21 / 23.0), known.Meet(Text.Replace("omega", "end", StringComparison.Ordinal)));
        Assert.Equal(new NearDuplicate(1, 1), known.Meet(Text.Replace("mu", "mutated", StringComparison.Ordinal)));
        Assert.Equal(2, known.Count);
        known.Add(MinHash.Shingles(Text));
        Assert.Equal(0, known.Find(MinHash.Shingles(Text))?.Text);
        Assert.Equal(2, known.Find(MinHash.Shingles(Text), t => t > 0)?.Text);
    }

    [Fact]
    public void ItFindsWhatComparingAllFinds()
    {
        Random random = new(4);
        string[] vocabulary = [.. Enumerable.Range(0, 50).Select(i => $"w{i}")];
        List<string[]> bases = [.. Enumerable.Range(0, 40).Select(_ => Enumerable.Range(0, random.Next(1, 60)).Select(_ => vocabulary[random.Next(50)]).ToArray())];
        List<ulong[]> all = [];
        NearDuplicates known = new(0.7, 5);
        int found = 0, lost = 0;
        for (int i = 0; i < 1500; i++)
        {
            string[] words = [.. bases[random.Next(bases.Count)]];
            for (int n = random.Next(3); n > 0; n--)
            {
                words[random.Next(words.Length)] = vocabulary[random.Next(50)];
            }

            ulong[] shingles = MinHash.Shingles(string.Join(' ', words));
            double best = all.Select(a => MinHash.Similarity(a, shingles)).DefaultIfEmpty().Max();
            NearDuplicate? answer = known.Find(shingles);
            if (best >= 0.7)
            {
                found++;
                lost += answer?.Similarity == best ? 0 : 1;
                Assert.True(answer is null || MinHash.Similarity(all[answer.Value.Text], shingles) == answer.Value.Similarity);
            }
            else
            {
                Assert.Null(answer);
            }

            all.Add(shingles);
            known.Add(shingles);
        }

        Assert.True(found > 500);
        Assert.InRange(lost, 0, found / 200);
    }

    static (ulong[] A, ulong[] B) Pair(Random random, int shared, int onlyA, int onlyB)
    {
        ulong[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (ulong)random.NextInt64())];
        ulong[] common = Draw(shared);
        ulong[] Sorted(ulong[] own)
        {
            ulong[] all = [.. common, .. own];
            Array.Sort(all);
            return all;
        }

        return (Sorted(Draw(onlyA)), Sorted(Draw(onlyB)));
    }
}
