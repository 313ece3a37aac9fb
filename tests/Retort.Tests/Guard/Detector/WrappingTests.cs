using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Tests.Guard.Detector;

public sealed class WrappingTests
{
    const string Rubric = "You grade answers. Give marks from one to ten for style and for care, each with a reason of one sentence, and nothing else.";

    [Fact]
    public void TwoJudgesWithOneRubricShareNoTemplate()
    {
        RandomStream random = new(1);
        Population population = new();
        for (int i = 0; i < 40; i++)
        {
            population.Add(DetectorWorld.Ask(1, i, $"{Rubric}\n{DetectorWorld.Form(i, random)}"));
            population.Add(DetectorWorld.Ask(2, i, $"{Rubric}\n{DetectorWorld.Form(500 + i, random)}"));
        }

        population.Review();
        Assert.DoesNotContain(population.Templates.Templates, t => t.Accounts.Count > 1 && !t.IsCommon);
        Assert.InRange(population[1]!.Templates.Count, 36, 41);
    }

    [Fact]
    public void WhatOneAccountAsksAgainIsNoWrapping()
    {
        RandomStream random = new(1);
        Population population = new();
        string task = DetectorWorld.Form(7, random);
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal(i == 0, population.Add(DetectorWorld.Ask(1, i, task)) is not null);
        }

        Template mine = population.Templates[population[1]!.Templates.Single()]!;
        Assert.Same(mine, population.Add(DetectorWorld.Ask(2, 31, DetectorWorld.Form(7, random))));
        Assert.Equal((30, 1), (population[1]!.Prompts, population[1]!.Different));
    }

    [Fact]
    public void AnExerciseThatGoesAroundLinksNobodyInWhateverWords()
    {
        RandomStream random = new(4);
        Population population = new();
        string[] exercise = DetectorWorld.Form(3, random).Split(' ');
        for (int student = 1; student <= 60; student++)
        {
            string[] own = [.. exercise];
            own[random.NextInt(own.Length)] = DetectorWorld.Word(90_000 + random.NextInt(6));
            own[random.NextInt(own.Length)] = DetectorWorld.Word(90_000 + random.NextInt(6));
            population.Add(DetectorWorld.Ask(student, 10 + random.NextDouble(), string.Join(' ', own)));
        }

        population.Review();
        DividedList list = DividedList.Of(population.Trails, population.Templates, CommonSources.Of(population));
        Assert.InRange(list.Shared, 0, 1);
    }
}
