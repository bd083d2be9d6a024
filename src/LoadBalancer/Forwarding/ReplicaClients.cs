using System.Text;
using ClusterAspire.Link;
using ClusterAspire.LoadBalancer.Forwarding.Http1;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>Makes the client that a cluster's requests and probes are sent by.</summary>
internal sealed class ReplicaClients(UpstreamConnections connections) : ForwarderHttpClientFactory
{
    /// <summary>In the metadata of a client: it is the probes', whose connections are TCP's and end where a replica answers probes.</summary>
    public const string ForProbes = "Probes";

    /// <summary>A replica on the same machine or network answers a connect at once or is gone.</summary>
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    private static readonly UnobservedMeters Unobserved = new();

    /// <inheritdoc/>
    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        handler.RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1;
        handler.ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1;
        base.ConfigureHandler(context, handler);
        handler.ConnectCallback = IsForProbes(context) ? ConnectAsync : LinkOrConnectAsync;
        handler.ConnectTimeout = ConnectTimeout;
        handler.MeterFactory = Unobserved;
        // BalancerTraces has a span for each try, and ReplicaTransforms tells the replica of it.
        handler.ActivityHeadersPropagator = null;
    }

    /// <inheritdoc/>
    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler) =>
        // Only .NET's own handler supports proxies.
        context.NewConfig.WebProxy is null ? new Http1Handler(handler, new(context.NewConfig ?? HttpClientConfig.Empty, connections, usesLinks: !IsForProbes(context), ConnectTimeout)) : handler;

    private static bool IsForProbes(ForwarderHttpClientContext context) => context.NewMetadata?.ContainsKey(ForProbes) is true;

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        await connections.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken);

    private ValueTask<Stream> LinkOrConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        context.InitialRequestMessage.RequestUri?.Scheme == Uri.UriSchemeHttp
        && connections.Link(context.DnsEndPoint.Host, context.DnsEndPoint.Port).TryOpen() is { } linked
            ? new(new VirtualStream(linked))
            : ConnectAsync(context, cancellationToken);
}
