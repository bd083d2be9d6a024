using System.Diagnostics;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace ClusterAspire.LoadBalancer;

/// <summary>What every route's requests and responses get, whatever its own transforms are.</summary>
internal sealed class ReplicaTransforms(ReplicaCatalog replicas, IOptions<LoadBalancerOptions> options) : ITransformProvider
{
    // YARP replaces X-Forwarded-For, -Proto, -Host and -Prefix; these say the same things and are as easily forged.
    private static readonly string[] Untrusted = ["Forwarded", "X-Forwarded-Port", "X-Forwarded-Server", "X-Real-IP"];

    /// <inheritdoc/>
    public void ValidateRoute(TransformRouteValidationContext context)
    {
    }

    /// <inheritdoc/>
    public void ValidateCluster(TransformClusterValidationContext context)
    {
    }

    /// <inheritdoc/>
    public void Apply(TransformBuilderContext context)
    {
        foreach (var header in Untrusted)
        {
            context.AddRequestHeaderRemove(header);
        }

        context.AddRequestTransform(static request =>
        {
            if (Activity.Current is { } span)
            {
                DistributedContextPropagator.Current.Inject(span, request.ProxyRequest.Headers, static (headers, name, value) =>
                {
                    // What the client sent has been copied.
                    ((HttpRequestHeaders)headers!).Remove(name);
                    ((HttpRequestHeaders)headers).TryAddWithoutValidation(name, value);
                });
            }

            return default;
        });

        context.AddResponseTransform(response =>
        {
            if (response.ProxyResponse is not { } upstream
                || response.HttpContext.GetReverseProxyFeature().ProxiedDestination is not { } destination)
            {
                return default;
            }

            // A full lane: what another replica can still take, the client need not hear of.
            if (upstream is { StatusCode: System.Net.HttpStatusCode.ServiceUnavailable, Headers.RetryAfter: not null }
                && response.HttpContext.Features.Get<Tries>()?.Fail(destination) is true)
            {
                response.SuppressResponseBody = true;
                return default;
            }

            if (options.Value.ReplicaHeader)
            {
                response.HttpContext.Response.Headers["X-Replica"] = replicas[destination].Name;
            }

            return default;
        });
    }
}
