using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>Kestrel's own instruments, for the connections that the edge serves in its place: one series, whoever serves.</summary>
internal sealed class ConnectionMetrics
{
    private readonly Histogram<double> _duration;
    private readonly UpDownCounter<long> _active;
    private readonly KeyValuePair<string, object?>[] _server;
    private readonly KeyValuePair<string, object?>[] _http;

    /// <summary>Creates the instruments.</summary>
    /// <param name="meters">The meters.</param>
    /// <param name="server">Where the connections were accepted.</param>
    public ConnectionMetrics(IMeterFactory meters, EndPoint server)
    {
        var meter = meters.Create("Microsoft.AspNetCore.Server.Kestrel");
        _duration = meter.CreateHistogram<double>("kestrel.connection.duration", "s", "The duration of connections on the server.");
        _active = meter.CreateUpDownCounter<long>("kestrel.active_connections", "{connection}", "Number of connections that are currently active on the server.");
        _server = server is IPEndPoint address
            ?
            [
                new("server.address", address.Address.ToString()),
                new("server.port", address.Port),
                new("network.type", address.AddressFamily is AddressFamily.InterNetworkV6 ? "ipv6" : "ipv4"),
                new("network.transport", "tcp"),
            ]
            : [new("network.transport", "tcp")];
        _http = [.. _server, new("network.protocol.name", "http"), new("network.protocol.version", "1.1")];
    }

    /// <summary>A connection has been accepted.</summary>
    public void Opened() => _active.Add(1, _server);

    /// <summary>A connection has ended.</summary>
    /// <param name="duration">How long it was open; null when it is Kestrel's now.</param>
    public void Closed(TimeSpan? duration)
    {
        _active.Add(-1, _server);
        if (duration is { } time)
        {
            _duration.Record(time.TotalSeconds, _http);
        }
    }
}
