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
    public void Happened(EpollEvents events)
    {
        if (!_link.ReceiveAvailable(toEnd: (events & (EpollEvents.PeerClosed | EpollEvents.HungUp | EpollEvents.Failed)) != 0))
        {
            EventLoop.Remove(this);
        }
    }
}
