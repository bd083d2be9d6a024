using System.Net;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>
/// A replica that answers 503 with <c>Retry-After</c>, as one with a full lane does, has failed the try: what another
/// replica can still take, the client need not hear of.
/// </summary>
internal sealed class RefusalTransform : ITransformProvider
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
        if (response.ProxyResponse is { StatusCode: HttpStatusCode.ServiceUnavailable, Headers.RetryAfter: not null }
            && response.HttpContext.GetReverseProxyFeature().ProxiedDestination is { } destination
            && response.HttpContext.Features.Get<Tries>()?.Fail(destination) is true)
        {
            response.SuppressResponseBody = true;
        }

        return default;
    });
}
