namespace ClusterAspire.LoadBalancer;

/// <summary>Maps the admin port.</summary>
internal static class AdminExtensions
{
    /// <summary>Maps the replica API.</summary>
    public static void MapAdmin(this WebApplication app)
    {
        var admin = app.MapGroup("").WithMetadata(AdminOnly.Instance).DisableHttpMetrics();
        admin.MapGet("/api/replicas", (ReplicaCatalog replicas) => replicas.All.Select(ReplicaStatus.Of));
    }
}
