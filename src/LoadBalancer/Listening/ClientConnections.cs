using System.IO.Pipelines;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Edge;
using ClusterAspire.LoadBalancer.Tls;
using ClusterAspire.LoadBalancer.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>Prepares every connection of a client before Kestrel reads it.</summary>
/// <param name="options">What the user chose.</param>
/// <param name="limits">Kestrel's limits.</param>
/// <param name="edge">Serves the plain requests.</param>
/// <param name="open">Those that are open.</param>
internal sealed class ClientConnections(LoadBalancerOptions options, KestrelServerLimits limits, Lazy<EdgeServer> edge, OpenConnections open)
{
    private ConnectionDelegate? _http2;

    /// <summary>Takes the place of Kestrel's first step for a port that clients connect to.</summary>
    public void AddTo(ListenOptions listen) => listen.Use(http1 => connection => ServeAsync(connection, http1));

    /// <summary>Keeps Kestrel's HTTP/2 for those clients that begin with it, without TLS (RFC 9113, 3.3).</summary>
    /// <remarks>Kestrel 10 itself speaks either HTTP/1.1 or HTTP/2 at a port without TLS.</remarks>
    public void TakeHttp2From(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http2;
        listen.Use(http2 => _http2 = http2);
    }

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate http1)
    {
        using var entry = open.Add(connection);
        var transport = connection.Transport;
        if (connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual("h2"u8) is true)
        {
            // TLS has negotiated HTTP/2, so there is no HTTP/1 to check.
            entry.BecomesHttp2();
            var sent = new WatchedOutput(transport.Output);
            connection.Transport = new DuplexPipe(new PooledInput(transport.Input), sent);
            connection.Features.Get<IConnectionHeartbeatFeature>()?.OnHeartbeat(_ => AbortIfStalled(connection, sent), sent);
            await http1(connection);
            return;
        }

        var isEncrypted = connection.Features.Get<ITlsConnectionFeature>() is not null;
        var output = new WatchedOutput(isEncrypted && connection is EventLoopConnection loop ? new GatheredOutput(transport.Output, loop.Output) : transport.Output);
        var heartbeat = connection.Features.Get<IConnectionHeartbeatFeature>();
        heartbeat?.OnHeartbeat(_ => AbortIfStalled(connection, output), output);
        using var half = new HalfClosed(connection, TimeSpan.FromSeconds(options.HalfCloseTimeout));
        var received = connection.Features.Get<TlsRecords>() is { } records
            ? new DecryptedInput(records, connection.Features.GetRequiredFeature<ISslStreamFeature>().SslStream)
            : transport.Input;
        if (options.Edge && connection is not EventLoopConnection { WasAtEdge: true } && !await ServeAtEdgeAsync(connection, isEncrypted, received, output))
        {
            await received.CompleteAsync();
            return;
        }

        var framing = new RequestFraming();
        var input = new StrictInput(received, framing);
        output.StaysOpen = () => input.IsHttp2;
        connection.Features.Set(framing);
        connection.Transport = new DuplexPipe(input, output);
        connection.Features.Set<IConnectionHeartbeatFeature>(heartbeat is null ? null : new Http1Heartbeat(heartbeat, input));
        await http1(connection);
        if (input.IsHttp2)
        {
            connection.Features.Set(heartbeat);
            connection.Transport = new DuplexPipe(new PooledInput(received), new WatchedOutput(transport.Output));
            entry.BecomesHttp2();
            await _http2!(connection);
        }
    }

    // Whether Kestrel is to go on.
    private async Task<bool> ServeAtEdgeAsync(ConnectionContext connection, bool isEncrypted, PipeReader input, WatchedOutput output)
    {
        (connection as EventLoopConnection)?.StayOnLoop();
        var plain = new EdgeConnection(edge.Value, limits, connection.RemoteEndPoint, isEncrypted, input, output);
        connection.Features.Get<IConnectionHeartbeatFeature>()?.OnHeartbeat(static edge => ((EdgeConnection)edge).Tick(), plain);
        using var onGone = connection.ConnectionClosed.UnsafeRegister(static edge => ((EdgeConnection)edge!).Gone(), plain);
        using var onStop = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested
            .UnsafeRegister(static edge => ((EdgeConnection)edge!).Close(), plain);
        var end = await plain.ServeAsync();
        if (end is EdgeEnd.Broken)
        {
            connection.Abort(new ConnectionAbortedException(EdgeConnection.Incomplete));
        }

        connection.Features.Set(plain.Failed);
        return end is EdgeEnd.LeftToKestrel;
    }

    private void AbortIfStalled(ConnectionContext connection, WatchedOutput output)
    {
        if (output.Waiting.TotalSeconds > options.SendTimeout)
        {
            connection.Abort(new ConnectionAbortedException(WatchedOutput.Stalled));
        }
    }

    /// <summary>
    /// Kestrel's HTTP/1 starts time limits for its last output when it ends. They must not end a connection that continues as HTTP/2.
    /// </summary>
    private sealed class Http1Heartbeat(IConnectionHeartbeatFeature inner, StrictInput input) : IConnectionHeartbeatFeature
    {
        public void OnHeartbeat(Action<object> action, object state) => inner.OnHeartbeat(
            given =>
            {
                if (!input.IsHttp2)
                {
                    action(given);
                }
            },
            state);
    }
}
