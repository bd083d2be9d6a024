using ClusterAspire.Link;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>Receives from a link on an event loop.</summary>
internal sealed class EventLoopLink : IEventLoopSocket
{
    private readonly EventLoop _loop = EventLoop.Next();
    private readonly LinkConnection _link;

    /// <param name="link">The link.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The system takes no more sockets.</exception>
    public EventLoopLink(LinkConnection link)
    {
        (_link, Descriptor) = (link, (int)link.Socket.Handle);
        _loop.Add(this);
    }

    /// <inheritdoc/>
    public int Descriptor { get; }

    /// <inheritdoc/>
    public long Number { get; } = EventLoop.NewNumber();

    /// <inheritdoc/>
    public void Happened(EpollEvents events)
    {
        if (!_link.ReceiveAvailable(toEnd: (events & (EpollEvents.PeerClosed | EpollEvents.HungUp | EpollEvents.Failed)) != 0))
        {
            _loop.Remove(this);
        }
    }
}
