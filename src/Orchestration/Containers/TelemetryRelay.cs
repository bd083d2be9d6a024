using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>
/// Lets containers reach a telemetry collector that listens at this machine's loopback, as the processes of this machine do:
/// passes connections on from the containers' bridge, and takes none from elsewhere.
/// </summary>
internal sealed class TelemetryRelay : IAsyncDisposable
{
    /// <summary>What Docker's containers call the machine they run on.</summary>
    public const string HostName = "host.docker.internal";

    private readonly CancellationTokenSource _end = new();
    private readonly List<TcpListener> _listeners = [];
    private readonly UnicastIPAddressInformation? _bridge;
    private readonly Dictionary<Uri, Uri> _relayed = [];

    private TelemetryRelay(UnicastIPAddressInformation? bridge) => _bridge = bridge;

    /// <summary>Prepares relaying for an engine; nothing listens before an endpoint asks for it.</summary>
    public static async Task<TelemetryRelay> CreateAsync(ContainerEngine engine, CancellationToken cancellationToken)
    {
        // In a virtual machine (Docker Desktop) the engine has no bridge here, and brings loopback along by itself.
        var name = engine.IsPodman ? null : await engine.TryRunAsync(
            ["network", "inspect", "bridge", "--format", "{{index .Options \"com.docker.network.bridge.name\"}}"], cancellationToken);
        return new(NetworkInterface.GetAllNetworkInterfaces()
            .FirstOrDefault(candidate => candidate.Name == name)?.GetIPProperties().UnicastAddresses
            .FirstOrDefault(address => address.Address.AddressFamily is AddressFamily.InterNetwork));
    }

    /// <summary>What a container has to be told to reach an endpoint; the endpoint itself when it is not on loopback.</summary>
    public Uri Reachable(Uri endpoint)
    {
        if (!endpoint.IsLoopback)
        {
            return endpoint;
        }

        lock (_relayed)
        {
            if (!_relayed.TryGetValue(endpoint, out var reachable))
            {
                _relayed[endpoint] = reachable = _bridge is null
                    ? new UriBuilder(endpoint) { Host = HostName }.Uri
                    : new UriBuilder(endpoint) { Host = $"{_bridge.Address}", Port = Listen(_bridge, endpoint) }.Uri;
            }

            return reachable;
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listeners.ForEach(listener => listener.Dispose());
        _end.Dispose();
    }

    private int Listen(UnicastIPAddressInformation bridge, Uri endpoint)
    {
        var listener = new TcpListener(bridge.Address, 0);
        listener.Start();
        _listeners.Add(listener);
        _ = AcceptAsync(listener, new IPNetwork(BaseOf(bridge), bridge.PrefixLength), endpoint);
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task AcceptAsync(TcpListener listener, IPNetwork containers, Uri endpoint)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(_end.Token);
                if (client.Client.RemoteEndPoint is IPEndPoint remote && containers.Contains(remote.Address))
                {
                    _ = RelayAsync(client, endpoint, _end.Token);
                }
                else
                {
                    client.Dispose();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The cluster has ended.
        }
    }

    private static async Task RelayAsync(TcpClient client, Uri endpoint, CancellationToken end)
    {
        using (client)
        using (var collector = new TcpClient())
        {
            try
            {
                await collector.ConnectAsync(endpoint.Host, endpoint.Port, end);
                await Task.WhenAny(
                    client.GetStream().CopyToAsync(collector.GetStream(), end),
                    collector.GetStream().CopyToAsync(client.GetStream(), end));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // The exporter tries again by itself.
            }
        }
    }

    private static IPAddress BaseOf(UnicastIPAddressInformation bridge)
    {
        var address = bridge.Address.GetAddressBytes();
        var mask = bridge.IPv4Mask.GetAddressBytes();
        return new([.. address.Zip(mask, (part, of) => (byte)(part & of))]);
    }
}
