using System.Net;
using System.Net.Sockets;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Tls;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>Where the balancer listens.</summary>
internal static class ListenExtensions
{
    /// <summary>The key of <see cref="LoadBalancerOptions.Url"/>.</summary>
    public const string UrlKey = $"{LoadBalancerOptions.Section}:{nameof(LoadBalancerOptions.Url)}";

    /// <summary>The key of <see cref="LoadBalancerOptions.Listen"/>.</summary>
    public const string ListenKey = $"{LoadBalancerOptions.Section}:{nameof(LoadBalancerOptions.Listen)}";

    /// <summary>The key of <see cref="LoadBalancerOptions.AdminUrl"/>.</summary>
    public const string AdminUrlKey = $"{LoadBalancerOptions.Section}:{nameof(LoadBalancerOptions.AdminUrl)}";

    /// <summary>The balancer's configuration with <c>http://*:8080</c> and <c>http://+:8080</c>, which are no URIs, as every address of this machine.</summary>
    public static IConfiguration WithAnyAddress(this IConfiguration configuration) => new ConfigurationBuilder()
        // Copied, not chained: a chained configuration has no empty values, and those are mistakes to report.
        .AddInMemoryCollection(configuration.GetSection(LoadBalancerOptions.Section).AsEnumerable()
            .Select(setting => IsAnyAddress(setting) ? KeyValuePair.Create(setting.Key, (string?)("http://[::]:" + setting.Value!["http://*:".Length..])) : setting))
        .Build();

    /// <summary>Listens at an address, or at every address that a name stands for.</summary>
    /// <exception cref="OptionsValidationException">The name stands for no address.</exception>
    public static void Listen(this KestrelServerOptions kestrel, string key, Uri url, Action<ListenOptions>? configure = null)
    {
        configure ??= static _ => { };
        if (IPAddress.TryParse(url.DnsSafeHost, out var address))
        {
            if (address.Equals(IPAddress.IPv6Any))
            {
                // IPv4 and IPv6, or IPv4 only on machines without IPv6.
                kestrel.ListenAnyIP(url.Port, configure);
            }
            else
            {
                kestrel.Listen(address, url.Port, configure);
            }
        }
        else if (url.IsLoopback)
        {
            kestrel.ListenLocalhost(url.Port, configure);
        }
        else
        {
            foreach (var each in Addresses(key, url))
            {
                kestrel.Listen(each, url.Port, configure);
            }
        }
    }

    /// <summary>Listens at an address of <see cref="LoadBalancerOptions.Listen"/>.</summary>
    /// <exception cref="OptionsValidationException">Its name stands for no address.</exception>
    public static void Listen(this KestrelServerOptions kestrel, ListenAddress address, Action<ListenOptions> clients)
    {
        if (address.SocketPath is { } path)
        {
            ListenAddress.RemoveLeftBehind(path);
            kestrel.ListenUnixSocket(path, Configure);
        }
        else if (address.Descriptor is { } descriptor)
        {
            kestrel.ListenHandle((ulong)descriptor, Configure);
        }
        else
        {
            kestrel.Listen(ListenKey, address.Url, Configure);
        }

        void Configure(ListenOptions listen)
        {
            if (address.IsHttps)
            {
                listen.UseClientHttps();
            }

            clients(listen);
        }
    }

    private static bool IsAnyAddress(KeyValuePair<string, string?> setting) =>
        (setting.Key.Equals(UrlKey, StringComparison.OrdinalIgnoreCase) || setting.Key.Equals(AdminUrlKey, StringComparison.OrdinalIgnoreCase))
        && setting.Value is { } url
        && (url.StartsWith("http://*:", StringComparison.OrdinalIgnoreCase) || url.StartsWith("http://+:", StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<IPAddress> Addresses(string key, Uri url)
    {
        try
        {
            return Dns.GetHostAddresses(url.IdnHost).Distinct();
        }
        catch (SocketException e)
        {
            throw new OptionsValidationException(
                key, typeof(LoadBalancerOptions), [$"{key}: {url.Host} is no name of this machine ({e.Message}): name one of its addresses, or http://*:{url.Port} for all."]);
        }
    }
}
