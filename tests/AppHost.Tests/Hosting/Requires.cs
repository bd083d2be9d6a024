namespace ClusterAspire.AppHost.Tests;

/// <summary>Skips tests where they cannot run.</summary>
internal static class Requires
{
    public static void Linux() => Assert.SkipUnless(OperatingSystem.IsLinux(), "The test sends signals and reads /proc.");
}
