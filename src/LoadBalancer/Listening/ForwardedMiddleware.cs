using System.Net;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// Takes a request's client, scheme and host from <c>Forwarded</c> (RFC 7239), as far back as proxies are trusted, as ASP.NET
/// Core's own middleware does from <c>X-Forwarded-*</c>.
/// </summary>
/// <remarks>Where there is any <c>X-Forwarded-*</c>, that is what the proxy speaks: the client itself may have sent the other.</remarks>
internal sealed class ForwardedMiddleware(RequestDelegate next, IOptions<LoadBalancerOptions> options)
{
    private const string Header = "Forwarded";

    private readonly System.Net.IPNetwork[] _trusted = [.. options.Value.TrustedProxies.Select(TrustedProxy.Parse)];

    /// <summary>Handles a request of the public ports.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers.TryGetValue(Header, out var header)
            && !headers.ContainsKey(ForwardedHeadersDefaults.XForwardedForHeaderName)
            && !headers.ContainsKey(ForwardedHeadersDefaults.XForwardedProtoHeaderName)
            && !headers.ContainsKey(ForwardedHeadersDefaults.XForwardedHostHeaderName)
            && ForwardedHop.TryParse(header.ToString(), out var hops))
        {
            Apply(context, hops);
        }

        return next(context);
    }

    private void Apply(HttpContext context, IReadOnlyList<ForwardedHop> hops)
    {
        var (connection, request) = (context.Connection, context.Request);
        foreach (var hop in hops.Reverse())
        {
            // Nobody's address: a Unix socket's.
            if (connection.RemoteIpAddress is { } sender && !IsTrusted(sender))
            {
                return;
            }

            request.Scheme = hop.Scheme ?? request.Scheme;
            request.Host = hop.Host is { } host ? new(host) : request.Host;
            if (hop.For is null)
            {
                // Who sent it to that proxy is not said, and so neither whether they are trusted.
                return;
            }

            (connection.RemoteIpAddress, connection.RemotePort) = (hop.For.Address, hop.For.Port);
        }
    }

    private bool IsTrusted(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Array.Exists(_trusted, network => network.Contains(plain) || network.Contains(address));
    }
}
