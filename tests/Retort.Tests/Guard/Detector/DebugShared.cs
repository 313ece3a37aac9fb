using Retort.Guard.Detector;
using Retort.Guard.Replay;
using Retort.Model;
namespace Retort.Tests.Guard.Detector;
public sealed class DebugShared
{
    [Fact]
    public void Show()
    {
        PromptLibrary lib = PromptLibrary.Read("/work/shared/prompts");
        Pace pace = Pace.Read("/work/shared/traffic");
        using StreamWriter w = new("/tmp/shared.txt");
        Scenario sc = Scenario.Read(Environment.GetEnvironmentVariable("SC") ?? "/work/exp/det/sc/r3.yaml");
        Strangers s = new(new RandomStream(sc.Seed, 1));
        var reqs = new HonestTraffic(lib, PromptHalf.Scoring, pace, sc.Days, s).All();
        var decks = ReplayRun.Decks(lib, s.Random);
        foreach (var (n, plan) in sc.Campaigns.Index()) reqs.AddRange(CampaignTraffic.Of(plan, n, SlotFilling.List([.. lib.Of(PromptKind.Campaign, PromptHalf.Scoring).SelectMany(x => x.Prompts)], plan.List, s.Random), decks, sc.Days, s));
        reqs.Sort((a, b) => (a.Seen.At, a.Seen.Account).CompareTo((b.Seen.At, b.Seen.Account)));
        Population p = new();
        Dictionary<int, List<(long, string)>> texts = [];
        var acc = s.Accounts.ToDictionary(a => a.Id);
        DrainDetector det = new(p, DetectorOptions.Default);
        HashSet<long> acted = [];
        long every = (long)sc.AssessEvery.TotalMilliseconds, look = every;
        int shown = 0;
        foreach (var r in reqs)
        {
            while (r.Seen.At >= look)
            {
                look += every;
                foreach (var v in det.Assess())
                {
                    var fresh = v.Acted.Where(acted.Add).ToList();
                    if (fresh.Any(a => acc[a].Kind != AccountKind.Campaign) && shown++ < 12)
                    {
                        var f = v.Finding;
                        w.WriteLine($"#### at {look / 3600000.0:0.0} h group {f.Members.Count} lnE {f.LogE:0} {string.Join(" ", f.Families.Select(x => $"{x.Key} {x.Value:0}"))} E {f.List.Shared} by {f.List.Sharers.Count} kinds {string.Join(",", f.Members.CountBy(m => acc[m.Account].Kind))} acted {string.Join(",", v.Acted.CountBy(m => acc[m].Kind))}");
                        var src = CommonSources.Of(p);
                        HashSet<long> mem = [.. f.Members.Select(m => m.Account)];
                        foreach (long a in fresh.Where(a => acc[a].Kind != AccountKind.Campaign))
                        {
                            var m = f.Members.First(x => x.Account == a);
                            w.WriteLine($" == {a} {acc[a].Kind} {acc[a].Origin} met {m.Met} log {m.Log:0.0} different {p[a]!.Different} templates {p[a]!.Templates.Count}");
                            foreach (int t in p[a]!.Templates.Where(t => p.Templates[t] is { } x && DividedList.Counts(x, mem, src)).Take(4))
                                foreach (var x in texts[t].DistinctBy(x => x.Item1).Take(3)) w.WriteLine($"     T{t} {p.Templates[t]!.Accounts.Count} {x.Item1}{acc[x.Item1].Kind}: {x.Item2.Replace("\n", "\\n")[..Math.Min(200, x.Item2.Replace("\n", "\\n").Length)]}");
                        }
                    }
                }
            }
            if (acted.Contains(r.Seen.Account)) continue;
            var tt = p.Add(r.Seen); if (tt is null) continue; if (!texts.TryGetValue(tt.Id, out var l)) texts[tt.Id] = l = []; l.Add((r.Seen.Account, r.Seen.Prompt));
        }
    }
}
public sealed class DebugR2
{
    [Fact]
    public void Show()
    {
        PromptLibrary lib = PromptLibrary.Read("/work/shared/prompts");
        Pace pace = Pace.Read("/work/shared/traffic");
        using StreamWriter w = new("/tmp/r2.txt");
        Scenario sc = Scenario.Read("/work/exp/det/sc/r2.yaml");
        Strangers s = new(new RandomStream(sc.Seed, 1));
        var reqs = new HonestTraffic(lib, PromptHalf.Scoring, pace, sc.Days, s).All();
        var decks = ReplayRun.Decks(lib, s.Random);
        foreach (var (n, plan) in sc.Campaigns.Index()) reqs.AddRange(CampaignTraffic.Of(plan, n, SlotFilling.List([.. lib.Of(PromptKind.Campaign, PromptHalf.Scoring).SelectMany(x => x.Prompts)], plan.List, s.Random), decks, sc.Days, s));
        reqs.Sort((a, b) => (a.Seen.At, a.Seen.Account).CompareTo((b.Seen.At, b.Seen.Account)));
        Population p = new();
        var acc = s.Accounts.ToDictionary(a => a.Id);
        DrainDetector det = new(p, DetectorOptions.Default);
        long look = 24 * 3600000L + 60000;
        int seen = 0;
        foreach (var r in reqs)
        {
            while (r.Seen.At >= look && look < 24.5 * 3600000)
            {
                look += 120000;
                var all = new GroupSearch(p, DetectorOptions.Default).Run().OrderByDescending(f => f.LogE).Where(f => f.Members.Count(m => acc[m.Account].Kind == AccountKind.Campaign) > f.Members.Count / 2).Take(3).ToList();
                int shared = p.Templates.Templates.Count(t => t.Accounts.Count > 1 && !t.IsCommon && t.Accounts.All(a => acc[a].Kind == AccountKind.Campaign));
                int pub = p.Templates.Templates.Count(t => t.Accounts.Count > 1 && t.IsCommon && t.Accounts.All(a => acc[a].Kind == AccountKind.Campaign));
                w.WriteLine($"{look / 60000.0 - 1440:0} min, campaign prompts {seen}, shared {shared} public {pub}");
                foreach (var f in all) w.WriteLine($"   {f.Members.Count} lnE {f.LogE:0} {string.Join(" ", f.Families.Select(x => $"{x.Key} {x.Value:0}"))} E {f.List.Shared} by {f.List.Sharers.Count} X {f.List.Exposure}");
            }
            seen += r.IsCampaign ? 1 : 0;
            p.Add(r.Seen);
        }
    }
}
public sealed class DebugRate
{
    [Fact]
    public void Show()
    {
        PromptLibrary lib = PromptLibrary.Read("/work/shared/prompts");
        Pace pace = Pace.Read("/work/shared/traffic");
        using StreamWriter w = new("/tmp/rate.txt");
        foreach (PromptHalf half in Enum.GetValues<PromptHalf>())
        {
        Strangers s = new(new RandomStream(1, 1));
        var reqs = new HonestTraffic(lib, half, pace, 4, s).All();
        reqs.Sort((a, b) => (a.Seen.At, a.Seen.Account).CompareTo((b.Seen.At, b.Seen.Account)));
        Population p = new();
        Dictionary<int, List<(long, string)>> texts = [];
        foreach (var r in reqs) { var t = p.Add(r.Seen); if (t is null) continue; if (!texts.TryGetValue(t.Id, out var l)) texts[t.Id] = l = []; if (!l.Any(x => x.Item1 == r.Seen.Account && x.Item2 == r.Seen.Prompt)) l.Add((r.Seen.Account, r.Seen.Prompt)); }
        p.Review();
        var acc = s.Accounts.ToDictionary(a => a.Id);
        var src = CommonSources.Of(p);
        var shared = p.Templates.Templates.Where(t => t.Accounts.Count > 1 && !t.IsCommon && t.Accounts.Any(a => a != t.Accounts[0] && !src.Have(a, t.Accounts[0]))).ToList();
        double n = p.Trails.Sum(t => (double)t.Different), d = p.Trails.Sum(t => (double)t.Templates.Count);
        w.WriteLine($"######## {half} templates {p.Templates.Templates.Count()} shared {shared.Count} public {p.Templates.Templates.Count(t => t.IsPublic)} known {p.Templates.Templates.Count(t => t.IsKnown)} exposure {n * d / 2:g3} rate {shared.Count / (n * d / 2):g3}");
        foreach (var g in shared.GroupBy(t => string.Join("+", t.Accounts.Select(a => acc[a].Kind + ":" + (acc[a].Kind is AccountKind.Chat or AccountKind.Judge or AccountKind.Agent ? "" : acc[a].Origin)).Distinct().Order())).OrderByDescending(g => g.Count()))
        {
            w.WriteLine($"== {g.Count()} {g.Key}");
            foreach (var t in g.Take(3)) { w.WriteLine($"  -- {t.Id} accounts {t.Accounts.Count}"); foreach (var x in texts[t.Id].OrderBy(x => acc[x.Item1].Kind).DistinctBy(x => x.Item1).Take(3)) w.WriteLine($"     {x.Item1}{acc[x.Item1].Kind}: {x.Item2.Replace("\n", "\\n")[..Math.Min(260, x.Item2.Replace("\n", "\\n").Length)]}"); }
        }
        }
    }
}
