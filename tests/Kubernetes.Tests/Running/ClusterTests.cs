using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Tests with a cluster each.</summary>
public abstract class ClusterTests : IAsyncLifetime
{
    private TestCluster? _cluster;

    internal TestCluster Cluster => _cluster!;

    public ValueTask InitializeAsync()
    {
        _cluster = new();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await (_cluster?.DisposeAsync() ?? default);
    }
}
