namespace Retort.Tests.House;

public class SolutionTests
{
    [Fact]
    public void ArithmeticHolds() => Assert.Equal(4, 2 + 2);
}
