using System.Net;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>
/// Records when a replica begins to answer. A 503 with <c>Retry-After</c>, for example of a full lane, counts as a failed try, because
/// another replica may still take the request.
/// </summary>
internal sealed class ResponseStartTransform(UpstreamCatalog replicas, TimeProvider time) : ITransformProvider
{
    /// <inheritdoc/>
    public void ValidateRoute(TransformRouteValidationContext context)
    {
    }

    /// <inheritdoc/>
    public void ValidateCluster(TransformClusterValidationContext context)
    {
    }

    /// <inheritdoc/>
    public void Apply(TransformBuilderContext context) => context.AddResponseTransform(response =>
    {
        if (response.ProxyResponse is not { } answer
            || response.HttpContext.Features.Get<Tries>() is not { } tries
            || response.HttpContext.GetReverseProxyFeature().ProxiedDestination is not { } destination)
        {
            return default;
        }

        tries.RespondedAt = time.GetTimestamp();
        if (answer.StatusCode is HttpStatusCode.SwitchingProtocols)
        {
            tries.IsUpgraded = true;
            replicas[destination].BeginUpgraded();
        }

        if (answer is { StatusCode: HttpStatusCode.ServiceUnavailable, Headers.RetryAfter: not null }
            && tries.Fail(destination, TryFailure.Refused))
        {
            response.SuppressResponseBody = true;
        }

        return default;
    });
}
