using ClusterAspire.Contract;
using Microsoft.AspNetCore.Routing;

namespace ClusterAspire.Replica.Lane;

/// <summary>The routes that run on the compute lane, from the endpoints' metadata.</summary>
internal sealed class ComputeRoutes(EndpointDataSource endpoints)
{
    /// <summary>All of them; a route for each of its methods.</summary>
    public IReadOnlyList<ComputeRoute> All { get; } = Read(endpoints);

    private static IReadOnlyList<ComputeRoute> Read(EndpointDataSource endpoints) =>
    [
        .. from endpoint in endpoints.Endpoints.OfType<RouteEndpoint>()
           where endpoint.Metadata.GetMetadata<RunsOnComputeLaneAttribute>() is not null
           let methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []
           from method in methods.Count is 0 ? [null] : methods.Cast<string?>()
           select new ComputeRoute(method, "/" + endpoint.RoutePattern.RawText?.TrimStart('/')),
    ];
}
