using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ClusterAspire.Link;
using ClusterAspire.Replica.Link;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Health;

/// <summary>
/// Accepts connections on a thread of its own and reads the first bytes of each: it answers probes, passes links to the link server,
/// and gives all other connections to Kestrel.
/// </summary>
internal sealed partial class ProbeListener : IConnectionListener
{
    // After this time a connection that has sent nothing goes to Kestrel, which has limits for that.
    private static readonly TimeSpan FirstByteTimeout = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    // Longer than the interval of the probes.
    private static readonly TimeSpan ProbeIdleLimit = TimeSpan.FromMinutes(2);

    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>();
    private readonly Dictionary<Socket, Waiting> _waiting = [];
    private readonly byte[] _head = new byte[4096];
    private readonly Socket _listen;
    private readonly Socket _wake;
    private readonly bool _noDelay;
    private readonly ProbeAnswers _answers;
    private readonly LinkServer _links;
    private readonly LinkPort _link;
    private readonly ILogger _logger;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Thread _thread;
    private volatile bool _isEnding;

    public ProbeListener(Socket listen, SocketTransportOptions options, ProbeAnswers answers, LinkServer links, ILogger logger)
    {
        (_listen, _noDelay, _answers, _links, _logger) = (listen, options.NoDelay, answers, links, logger);
        EndPoint = listen.LocalEndPoint!;
        listen.Blocking = false;
        _connections = new(
            new SocketConnectionFactoryOptions
            {
                IOQueueCount = options.IOQueueCount,
                MaxReadBufferSize = options.MaxReadBufferSize,
                MaxWriteBufferSize = options.MaxWriteBufferSize,
                UnsafePreferInlineScheduling = options.UnsafePreferInlineScheduling,
                WaitForDataBeforeAllocatingBuffer = options.WaitForDataBeforeAllocatingBuffer,
            },
            logger);
        // A machine may have only one of the two families.
        _wake = Wake(IPAddress.Loopback) ?? Wake(IPAddress.IPv6Loopback) ?? throw new SocketException((int)SocketError.AddressNotAvailable);
        _link = links.Open((IPEndPoint)EndPoint, _accepted.Writer.TryWrite);
        _thread = new(Listen) { IsBackground = true, Name = "Probes" };
        _thread.Start();
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_accepted.Reader.TryRead(out var connection))
            {
                return connection;
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (!_isEnding)
        {
            _isEnding = true;
            _wake.Send([1]);
            _thread.Join();
            _wake.Dispose();
        }

        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        await _link.DisposeAsync();
        _connections.Dispose();
    }

    private static Socket? Wake(IPAddress loopback)
    {
        Socket? socket = null;
        try
        {
            socket = new(loopback.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(loopback, 0));
            socket.Connect(socket.LocalEndPoint!);
            return socket;
        }
        catch (SocketException)
        {
            socket?.Dispose();
            return null;
        }
    }

    private void Listen()
    {
        while (!_isEnding)
        {
            try
            {
                Turn();
            }
            catch (Exception e)
            {
                Log.Failed(_logger, e);
#pragma warning disable RS0030 // On the thread for probes, not on the thread pool.
                Thread.Sleep(RetryDelay);
#pragma warning restore RS0030
            }
        }

        _listen.Dispose();
        foreach (var (socket, waiting) in _waiting)
        {
            HandOver(socket, waiting);
        }

        _accepted.Writer.Complete();
    }

    private void Turn()
    {
        List<Socket> ready = [_wake, _listen, .. _waiting.Keys];
        Socket.Select(ready, null, null, UntilNextDue());
        foreach (var socket in ready)
        {
            if (socket == _listen)
            {
                Accept();
            }
            else if (socket != _wake)
            {
                Look(socket);
            }
        }

        foreach (var (socket, waiting) in _waiting.Where(one => one.Value.Due <= Environment.TickCount64).ToList())
        {
            _waiting.Remove(socket);
            HandOver(socket, waiting);
        }
    }

    private void HandOver(Socket socket, Waiting waiting)
    {
        if (waiting.IsProbe)
        {
            socket.Dispose();
        }
        else
        {
            Give(socket);
        }
    }

    private void Give(Socket socket) => _accepted.Writer.TryWrite(_connections.Create(socket));

    private TimeSpan UntilNextDue() =>
        _waiting.Count == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(1, _waiting.Values.Min(one => one.Due) - Environment.TickCount64));

    private void Accept()
    {
        try
        {
            var socket = _listen.Accept();
            socket.NoDelay = _noDelay;
            _waiting[socket] = new(Environment.TickCount64 + (long)FirstByteTimeout.TotalMilliseconds, IsProbe: false);
            if (socket.Available > 0)
            {
                Look(socket);
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            // It was closed before it was accepted.
        }
    }

    private void Look(Socket socket)
    {
        _waiting.Remove(socket, out var waiting);
        try
        {
            var length = socket.Receive(_head, SocketFlags.Peek);
            if (length == 0)
            {
                socket.Dispose();
                return;
            }

            if (Greeting.IsBegunBy(_head.AsSpan(0, length)))
            {
                _links.Serve(socket, _link);
                return;
            }

            if (!ProbeRequest.TryParse(_head.AsSpan(0, length), out var probe))
            {
                Give(socket);
                return;
            }

            socket.Receive(_head, probe.Length, SocketFlags.None);
            socket.Send(_answers.To(probe, out var closes));
            if (closes)
            {
                socket.Dispose();
            }
            else
            {
                _waiting[socket] = new(Environment.TickCount64 + (long)ProbeIdleLimit.TotalMilliseconds, IsProbe: true);
            }
        }
        catch (SocketException)
        {
            socket.Dispose();
        }
    }

    private readonly record struct Waiting(long Due, bool IsProbe);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Accepting connections failed; it goes on in a second.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
