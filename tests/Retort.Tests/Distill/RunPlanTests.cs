using Retort.Distill;

namespace Retort.Tests.Distill;

public class RunPlanTests
{
    readonly Clock _clock = new();

    [Fact]
    public void TheRestTakesAsLongAsItsCostAtTheSpeedSoFar()
    {
        RunPlan plan = new(_clock);
        Assert.Equal((0, null), (plan.Share, plan.Left));
        plan.Add("a", 100);
        plan.Add("b", 300);
        _clock.Pass(10);
        plan.Reach("a", 0.5);
        Assert.Equal(0.125, plan.Share);
        Assert.Equal(TimeSpan.FromSeconds(70), plan.Left);
        plan.Reach("a", 1);
        plan.Reach("b", 1);
        Assert.Equal((1, TimeSpan.Zero), (plan.Share, plan.Left));
    }

    [Fact]
    public void WhatAnEarlierSessionDidCountsAndTookNoTime()
    {
        RunPlan plan = new(_clock);
        plan.Add("a", 100, before: 1);
        plan.Add("b", 100, before: 0.5);
        Assert.Equal((0.75, null), (plan.Share, plan.Left));
        _clock.Pass(10);
        plan.Reach("b", 0.75);
        Assert.Equal((0.875, TimeSpan.FromSeconds(10)), (plan.Share, plan.Left));
    }

    [Fact]
    public void ACostStatedAnewKeepsWhatWasDone()
    {
        RunPlan plan = new(_clock);
        plan.Add("a", 100);
        plan.Add("b", 100);
        _clock.Pass(4);
        plan.Reach("a", 1);
        plan.Add("a", 50, before: 1);
        plan.Add("b", 150, before: 0.5);
        Assert.Equal(125 / 200.0, plan.Share);
        Assert.Equal(TimeSpan.FromSeconds(4 * 75 / 50.0), plan.Left);
    }
}
