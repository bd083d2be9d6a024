using System.Net.Security;
using System.Net.Sockets;
using ClusterAspire.Link;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Configuration;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>The connections to one replica that wait for a request; the one that waited least is used first.</summary>
/// <param name="host">The replica's host.</param>
/// <param name="port">Its port.</param>
/// <param name="encrypted">Whether it speaks HTTPS.</param>
/// <param name="config">The cluster's settings for its client.</param>
/// <param name="connections">Makes TCP's connections.</param>
/// <param name="link">The link to the replica, which is used while it is there; null for TCP alone.</param>
/// <param name="connectTimeout">How long a connection may take.</param>
internal sealed class ConnectionPool(
    string host, int port, bool encrypted, HttpClientConfig config, UpstreamConnections connections, ReplicaLink? link, TimeSpan connectTimeout)
{
    /// <summary>How long a connection waits for a request.</summary>
    public static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly List<Http1Connection> _idle = [];
    private readonly SemaphoreSlim? _unused = config.MaxConnectionsPerServer is { } most ? new(most) : null;

    /// <summary>Sends a request on a connection that waits, else on a new one.</summary>
    /// <exception cref="HttpRequestException">
    /// No connection could be made (<see cref="HttpRequestError.ConnectionError"/>): nothing was sent. Or it broke before the
    /// response: the replica may have worked on the request.
    /// </exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var connection = await TakeAsync(cancellationToken);
        try
        {
            return await connection.SendAsync(request, cancellationToken);
        }
        catch (UnsendableRequestException)
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A connection that waits, else a new one; where all that there may be are in use, the next that is free.</summary>
    /// <exception cref="HttpRequestException">None could be made (<see cref="HttpRequestError.ConnectionError"/>).</exception>
    public ValueTask<Http1Connection> TakeAsync(CancellationToken cancellationToken) =>
        _unused is not null ? TakeLimitedAsync(_unused, cancellationToken)
        : Take() is { } connection ? new(connection)
        : ConnectAsync(cancellationToken);

    /// <summary>A connection is in use no more, or has ended.</summary>
    public void Release() => _unused?.Release();

    /// <summary>Takes a connection back.</summary>
    public void Return(Http1Connection connection)
    {
        lock (_lock)
        {
            _idle.Add(connection);
        }
    }

    /// <summary>Closes the connections that waited too long, and those that their replica closed.</summary>
    /// <returns>How many are left.</returns>
    public int Trim()
    {
        List<Http1Connection> closed = [];
        lock (_lock)
        {
            _idle.RemoveAll(connection =>
            {
                var remove = !connection.IsUsable || IsOld(connection);
                if (remove)
                {
                    closed.Add(connection);
                }

                return remove;
            });
        }

        closed.ForEach(connection => connection.Dispose());
        return _idle.Count;
    }

    private async ValueTask<Http1Connection> TakeLimitedAsync(SemaphoreSlim unused, CancellationToken cancellationToken)
    {
        await unused.WaitAsync(cancellationToken);
        try
        {
            var connection = Take() ?? await ConnectAsync(cancellationToken);
            connection.Take();
            return connection;
        }
        catch
        {
            unused.Release();
            throw;
        }
    }

    private Http1Connection? Take()
    {
        while (true)
        {
            Http1Connection connection;
            lock (_lock)
            {
                if (_idle.Count == 0)
                {
                    return null;
                }

                connection = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
            }

            if (connection.IsUsable && !IsOld(connection) && (connection.IsLinked || link is not { IsOpen: true }))
            {
                return connection;
            }

            connection.Dispose();
        }
    }

    // One second before the replica would close it, as a request could be on its way then.
    private static bool IsOld(Http1Connection connection) =>
        Environment.TickCount64 - connection.IdleSince > (connection.IdleLimit is { } seconds ? (seconds - 1) * 1000L : (long)IdleLimit.TotalMilliseconds);

    private ValueTask<Http1Connection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (link?.TryOpen() is not { } linked)
        {
            return ConnectByTcpAsync(cancellationToken);
        }

        var stream = new VirtualStream(linked);
        return new(new Http1Connection(stream, stream, this));
    }

    private async ValueTask<Http1Connection> ConnectByTcpAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(connectTimeout);
        UpstreamConnection? connection = null;
        try
        {
            connection = await connections.ConnectAsync(host, port, limit.Token);
            return new Http1Connection(connection, await EncryptAsync(connection, limit.Token), this);
        }
        catch (Exception exception)
        {
            connection?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw exception is SocketException local && OutOfResourcesException.Is(local) ? new OutOfResourcesException(local)
                : exception is SocketException or OperationCanceledException or IOException or System.Security.Authentication.AuthenticationException
                ? new HttpRequestException(HttpRequestError.ConnectionError, $"No connection to {host}:{port} could be made: {(exception is OperationCanceledException ? "it took too long" : exception.Message)}", exception)
                : exception;
        }
    }

    private async ValueTask<Stream> EncryptAsync(NetworkStream plain, CancellationToken cancellationToken)
    {
        if (!encrypted)
        {
            return plain;
        }

        var stream = new SslStream(plain);
        var options = new SslClientAuthenticationOptions { TargetHost = host, ApplicationProtocols = [SslApplicationProtocol.Http11] };
        if (config.SslProtocols is { } protocols)
        {
            options.EnabledSslProtocols = protocols;
        }

        if (config.DangerousAcceptAnyServerCertificate is true)
        {
#pragma warning disable CA5359 // The user has chosen this in YARP's configuration.
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        await stream.AuthenticateAsClientAsync(options, cancellationToken);
        return stream;
    }
}
