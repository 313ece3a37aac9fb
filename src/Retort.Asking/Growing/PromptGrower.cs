using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Retort.Evidence.Statistics;
using Retort.Model;

namespace Retort.Asking;

/// <summary>A prompt that the teacher wrote.</summary>
/// <param name="Id">The beginning of its text's SHA-256, as for every text it grew from.</param>
/// <param name="From">Ids of the prompts it was shown.</param>
/// <param name="Request">The hash of the question it answers.</param>
public sealed record GrownPrompt(string Prompt, string Id, IReadOnlyList<string> From, string Request);

/// <summary>What came of growing.</summary>
/// <param name="Requests">Asked for it, now or before.</param>
/// <param name="Offered">Prompts the teacher wrote.</param>
/// <param name="Kept">Of them kept.</param>
/// <param name="Repeats">Of them too like another.</param>
/// <param name="Removed">Those as a share of all offered.</param>
/// <param name="LeftOut">Of them left out, since by their form they hold personal data or secrets.</param>
/// <param name="Unfit">Of them too short or too long.</param>
/// <param name="Ended">Why it ended: enough, too little new, rounds, or the end of asking.</param>
public sealed record GrowthFacts(int Requests, int Offered, int Kept, int Repeats, double Removed, int LeftOut, int Unfit, string Ended, Diversity Diversity);

/// <summary>What growing may still take.</summary>
/// <param name="Prompts">Grown by what is answered already.</param>
/// <param name="Requests">For the others; null where no more are asked for.</param>
/// <param name="Wanted">Prompts it may bring.</param>
/// <param name="Longest">Tokens of one of them at most.</param>
public sealed record GrowthForecast(IReadOnlyList<GrownPrompt> Prompts, ForecastPart? Requests, int Wanted, long Longest);

/// <param name="Asked">How the last asking ended.</param>
public sealed record Growth(AskResult Asked, IReadOnlyList<GrownPrompt> Prompts, GrowthFacts Facts);

/// <summary>
/// Grows prompts from seeds by the teacher itself (Wang et al., "Self-Instruct", ACL 2023). A round: 1 draw a few seeds and a few grown prompts for each of
/// its requests · 2 ask for new ones · 3 keep those that are like nothing known. It goes on until there are enough, a round brings too little, or rounds
/// run out. What is drawn follows from the seed and from what was answered, so a second run makes the same of the store without asking.
/// </summary>
public sealed class PromptGrower
{
    /// <summary>Requests of a round, which are asked at once.</summary>
    public const int Side = 4;

    const int SeedsShown = 3, GrownShown = 2, Shortest = 8, Longest = 4000, LongestShown = 2000, TokensEach = 128;

    /// <summary>Share of a round's prompts that must be new for another round.</summary>
    const double Enough = 0.1;

    /// <summary>Bytes that a letter takes at most, in UTF-8 and escaped in JSON.</summary>
    const int LetterBytes = 3, EscapedBytes = 6;

    static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    readonly GrowOptions _options;
    readonly Endpoint _teacher;
    readonly string[] _seeds;
    readonly NearDuplicates _known;
    readonly Func<string, bool> _mayBeSent;
    readonly List<GrownPrompt> _grown = [];
    int _requests, _offered, _repeats, _leftOut, _unfit;

    PromptGrower(GrowOptions options, Endpoint teacher, string[] seeds, IEnumerable<string> known, Func<string, bool> mayBeSent)
    {
        (_options, _teacher, _seeds, _known, _mayBeSent) = (options, teacher, seeds, new(options.Similarity), mayBeSent);
        foreach (string text in known.Concat(seeds))
        {
            _known.Add(MinHash.Shingles(text));
        }
    }

    /// <param name="seeds">To grow from: those of one question count.</param>
    /// <param name="known">What new ones must not be like, besides.</param>
    /// <param name="mayBeSent">Whether a text holds nothing that must not be sent.</param>
    /// <exception cref="UserError">No seed is of one question of moderate length, or the store cannot be written.</exception>
    public static async Task<Growth> Grow(
        GrowOptions options, IReadOnlyList<Prompt> seeds, IReadOnlyList<Prompt> known, Func<string, bool> mayBeSent, Endpoint teacher, IChatClient client, Transcripts store, Price price, AskOptions ask, TimeProvider time,
        Action<AskFacts>? onProgress, CancellationToken stop)
    {
        PromptGrower grower = From(options, seeds, known, mayBeSent, teacher);
        (AskResult? last, string ended) = (null, "rounds");
        for (int round = 0; round < options.Rounds && grower._grown.Count < options.To; round++)
        {
            // 1
            (Question Question, string[] From)[] requests = grower.Draws(round);

            // 2
            last = await Asker.Ask(requests.Select(r => r.Question), client, store, price, ask with { Purpose = AskPurpose.Grow }, time, onProgress, stop).ConfigureAwait(false);
            if (last.End != AskEnd.Done)
            {
                ended = "the end of asking";
                break;
            }

            // 3
            if (!grower.Take(requests, store) && grower._grown.Count < options.To)
            {
                ended = "too little new";
                break;
            }
        }

        return new(last!, grower._grown, grower.Facts(grower._grown.Count >= options.To ? "enough" : ended));
    }

    /// <summary>What growing may take and bring beyond what is answered already; nothing is asked.</summary>
    /// <exception cref="UserError">As for <see cref="Grow"/>.</exception>
    public static GrowthForecast Foresee(GrowOptions options, IReadOnlyList<Prompt> seeds, IReadOnlyList<Prompt> known, Func<string, bool> mayBeSent, Endpoint teacher, Transcripts store, Price? price)
    {
        PromptGrower grower = From(options, seeds, known, mayBeSent, teacher);
        int round = 0;
        bool goesOn = true;
        for (; goesOn && round < options.Rounds && grower._grown.Count < options.To; round++)
        {
            (Question Question, string[] From)[] requests = grower.Draws(round);
            if (requests.Any(r => !store.Find(r.Question.Key()).Answered))
            {
                break;
            }

            goesOn = grower.Take(requests, store);
        }

        // A round that brings less than this is the last.
        int wanted = goesOn && round < options.Rounds ? options.To - grower._grown.Count : 0, least = (int)Math.Ceiling(Enough * Side * options.PerRequest);
        long Rounds(int each) => Math.Min(options.Rounds - round, (wanted + each - 1) / each);
        return new(grower._grown, wanted <= 0 ? null : new(Rounds(Side * options.PerRequest) * Side, Rounds(least) * Side, price is null ? null : grower.AtMost(price) * (Rounds(least) * Side)), Math.Max(0, wanted), (long)Longest * LetterBytes);
    }

    /// <summary>What a text is told from others by.</summary>
    public static string Id(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));

    /// <summary>JSON lines that can be read as prompts again.</summary>
    public static byte[] Lines(IEnumerable<GrownPrompt> prompts) => [.. prompts.SelectMany(p => JsonSerializer.SerializeToUtf8Bytes(p, s_json).Append((byte)'\n'))];

    GrowthFacts Facts(string ended) => new(
        _requests, _offered, _grown.Count, _repeats, _offered == 0 ? 0 : (double)_repeats / _offered, _leftOut, _unfit, ended, Diversity.Of([.. _grown.Select(g => g.Prompt)]));

    /// <exception cref="UserError">No seed is of one question of moderate length.</exception>
    static PromptGrower From(GrowOptions options, IReadOnlyList<Prompt> seeds, IReadOnlyList<Prompt> known, Func<string, bool> mayBeSent, Endpoint teacher)
    {
        string[] shown = [.. seeds.Where(p => p.Later.Count == 0 && p.Turns.Count(t => t.Role is "user" or "assistant") == 1).Select(p => p.Turns[^1].Text).Where(t => t.Length <= LongestShown).Distinct(StringComparer.Ordinal)];
        return shown.Length > 0 ? new(options, teacher, shown, known.Select(p => p.Turns[^1].Text), mayBeSent)
            : throw new UserError("there is no seed to grow from", options.Seeds ?? "data.grow", $"A seed is a prompt of one question of at most {LongestShown} characters that holds no personal data; give a few dozen.");
    }

    /// <summary>A round's requests.</summary>
    (Question Question, string[] From)[] Draws(int round) => [.. Enumerable.Range(0, Side).Select(i => Draw((round * Side) + i))];

    (Question Question, string[] From) Draw(int number)
    {
        RandomStream random = new(_options.Seed, (ulong)number + 1);
        string[] shown = [.. Some(_seeds, SeedsShown, random), .. Some(_grown.Select(g => g.Prompt), GrownShown, random)];
        return (Request(shown, number), [.. shown.Select(Id)]);
    }

    /// <summary>The most that one request costs: the longest seeds, beside grown prompts as long as they may be.</summary>
    Usd AtMost(Price price)
    {
        string[] longest = [.. _seeds.OrderByDescending(s => JsonSerializer.SerializeToUtf8Bytes(s, s_json).Length).Take(SeedsShown)];
        Question question = Request(longest, _options.Rounds * Side);
        return price.Of(Price.PromptTokensAtMost(question) + (GrownShown * (((long)Longest * EscapedBytes) + "\"\",".Length)), question.Parameters.MaxTokens!.Value);
    }

    Question Request(string[] shown, int number)
    {
        string text = $"""
            Here are {shown.Length} requests that people made of an assistant, as a JSON list:
            {JsonSerializer.Serialize(shown, s_json)}
            Write {_options.PerRequest} new ones. Each stands for itself, can be answered in text, and differs from those above and from the others in subject, kind and length.
            Reply with a JSON list of {_options.PerRequest} strings and nothing else. (Set {number + 1}.)
            """;
        return new(_teacher, [new("user", text)], new(MaxTokens: TokensEach * _options.PerRequest, Temperature: _options.Temperature));
    }

    static IEnumerable<string> Some(IEnumerable<string> all, int count, RandomStream random)
    {
        string[] of = [.. all];
        for (int i = 0; i < Math.Min(count, of.Length); i++)
        {
            int at = i + random.NextInt(of.Length - i);
            (of[i], of[at]) = (of[at], of[i]);
        }

        return of.Take(count);
    }

    /// <summary>Keeps what a round brought.</summary>
    /// <returns>Whether it was enough for another.</returns>
    bool Take((Question Question, string[] From)[] requests, Transcripts store)
    {
        int before = _grown.Count;
        foreach ((Question question, string[] from) in requests)
        {
            Keep(question.Key(), from, store);
        }

        return _grown.Count - before >= Enough * Side * _options.PerRequest;
    }

    void Keep(byte[] key, string[] from, Transcripts store)
    {
        if (store.Reply(key) is not { } reply)
        {
            return;
        }

        _requests++;
        foreach (string text in PromptList.Read(reply.Choices[0].Text))
        {
            if (_grown.Count == _options.To)
            {
                return;
            }

            _offered++;
            if (text.Length is < Shortest or > Longest)
            {
                _unfit++;
            }
            else if (!_mayBeSent(text))
            {
                _leftOut++;
            }
            else if (_known.Meet(text) is not null)
            {
                _repeats++;
            }
            else
            {
                _grown.Add(new(text, Id(text), from, Convert.ToHexStringLower(key)));
            }
        }
    }
}
