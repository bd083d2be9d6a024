using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Listening;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>What every route's requests and responses get, whatever its own transforms are.</summary>
internal sealed class ReplicaTransforms(UpstreamCatalog replicas, IOptions<LoadBalancerOptions> options) : ITransformProvider
{
    // YARP replaces X-Forwarded-For, -Proto, -Host and -Prefix. These headers mean the same and are as easily forged.
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

        // A Host that the route's transforms set is kept.
        if (context.Route.Transforms?.Any(transform => transform.ContainsKey("RequestHeaderOriginalHost")
            || (transform.TryGetValue("RequestHeader", out var header) && header.Equals("Host", StringComparison.OrdinalIgnoreCase))) is not true)
        {
            context.AddOriginalHost(options.Value.OriginalHost);
        }

        var isTransformed = context.Route.Transforms is { Count: > 0 };
        context.AddRequestTransform(request =>
        {
            RequestFidelity.Apply(request, isTransformed);
            if (Activity.Current is { } span)
            {
                DistributedContextPropagator.Current.Inject(span, request.ProxyRequest.Headers, static (headers, name, value) =>
                {
                    // The client's headers have been copied by now.
                    ((HttpRequestHeaders)headers!).Remove(name);
                    ((HttpRequestHeaders)headers).TryAddWithoutValidation(name, value);
                });
            }

            return default;
        });

        context.AddResponseTransform(response =>
        {
            if (response.ProxyResponse?.StatusCode is HttpStatusCode.SwitchingProtocols)
            {
                response.HttpContext.Features.Get<RequestFraming>()?.Upgraded();
            }

            if (options.Value.ReplicaHeader
                && response.ProxyResponse is not null
                && response.HttpContext.GetReverseProxyFeature().ProxiedDestination is { } destination)
            {
                response.HttpContext.Response.Headers["X-Replica"] = replicas[destination].Name;
            }

            return default;
        });
    }
}
