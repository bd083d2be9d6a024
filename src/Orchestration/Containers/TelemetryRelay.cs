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

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _end = new();
    private readonly List<TcpListener> _listeners = [];
    private readonly UnicastIPAddressInformation? _bridge;
    private readonly Dictionary<Uri, Uri> _relayed = [];

    /// <param name="bridge">The address of this machine on the containers' bridge, or null when there is none.</param>
    internal TelemetryRelay(UnicastIPAddressInformation? bridge) => _bridge = bridge;

    /// <summary>Prepares relaying for an engine; nothing listens before an endpoint asks for it.</summary>
    public static async Task<TelemetryRelay> CreateAsync(ContainerEngine engine, CancellationToken cancellationToken)
    {
        // With Docker Desktop the engine runs in a virtual machine: there is no bridge here, and loopback works already.
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
                _relayed[endpoint] = reachable = Relay(endpoint);
            }

            return reachable;
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listeners.ForEach(listener => listener.Dispose());
    }

    private Uri Relay(Uri endpoint)
    {
        if (_bridge is null)
        {
            return new UriBuilder(endpoint) { Host = HostName }.Uri;
        }

        try
        {
            return new UriBuilder(endpoint) { Host = $"{_bridge.Address}", Port = Listen(_bridge, endpoint) }.Uri;
        }
        catch (SocketException)
        {
            // For example, the bridge has gone. Replicas run without telemetry.
            return endpoint;
        }
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
        while (!_end.IsCancellationRequested)
        {
            try
            {
                _ = RelayAsync(await listener.AcceptTcpClientAsync(_end.Token), containers, endpoint, _end.Token);
            }
            catch (Exception) when (!_end.IsCancellationRequested)
            {
                // For example, there are no descriptors left. The next connection may be accepted again.
                await Task.Delay(Pause, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception)
            {
                // The cluster has ended.
            }
        }
    }

    private static async Task RelayAsync(TcpClient client, IPNetwork containers, Uri endpoint, CancellationToken end)
    {
        using (client)
        {
            try
            {
                if (client.Client.RemoteEndPoint is not IPEndPoint remote || !containers.Contains(remote.Address))
                {
                    return;
                }

                using var collector = new TcpClient();
                await collector.ConnectAsync(endpoint.Host, endpoint.Port, end);
                await Task.WhenAny(
                    client.GetStream().CopyToAsync(collector.GetStream(), end),
                    collector.GetStream().CopyToAsync(client.GetStream(), end));
            }
            catch (Exception)
            {
                // One connection failed. The exporter tries again.
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
