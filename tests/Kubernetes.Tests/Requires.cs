using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Skips tests where a machine lacks what they need; in CI it has to be there.</summary>
internal static class Requires
{
    public static void That(bool available, string otherwise)
    {
        if (!available && Environment.GetEnvironmentVariable("CI") is "true")
        {
            Assert.Fail(otherwise);
        }

        Assert.SkipUnless(available, otherwise);
    }
}
