using Xunit;

namespace ClusterAspire.Tests;

/// <summary>Skips tests where they cannot run.</summary>
internal static class Requires
{
    /// <summary>What can be installed: with CI=true it has to be there.</summary>
    public static void That(bool available, string otherwise)
    {
        if (Environment.GetEnvironmentVariable("CI") is "true")
        {
            Assert.True(available, otherwise);
        }

        Assert.SkipUnless(available, otherwise);
    }

    public static void Linux() => Assert.SkipUnless(OperatingSystem.IsLinux(), "The test sends signals and reads /proc.");
}
