using Retort.Guard.Accounts;
using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Guard.Replay;

/// <summary>
/// Honest accounts and their requests, the kinds that are taken for campaigns: people who chat, narrow jobs, evaluation harnesses, judges with rubrics, agents
/// with one schema, a class with one exercise, resellers. Within a kind no prompt is asked by two accounts, but the exercise.
/// </summary>
sealed class HonestTraffic(PromptLibrary library, PromptHalf half, Pace pace, double days, Strangers strangers)
{
    const int ChatPrompts = 20, JudgePrompts = 40, AgentTasks = 12, ClassSize = 200, Resellers = 2, ResellerPrompts = 250, Harnesses = 7;

    static readonly string[] s_rubrics =
    [
        "You are an impartial grader. Rate the answer to the question on a scale of 1 to 10 for helpfulness, accuracy and depth. Give a reason first and then the number as Rating: [[n]].\n\n[Question]\n{0}\n\n[Answer]\n{1}",
        "Score the response below from 1 to 5. 5: fully correct and clear. 4: small faults. 3: partly correct. 2: mostly wrong. 1: useless. Output JSON with the keys score and reason.\nPrompt: {0}\nResponse: {1}",
        "Does the reply follow the instruction? Say Yes or No, then name every requirement that was missed.\nInstruction: {0}\nReply: {1}",
        "Compare the text with the request and give marks out of 100 for relevance, style and factual care, each on a line of its own.\nRequest: {0}\nText: {1}",
    ];

    static readonly string[] s_questions = ["Why is that?", "Can you explain the second step again?", "Is there a shorter way to do it?", "What happens if the input is empty?", "Can you check my answer?", "I do not understand the last part."];

    readonly List<ReplayRequest> _requests = [];

    long End => (long)(days * 86_400_000);

    public List<ReplayRequest> All()
    {
        List<string> chat = [.. library.Of(PromptKind.Chat, half).Where(s => !IsPerson(s)).SelectMany(s => s.Prompts)];
        SlotFilling.Shuffle(chat, strangers.Random);
        Chat(chat);
        Narrow();
        Evaluations();
        Judges(chat);
        Agents(chat);
        Class(chat);
        Resell(chat);
        return _requests;
    }

    static bool IsPerson(PromptSource source) => source.Name.Contains("-person-", StringComparison.Ordinal);

    void Chat(List<string> prompts)
    {
        foreach (PromptSource person in library.Of(PromptKind.Chat, half).Where(IsPerson))
        {
            Person(AccountKind.Chat, person.Name, person.Prompts, 8, strangers.Shape());
        }

        foreach ((int number, string[] own) in prompts.Chunk(ChatPrompts).Index())
        {
            Person(AccountKind.Chat, $"chat-{number}", own, 1.5, strangers.Shape());
        }
    }

    void Person(AccountKind kind, string origin, IReadOnlyList<string> prompts, double sittings, RequestShape shape)
    {
        RandomStream random = strangers.Random;
        ReplayAccount account = strangers.Add(kind, origin);
        RequestOrigin[] origins = [.. Enumerable.Range(0, 1 + random.NextInt(2)).Select(_ => strangers.Origin())];
        int next = 0;
        foreach (long sitting in Pace.Sittings(days, sittings, random))
        {
            long at = sitting;
            RequestOrigin origin1 = origins[random.NextInt(origins.Length)] with { Agent = origins[0].Agent };
            for (int turn = 1; next < prompts.Count && at < End && (turn == 1 || random.NextDouble() < 0.75); turn++)
            {
                Ask(account, at, prompts[next++], shape with { Turns = turn }, origin1);
                at += pace.Reading(random);
            }
        }
    }

    void Narrow()
    {
        RandomStream random = strangers.Random;
        foreach (PromptSource job in library.Of(PromptKind.Narrow, half))
        {
            ReplayAccount account = strangers.Add(AccountKind.Narrow, job.Origin, Purposes.Batch);
            bool isCron = random.NextInt(2) == 0, isShuffled = random.NextInt(2) == 0;
            List<string> prompts = [.. job.Prompts];
            if (isShuffled)
            {
                SlotFilling.Shuffle(prompts, random);
            }

            Job(account, prompts, 1 + random.NextInt(6), 10 + random.NextInt(60), isCron, strangers.Shape((ulong)account.Id << 8));
        }
    }

    /// <summary>A program that takes its prompts in turn, again from the first when they are through.</summary>
    void Job(ReplayAccount account, IReadOnlyList<string> prompts, int perDay, int size, bool isCron, RequestShape shape)
    {
        RandomStream random = strangers.Random;
        RequestOrigin origin = strangers.Origin();
        int next = 0;
        double hour = random.NextDouble() * 24;
        for (int run = 0; run < days * perDay; run++)
        {
            double start = (run * 24.0 / perDay) + hour;
            long at = (long)((isCron ? Math.Floor(start) : start + ((random.NextDouble() - 0.5) * 3)) * 3_600_000);
            for (int i = 0; i < size && at < End; i++)
            {
                if (at >= 0)
                {
                    Ask(account, at, prompts[next++ % prompts.Count], shape, origin);
                }

                at += pace.Working(random);
            }
        }
    }

    void Evaluations()
    {
        RandomStream random = strangers.Random;
        IReadOnlyList<PromptSource> sets = library.Of(PromptKind.Evaluation, half);
        foreach (PromptSource[] own in Enumerable.Range(0, Harnesses).Select(h => sets.Where((_, i) => i % Harnesses == h).ToArray()).Where(o => o.Length > 0))
        {
            ReplayAccount account = strangers.Add(AccountKind.Evaluation, own[0].Name, Purposes.Evaluation);
            string[] prompts = [.. own.SelectMany(s => s.Prompts)];
            Job(account, prompts, 1 + random.NextInt(2), prompts.Length, isCron: false, strangers.Shape());
        }
    }

    void Judges(List<string> chat)
    {
        RandomStream random = strangers.Random;
        foreach ((int number, string[] own) in chat.Chunk(JudgePrompts * 2).Where(c => c.Length == JudgePrompts * 2).Index())
        {
            ReplayAccount account = strangers.Add(AccountKind.Judge, $"judge-{number}", Purposes.Judge);
            string rubric = s_rubrics[number % s_rubrics.Length];
            Job(account, [.. own.Take(JudgePrompts).Select((p, i) => string.Format(System.Globalization.CultureInfo.InvariantCulture, rubric, p, own[JudgePrompts + i]))], 1 + random.NextInt(3), JudgePrompts, isCron: false, strangers.Shape());
        }
    }

    void Agents(List<string> chat)
    {
        RandomStream random = strangers.Random;
        foreach ((int number, string[] tasks) in chat.Chunk(AgentTasks).Take(20).Index())
        {
            ReplayAccount account = strangers.Add(AccountKind.Agent, $"agent-{number}", Purposes.Agent);
            RequestShape shape = strangers.Shape(7);
            RequestOrigin origin = strangers.Origin();
            foreach ((string task, long sitting) in tasks.Zip(Pace.Sittings(days, 4, random)))
            {
                long at = sitting;
                int turns = 3 + random.NextInt(8);
                for (int turn = 1; turn <= turns && at < End; turn++)
                {
                    Ask(account, at, task, shape with { Turns = turn }, origin);
                    at += pace.Working(random) + 2000;
                }
            }
        }
    }

    void Class(List<string> chat)
    {
        RandomStream random = strangers.Random;
        string exercise = chat[0];
        RequestOrigin room = strangers.Origin();
        ulong school = random.Next() | 1;
        for (int student = 0; student < ClassSize; student++)
        {
            ReplayAccount account = strangers.Add(AccountKind.Class, "class", organisation: school);
            RequestOrigin own = room with { Agent = strangers.Origin().Agent };
            for (int lesson = 0; lesson < days; lesson += 2)
            {
                long at = (long)(((lesson * 24) + 10) * 3_600_000) + (long)(random.NextDouble() * 1_800_000);
                int asked = 2 + random.NextInt(4);
                for (int turn = 1; turn <= asked && at < End; turn++)
                {
                    string prompt = turn == 1 ? (random.NextInt(2) == 0 ? exercise : Paraphrase.Of(exercise, random)) : turn == 2 ? chat[(1 + student + (lesson * ClassSize)) % chat.Count] : s_questions[random.NextInt(s_questions.Length)];
                    Ask(account, at, prompt, strangers.Shape() with { Turns = turn }, own);
                    at += pace.Reading(random);
                }
            }
        }
    }

    void Resell(List<string> chat)
    {
        RandomStream random = strangers.Random;
        List<string> all = [.. chat.Concat(library.Of(PromptKind.Narrow, half).SelectMany(s => s.Prompts))];
        SlotFilling.Shuffle(all, random);
        foreach (string[] own in all.Chunk(ResellerPrompts).Take(Resellers))
        {
            ReplayAccount account = strangers.Add(AccountKind.Reseller, "reseller");
            RequestOrigin origin = strangers.Origin();
            foreach (string prompt in own)
            {
                Ask(account, (long)(random.NextDouble() * End), prompt, strangers.Shape(random.Next()), origin);
            }
        }
    }

    void Ask(ReplayAccount account, long at, string prompt, RequestShape shape, RequestOrigin origin) => _requests.Add(new(new(account.Id, at, prompt, shape, origin), IsCampaign: false));
}
