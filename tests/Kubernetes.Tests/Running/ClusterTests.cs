using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Tests with a cluster each.</summary>
/// <param name="discovery">How its load balancers find pods: <c>kubernetes</c> or <c>dns</c>.</param>
public abstract class ClusterTests(string discovery) : IAsyncLifetime
{
    private TestCluster? _cluster;

    internal TestCluster Cluster => _cluster!;

    public ValueTask InitializeAsync()
    {
        _cluster = new(discovery);
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await (_cluster?.DisposeAsync() ?? default);
    }
}
