using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>The addresses DNS has for a name, looked up every <see cref="LoadBalancerOptions.DiscoveryInterval"/>.</summary>
/// <remarks>
/// The last known addresses stay, even if DNS returns none: the probes find out whether they still serve, and sooner than DNS.
/// </remarks>
internal sealed partial class DnsEndpoints(
    NameLookup lookup,
    IOptions<LoadBalancerOptions> options,
    TimeProvider time,
    ILogger<DnsEndpoints> logger) : IEndpointSource
{
    /// <summary>How long a lookup may hold up the others, and the start.</summary>
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Host> _hosts = new(StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public async ValueTask<EndpointSet> FindAsync(string host, CancellationToken cancellationToken)
    {
        var known = await LookUpAsync(host, cancellationToken);
        var due = new CancellationTokenSource(TimeSpan.FromSeconds(options.Value.DiscoveryInterval), time);
        return new([.. known.Addresses.Select(address => new Endpoint(address))], known.Error is null, new CancellationChangeToken(due.Token));
    }

    private async Task<Host> LookUpAsync(string name, CancellationToken cancellationToken)
    {
        var host = _hosts.GetOrAdd(name, _ => new());
        try
        {
            // A lookup that takes longer continues, and the next round waits for it.
            var addresses = await host.LookUpAsync(() => lookup(name), task => task.WaitAsync(LookupTimeout, time, cancellationToken));
            if (addresses.Length > 0)
            {
                Know(name, host, addresses);
            }
            else
            {
                Fail(name, host, SocketError.NoData);
            }
        }
        catch (SocketException e)
        {
            Fail(name, host, e.SocketErrorCode);
        }
        catch (TimeoutException)
        {
            Fail(name, host, SocketError.TimedOut);
        }

        return host;
    }

    private void Know(string name, Host host, IPAddress[] found)
    {
        // Sorted, because the order differs from answer to answer.
        var addresses = found.Distinct().OrderBy(address => address.ToString(), StringComparer.Ordinal).ToArray();
        if (host.Error is not null || !addresses.SequenceEqual(host.Addresses))
        {
            Log.Found(logger, name, string.Join(", ", addresses.AsEnumerable()));
        }

        (host.Addresses, host.Error) = (addresses, null);
    }

    private void Fail(string name, Host host, SocketError error)
    {
        if (host.Error != error)
        {
            Log.NotFound(logger, name, error, host.Addresses.Count);
        }

        host.Error = error;
    }

    private sealed class Host
    {
        private readonly Lock _lock = new();
        private Task<IPAddress[]>? _lookup;

        public IReadOnlyList<IPAddress> Addresses { get; set; } = [];

        public SocketError? Error { get; set; }

        /// <summary>Waits for the lookup whose end nobody has seen, which all who ask share, else for a new one.</summary>
        public async Task<IPAddress[]> LookUpAsync(Func<Task<IPAddress[]>> begin, Func<Task<IPAddress[]>, Task<IPAddress[]>> wait)
        {
            Task<IPAddress[]> lookup;
            lock (_lock)
            {
                lookup = _lookup ??= begin();
            }

            try
            {
                return await wait(lookup);
            }
            finally
            {
                lock (_lock)
                {
                    if (_lookup == lookup && lookup.IsCompleted)
                    {
                        _lookup = null;
                    }
                }
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Host} is at {Addresses}")]
        public static partial void Found(ILogger logger, string host, string addresses);

        [LoggerMessage(LogLevel.Warning, "{Host} does not resolve ({Error}); the {Count} addresses known before stay until it does.")]
        public static partial void NotFound(ILogger logger, string host, SocketError error, int count);
    }
}
