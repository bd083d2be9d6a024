using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>The balancer before one recording replica, for all cases of a class: they run one after the other.</summary>
/// <param name="edge">Whether plain requests are served at the edge.</param>
/// <param name="link">Whether the replica offers the link.</param>
public abstract class Relay(bool edge, bool link) : IAsyncLifetime
{
    internal RecordingUpstream Upstream { get; } = new() { OffersLink = link };

    internal Balancer Balancer { get; private set; } = null!;

    internal Uri Url => Balancer.Client.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        Balancer = await Balancer.StartAsync([Upstream], ("LoadBalancer:Edge", edge ? "true" : "false"));
        await Balancer.UntilAsync(Upstream.Name, "ready");
        if (link)
        {
            await Eventually.IsTrueAsync(() => Balancer.Services.GetRequiredService<UpstreamConnections>().Link(Upstream.Address.Host, Upstream.Address.Port).IsOpen);
        }
    }

    /// <summary>Sends a request; what arrived is in <see cref="RecordingUpstream.Requests"/>.</summary>
    internal async Task<RawResponse> ExchangeAsync(string request, Reply? reply = null, string method = "GET")
    {
        Upstream.Requests.Clear();
        Upstream.Answer = _ => reply ?? Reply.Ok;
        return await RawClient.ExchangeAsync(Url, request, method);
    }

    /// <summary>The one request that arrived.</summary>
    internal string Arrived() => Assert.Single(Upstream.Requests);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Balancer.DisposeAsync();
        await Upstream.DisposeAsync();
    }
}

/// <summary>All go YARP's way.</summary>
public sealed class YarpRelay() : Relay(edge: false, link: false);

/// <summary>Plain requests are served at the edge, and the others go YARP's way.</summary>
public sealed class EdgeRelay() : Relay(edge: true, link: false);

/// <summary>The same, by the link.</summary>
public sealed class LinkRelay() : Relay(edge: true, link: true);
