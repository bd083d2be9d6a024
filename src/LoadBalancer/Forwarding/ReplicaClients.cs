using System.Text;
using ClusterAspire.LoadBalancer.Forwarding.Http1;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>Makes the client that a cluster's requests and probes are sent by.</summary>
internal sealed class ReplicaClients(UpstreamConnections connections) : ForwarderHttpClientFactory
{
    /// <summary>A replica on the same machine or network answers a connect at once or is gone.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    private static readonly UnheardMeters Unheard = new();

    /// <inheritdoc/>
    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        handler.RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1;
        handler.ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1;
        base.ConfigureHandler(context, handler);
        handler.ConnectCallback = connections.ConnectAsync;
        handler.ConnectTimeout = ConnectTimeout;
        handler.MeterFactory = Unheard;
        // BalancerTraces has a span for each try, and ReplicaTransforms tells the replica of it.
        handler.ActivityHeadersPropagator = null;
    }

    /// <inheritdoc/>
    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler) =>
        // Only .NET's own knows how to speak to a proxy.
        context.NewConfig.WebProxy is null ? new Http1Handler(handler, context.NewConfig ?? HttpClientConfig.Empty, connections, ConnectTimeout) : handler;
}
