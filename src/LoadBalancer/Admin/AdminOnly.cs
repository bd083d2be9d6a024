namespace ClusterAspire.LoadBalancer.Admin;

/// <summary>Marks an endpoint that only the admin port answers.</summary>
internal sealed class AdminOnly
{
    /// <summary>The mark.</summary>
    public static AdminOnly Instance { get; } = new();
}
