using Xunit;

namespace ClusterAspire.Orchestration.Tests;

/// <summary>Skips tests where they cannot run.</summary>
internal static class Requires
{
    /// <summary>The container engine of this machine. With CI=true it has to be there.</summary>
    public static async Task<ContainerEngine> EngineAsync()
    {
        try
        {
            return await ContainerEngine.FindAsync(EngineKind.Auto, TestContext.Current.CancellationToken);
        }
        catch (ClusterException e) when (Environment.GetEnvironmentVariable("CI") is not "true")
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
