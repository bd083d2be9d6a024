using System.Net;
using System.Net.Sockets;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Sockets;

/// <summary>
/// The load balancer's listening sockets, held by its supervisor: they outlive every load balancer, and clients that connect
/// while none accepts wait in their queues.
/// </summary>
public sealed class HeldSockets : IDisposable
{
    private readonly Dictionary<EndPoint, Socket> _sockets = [];

    /// <summary>Whether sockets can be passed on to processes on this operating system.</summary>
    public static bool AreSupported => !OperatingSystem.IsWindows();

    /// <summary>Listens wherever a load balancer is to, as far as this does not yet.</summary>
    /// <param name="plan">The load balancer.</param>
    /// <returns>The descriptors of those sockets.</returns>
    /// <exception cref="ClusterException">An address cannot be listened at; no other was begun with either.</exception>
    public IReadOnlyList<int> ListenFor(LoadBalancerPlan plan)
    {
        List<EndPoint> begun = [];
        try
        {
            List<int> descriptors = [];
            foreach (var (endPoint, address) in Wanted(plan))
            {
                if (!_sockets.TryGetValue(endPoint, out var socket))
                {
                    socket = Listen(endPoint, address);
                    _sockets.Add(endPoint, socket);
                    begun.Add(endPoint);
                }

                descriptors.Add((int)socket.Handle);
            }

            return descriptors;
        }
        catch (ClusterException)
        {
            Close(begun);
            throw;
        }
    }

    /// <summary>Listens no more where that load balancer does not.</summary>
    public void KeepFor(LoadBalancerPlan plan) => Close([.. _sockets.Keys.Except(Wanted(plan).Select(wanted => wanted.EndPoint))]);

    /// <summary>Listens nowhere any more: clients that connect from now on are refused, unless a load balancer listens still.</summary>
    public void Dispose() => Close([.. _sockets.Keys]);

    private static IEnumerable<(EndPoint EndPoint, string Address)> Wanted(LoadBalancerPlan plan)
    {
        var addresses = plan.Listen.Select(text => ListenAddress.TryParse(text, out var address) ? address : null).OfType<ListenAddress>().ToList();
        List<(EndPoint, string)> wanted = [.. addresses.SelectMany(address => EndPoints(address).Select(endPoint => (endPoint, address.Text)))];
        int[] ports = addresses.Exists(address => address.Covers(plan.Url)) ? [plan.AdminPort] : [plan.Port, plan.AdminPort];
        return wanted.Concat(
            from port in ports
            from address in Loopback.Addresses
            select ((EndPoint)new IPEndPoint(address, port), $"port {port}")).DistinctBy(each => each.Item1);
    }

    private static IEnumerable<EndPoint> EndPoints(ListenAddress address)
    {
        try
        {
            var all = address.EndPoints().ToList();
            // Loopback of both families, or the one there is.
            return all.Count > 1 && address.Url.IsLoopback ? all.Where(endPoint => Loopback.Addresses.Contains(((IPEndPoint)endPoint).Address)) : all;
        }
        catch (SocketException e)
        {
            throw new ClusterException($"{address.Text} cannot be listened at, as {address.Host} is no name of this machine ({e.Message}): name one of its addresses, or * for all.");
        }
    }

    private static Socket Listen(EndPoint endPoint, string address)
    {
        try
        {
            return ListenAddress.Listen(endPoint);
        }
        catch (SocketException e)
        {
            throw new ClusterException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"{address} is taken by another program: choose another by {ClusterOptions.Switch(nameof(ClusterOptions.Listen))}.",
                SocketError.AccessDenied => $"{address} needs rights that this user lacks: choose another by {ClusterOptions.Switch(nameof(ClusterOptions.Listen))}.",
                _ => $"{address} cannot be listened at: {e.Message}.",
            });
        }
    }

    private void Close(IEnumerable<EndPoint> endPoints)
    {
        foreach (var endPoint in endPoints)
        {
            _sockets.Remove(endPoint, out var socket);
            socket!.Dispose();
        }
    }
}
