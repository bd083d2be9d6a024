using System.Net;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>The listening sockets that this process was started with, by what they are bound to. They outlive it: clients wait in their queues for the next.</summary>
internal sealed class HandedSockets(IOptions<LoadBalancerOptions> options)
{
    private readonly Lazy<Dictionary<EndPoint, Socket>> _sockets = new(() => Open(options.Value.Sockets));

    /// <summary>The socket that is bound to an address; null when there is none.</summary>
    /// <exception cref="OptionsValidationException">One of them is no socket.</exception>
    public Socket? this[EndPoint endPoint] => _sockets.Value.GetValueOrDefault(endPoint);

    /// <summary>Takes a descriptor for the socket that it is.</summary>
    /// <exception cref="OptionsValidationException">It is none.</exception>
    public static Socket Open(nint descriptor)
    {
        try
        {
            return new(new SafeSocketHandle(descriptor, ownsHandle: true));
        }
        catch (SocketException e)
        {
            throw new OptionsValidationException(
                nameof(LoadBalancerOptions.Sockets), typeof(LoadBalancerOptions), [$"Descriptor {descriptor} is no socket that this process was started with ({e.Message}): leave LoadBalancer:Sockets to the runner."]);
        }
    }

    private static Dictionary<EndPoint, Socket> Open(IEnumerable<int> descriptors) =>
        descriptors.Select(descriptor => Open(descriptor)).ToDictionary(socket => socket.LocalEndPoint!);
}
