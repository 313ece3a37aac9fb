using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class LanesTests
{
    /// <summary>The narrower runs of ./test are what they say they are.</summary>
    [Fact]
    public void TheRuntimeSwitchesChooseThePath()
    {
        VectorPath widest =
            Off("DOTNET_EnableHWIntrinsic") ? VectorPath.Scalar
            : Off("DOTNET_EnableAVX2") ? VectorPath.Vector128
            : Off("DOTNET_EnableAVX512") ? VectorPath.Vector256
            : VectorPath.Vector512;
        Assert.True(Lanes.Path <= widest, $"{Lanes.Path} is wider than the switches allow");
        if (widest == VectorPath.Scalar)
        {
            Assert.Equal(VectorPath.Scalar, Lanes.Path);
        }
    }

    static bool Off(string name) => Environment.GetEnvironmentVariable(name) == "0";
}
