using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>The balancer before one recording replica, for all cases of a class: they run one after the other.</summary>
public sealed class Relay : IAsyncLifetime
{
    internal RecordingUpstream Upstream { get; } = new();

    internal Balancer Balancer { get; private set; } = null!;

    internal Uri Url => Balancer.Client.BaseAddress!;

    public async ValueTask InitializeAsync() => Balancer = await Balancer.StartAsync([Upstream]);

    /// <summary>Sends a request; what arrived is in <see cref="RecordingUpstream.Requests"/>.</summary>
    internal async Task<RawResponse> ExchangeAsync(string request, Reply? reply = null, string method = "GET")
    {
        Upstream.Requests.Clear();
        Upstream.Answer = _ => reply ?? Reply.Ok;
        return await RawClient.ExchangeAsync(Url, request, method);
    }

    /// <summary>The one request that arrived.</summary>
    internal string Arrived() => Assert.Single(Upstream.Requests);

    public async ValueTask DisposeAsync()
    {
        await Balancer.DisposeAsync();
        await Upstream.DisposeAsync();
    }
}
