namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>What a balancer can have as a destination.</summary>
internal interface IUpstream
{
    string Name { get; }

    Uri Address { get; }
}
