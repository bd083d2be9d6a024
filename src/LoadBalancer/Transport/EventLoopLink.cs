using ClusterAspire.Link;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>Receives from a link on an event loop.</summary>
internal sealed class EventLoopLink : IEventLoopSocket
{
    private readonly LinkConnection _link;

    /// <param name="link">The link.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The system takes no more sockets.</exception>
    public EventLoopLink(LinkConnection link)
    {
        (_link, Descriptor) = (link, (int)link.Socket.Handle);
        EventLoop.Next().Add(this);
    }

    /// <inheritdoc/>
    public int Descriptor { get; }

    /// <inheritdoc/>
    public uint Number { get; } = EventLoop.NewNumber();

    /// <inheritdoc/>
    /// <remarks>Not of room to write: the loop would be woken each time that the replica has received.</remarks>
    public EpollEvents Awaited => EpollEvents.Readable | EpollEvents.PeerClosed;

    /// <inheritdoc/>
    public void Happened(EpollEvents events)
    {
        if (!_link.ReceiveAvailable(toEnd: (events & (EpollEvents.PeerClosed | EpollEvents.HungUp | EpollEvents.Failed)) != 0))
        {
            EventLoop.Remove(this);
        }
    }
}
