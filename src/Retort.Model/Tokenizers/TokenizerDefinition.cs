namespace Retort.Model.Tokenizers;

/// <summary>
/// Everything a tokenizer does, as data: what a reader produces, the writer writes and the hash covers. Ids index
/// <paramref name="Tokens"/>; an id without a token has null there.
/// </summary>
/// <param name="Source">The file, for messages.</param>
/// <param name="Tokens">The vocabulary's own spellings by id, added tokens included.</param>
/// <param name="Added">Added tokens in order of id.</param>
/// <param name="AddedOnly">Ids whose token is no part of the model's own vocabulary.</param>
/// <param name="Merges">In order of rank. Ranks are equal only in a scored vocabulary, where equal scores go leftmost first.</param>
/// <param name="Model">How the model treats what the vocabulary lacks.</param>
/// <param name="Prefix">Ids put before an encoded text.</param>
/// <param name="Suffix">Ids put after it.</param>
/// <param name="Begin">The beginning-of-sequence token, if one is known.</param>
/// <param name="End">The end-of-sequence token, if one is known.</param>
sealed record TokenizerDefinition(
    string Source,
    string?[] Tokens,
    IReadOnlyList<AddedToken> Added,
    IReadOnlySet<int> AddedOnly,
    IReadOnlyList<Merge> Merges,
    BytePairModel Model,
    IReadOnlyList<NormalizerStep> Normalizer,
    IReadOnlyList<SplitStep> Splits,
    DecoderRule Decoder,
    IReadOnlyList<int> Prefix,
    IReadOnlyList<int> Suffix,
    int? Begin,
    int? End)
{
    static readonly string[] EndNames = ["</s>", "<|endoftext|>", "<|end_of_text|>", "<eos>", "<|im_end|>"];

    internal bool IsByteLevel => Splits is [.., SplitStep.ByteLevel];

    /// <summary>The end token of a file that declares none: the first of a few customary names among the special tokens.</summary>
    internal static int? CustomaryEnd(IReadOnlyList<AddedToken> added)
    {
        foreach (string name in EndNames)
        {
            if (added.FirstOrDefault(token => token.Special && token.Text == name) is { } end)
            {
                return end.Id;
            }
        }

        return null;
    }
}

/// <param name="Unknown">The id for what has no token; without it, that is left out, as Hugging Face tokenizers does.</param>
/// <param name="FuseUnknown">Adjacent unknowns become one.</param>
/// <param name="ByteFallback">A character without a token becomes its UTF-8 bytes' tokens &lt;0xNN&gt;.</param>
/// <param name="IgnoreMerges">A word that is itself a token is taken whole.</param>
sealed record BytePairModel(int? Unknown, bool FuseUnknown, bool ByteFallback, bool IgnoreMerges);

/// <summary>A token recognised in the text before the model sees it (added_tokens in tokenizer.json).</summary>
sealed record AddedToken(int Id, string Text, bool Special, bool Normalized, bool SingleWord, bool StripLeft, bool StripRight);

/// <summary>A step that rewrites text before it is split.</summary>
abstract record NormalizerStep
{
    internal abstract string Apply(string text);

    internal sealed record Compose : NormalizerStep
    {
        internal override string Apply(string text) => CanonicalForm.Compose(text);
    }

    internal sealed record Decompose : NormalizerStep
    {
        internal override string Apply(string text) => CanonicalForm.Decompose(text);
    }

    internal sealed record Prepend(string Text) : NormalizerStep
    {
        internal override string Apply(string text) => text.Length == 0 ? text : Text + text;
    }

    internal sealed record Replace(SplitPattern Pattern, string Content) : NormalizerStep
    {
        internal override string Apply(string text)
        {
            if (!Pattern.IsRegex)
            {
                return text.Replace(Pattern.Text, Content, StringComparison.Ordinal);
            }

            var matches = new List<(int Start, int Length)>();
            Pattern.Find(text, matches);
            var builder = new System.Text.StringBuilder(text.Length);
            int from = 0;
            foreach (var (start, length) in matches)
            {
                builder.Append(text, from, start - from).Append(Content);
                from = start + length;
            }

            return builder.Append(text, from, text.Length - from).ToString();
        }
    }
}

/// <summary>A step that splits text into words, which merges never cross.</summary>
abstract record SplitStep
{
    internal sealed record Pattern(SplitPattern Expression, SplitBehavior Behavior, bool Invert) : SplitStep;

    internal sealed record Digits(bool Individual) : SplitStep;

    internal sealed record ByteLevel(bool AddPrefixSpace, bool UseRegex) : SplitStep;

    internal sealed record Metaspace(char Replacement, PrependScheme Scheme, bool Split) : SplitStep;
}

/// <summary>What becomes of a match: the names of tokenizer.json.</summary>
enum SplitBehavior
{
    Isolated,
    Removed,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Where Metaspace puts a leading space: the names of tokenizer.json, in lower case there.</summary>
enum PrependScheme
{
    Always,
    First,
    Never,
}

/// <summary>How ids become text again.</summary>
abstract record DecoderRule
{
    /// <summary>Every token is a spelling in <see cref="ByteAlphabet"/>; added tokens are text.</summary>
    internal sealed record ByteLevel : DecoderRule;

    /// <summary>Text is replaced within each token, &lt;0xNN&gt; becomes its byte, and up to some leading spaces (or another character) go.</summary>
    internal sealed record Pieces(IReadOnlyList<(string From, string To)> Replacements, bool ByteFallback, char StripText, int StripStart) : DecoderRule
    {
        public bool Equals(Pieces? other) => other is not null && ByteFallback == other.ByteFallback && StripText == other.StripText
            && StripStart == other.StripStart && Replacements.SequenceEqual(other.Replacements);

        public override int GetHashCode() => HashCode.Combine(Replacements.Count, ByteFallback, StripText, StripStart);
    }

    /// <summary>The replacement character becomes a space, and nothing in the first token unless the scheme is never.</summary>
    internal sealed record Metaspace(char Replacement, PrependScheme Scheme) : DecoderRule;
}
