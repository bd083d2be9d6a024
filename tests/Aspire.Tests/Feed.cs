namespace ClusterAspire.Aspire.Tests;

/// <summary>Skips what needs Aspire's packages where the NuGet feed lacks them.</summary>
internal static class Feed
{
#if ASPIRE
    public const string? LacksAspire = null;
#else
    public const string? LacksAspire = "Aspire's packages were not on the NuGet feed when this was built.";
#endif
}
